#include "sandbox/python_command.h"

#include <gtest/gtest.h>

namespace thaw::sandbox {
namespace {

using Words = std::vector<std::string>;
using Kind = PythonCommand::Kind;

const Words kEnv = {"PATH=/opt/none:/usr/bin:/bin", "PORT=8080"};

std::optional<std::string> heads(const std::string& path) {
  if (path == "/usr/bin/gunicorn") return "#!/usr/bin/python3\n# EASY-INSTALL\n";
  if (path == "/usr/bin/envy") return "#! /usr/bin/env python3\n";
  if (path == "/usr/bin/isolated") return "#!/usr/bin/python3 -I\n";
  if (path == "/usr/bin/script") return "#!/bin/sh\nexec python3 app.py\n";
  if (path == "/usr/bin/binary")
    return std::string(
        "\x7f"
        "ELF\0\n",
        6);
  return std::nullopt;
}

std::optional<PythonCommand> tell(const Words& argv, const Words& env = kEnv) {
  return python_command(argv, env, heads);
}

TEST(PythonCommand, IsToldFromAFileOrAModule) {
  EXPECT_EQ(tell({"python3", "app.py", "-x"}),
            (PythonCommand{{"python3"}, Kind::kScript, "app.py", {"-x"}}));
  EXPECT_EQ(
      tell({"/venv/bin/python3.11", "-u", "-X", "dev", "-m", "http.server", "8080"}),
      (PythonCommand{
          {"/venv/bin/python3.11", "-u", "-X", "dev"}, Kind::kModule, "http.server", {"8080"}}));
}

TEST(PythonCommand, IsToldFromAConsoleScriptThatPathLeadsTo) {
  EXPECT_EQ(tell({"gunicorn", "app:app"}),
            (PythonCommand{{"/usr/bin/python3"}, Kind::kScript, "/usr/bin/gunicorn", {"app:app"}}));
  EXPECT_EQ(tell({"/usr/bin/envy"}),
            (PythonCommand{{"python3"}, Kind::kScript, "/usr/bin/envy", {}}));
}

TEST(PythonCommand, IsNothingWhereItIsNotUnderstoodInFull) {
  for (const Words& argv : std::vector<Words>{{},
                                              {"python3"},
                                              {"python3", "-c", "print()"},
                                              {"python3", "-I", "app.py"},
                                              {"python3", "-X"},
                                              {"python3", "-m"},
                                              {"python3", "folder"},
                                              {"pythonic", "app.py"},
                                              {"isolated"},
                                              {"script"},
                                              {"binary"},
                                              {"absent"}}) {
    EXPECT_FALSE(tell(argv)) << (argv.empty() ? "nothing" : argv.back());
  }
}

TEST(PythonCommand, IsNothingWhereTheEnvironmentChangesWhereModulesComeFrom) {
  EXPECT_FALSE(tell({"python3", "app.py"}, {"PYTHONSAFEPATH=1"}));
  EXPECT_FALSE(tell({"python3", "app.py"}, {"PYTHONHOME=/opt"}));
  EXPECT_TRUE(tell({"python3", "app.py"}, {"PYTHONPATH=/opt"}));
}

}  // namespace
}  // namespace thaw::sandbox
