#include "doctor/launch.h"

#include <gtest/gtest.h>

#include <map>

namespace thaw::doctor {
namespace {

using Words = std::vector<std::string>;

struct DockerCase {
  const char* text;
  Words argv;
};

TEST(Dockerfile, TheLastStagesCommandRuns) {
  const DockerCase cases[] = {
      {"FROM a\nCMD [\"python3\", \"app.py\"]\n", {"python3", "app.py"}},
      {"FROM a\nCMD exec gunicorn --bind :$PORT main:app\n",
       {"/bin/sh", "-c", "exec gunicorn --bind :$PORT main:app"}},
      {"FROM a\nENTRYPOINT [\"tini\", \"--\"]\nCMD [\"./server\"]\n", {"tini", "--", "./server"}},
      {"FROM a\nENTRYPOINT ./run\nCMD [\"ignored\"]\n", {"/bin/sh", "-c", "./run"}},
      {"FROM a AS build\nCMD [\"old\"]\nFROM b\nCMD [\"new\"]\n", {"new"}},
      {"from a\n# CMD [\"no\"]\ncmd [\"one\", \\\n  \"two\"]\n", {"one", "two"}},
      {"FROM a\nCMD [\"broken\n", {"/bin/sh", "-c", "[\"broken"}},
  };
  for (const DockerCase& one : cases) {
    const auto launch = parse_dockerfile(one.text);
    ASSERT_TRUE(launch) << one.text;
    EXPECT_EQ(launch->argv, one.argv) << one.text;
  }
}

TEST(Dockerfile, EnvAndWorkdirAreKept) {
  const auto launch = parse_dockerfile(
      "FROM a\nENV A=1 B=\"two words\" C='x'\nENV D the rest\nWORKDIR /app\nCMD [\"x\"]\n");
  ASSERT_TRUE(launch);
  const std::vector<std::pair<std::string, std::string>> env = {
      {"A", "1"}, {"B", "two words"}, {"C", "x"}, {"D", "the rest"}};
  EXPECT_EQ(launch->env, env);
  EXPECT_EQ(launch->working_dir, "/app");
}

TEST(Dockerfile, WithoutACommandIsRefused) {
  for (const char* text : {"", "FROM python:3.11\nCOPY . .\n", "CMD [\"a\"]\nFROM b\n"}) {
    EXPECT_FALSE(parse_dockerfile(text)) << text;
  }
}

TEST(Procfile, TheShellBecomesOneCommandAndStaysForMore) {
  EXPECT_EQ(parse_procfile("worker: x\nweb: python3 app.py\n")->argv,
            (Words{"/bin/sh", "-c", "exec python3 app.py"}));
  EXPECT_EQ(parse_procfile("web: exec ./run")->argv, (Words{"/bin/sh", "-c", "exec ./run"}));
  EXPECT_EQ(parse_procfile("web: ./a; ./b")->argv, (Words{"/bin/sh", "-c", "./a; ./b"}));
  EXPECT_EQ(parse_procfile("web: A=1 ./a")->argv, (Words{"/bin/sh", "-c", "A=1 ./a"}));
  EXPECT_FALSE(parse_procfile("worker: x\n"));
  EXPECT_FALSE(parse_procfile("web:\n"));
}

TEST(PackageJson, StartComesBeforeMain) {
  EXPECT_EQ(parse_package_json(R"({"scripts": {"start": "node a.js"}, "main": "b.js"})")->argv,
            (Words{"/bin/sh", "-c", "exec node a.js"}));
  EXPECT_EQ(parse_package_json(R"({"main": "b.js"})")->argv, (Words{"node", "b.js"}));
  EXPECT_FALSE(parse_package_json("{}"));
  EXPECT_FALSE(parse_package_json("{"));
  EXPECT_FALSE(parse_package_json("[1]"));
}

TEST(Launch, TheFirstFileDecides) {
  std::map<std::string, std::string, std::less<>> files = {
      {"app.py", ""}, {"main.py", ""}, {"Procfile", "web: x"}};
  const auto read = [&](std::string_view name) -> std::optional<std::string> {
    const auto found = files.find(name);
    if (found == files.end()) return std::nullopt;
    return found->second;
  };
  EXPECT_EQ(launch_of(read)->found_by, "Procfile: web");
  files.erase("Procfile");
  EXPECT_EQ(launch_of(read)->argv, (Words{"python3", "main.py"}));
  files.erase("main.py");
  EXPECT_EQ(launch_of(read)->argv, (Words{"python3", "app.py"}));
  files.clear();
  EXPECT_EQ(launch_of(read).error().code(), Code::kNotFound);
}

}  // namespace
}  // namespace thaw::doctor
