#include "sandbox/start_failure.h"

#include <gtest/gtest.h>

namespace thaw::sandbox {
namespace {

std::string explain(const std::string& program, const std::string& message,
                    const std::string& folder = "") {
  InstanceSpec spec;
  if (!program.empty()) spec.argv = {program};
  spec.working_dir = folder;
  return explain_start_failure(spec, message);
}

TEST(StartFailure, SaysWhatFailedOnWhatAndWhatToDo) {
  EXPECT_EQ(explain("/app", "executable file `/app` not found in $PATH: No such file or directory"),
            "exec /app: no such file or directory");
  EXPECT_EQ(explain("app", "executable file `app` not found in $PATH"),
            "exec app: not found in the folders of PATH");
  EXPECT_EQ(explain("/tmp/app", "executable file `/tmp/app` not found in $PATH"),
            "exec /tmp/app: no such file or directory; an instance has its own empty /tmp, so put "
            "the program elsewhere");
  EXPECT_EQ(explain("/app", "chdir `/x`: No such file or directory", "/x"),
            "working directory /x: No such file or directory");
  EXPECT_EQ(explain("/app", "exec container process `/app`: Exec format error"),
            "exec /app: Exec format error; it is no program for this machine, or a script without "
            "a first line #!");
  EXPECT_EQ(explain("/app",
                    "exec container process (missing dynamic library?) `/app`: No such "
                    "file or directory"),
            "exec /app: No such file or directory; its interpreter (the first line's #!, or the "
            "dynamic linker) is not there");
  EXPECT_EQ(explain("/app", "something new"), "crun: something new");
  EXPECT_EQ(explain("", ""), "crun gave no reason");
}

TEST(StartFailure, TheLastErrorOfALogCounts) {
  EXPECT_EQ(last_error_of_log(R"({"msg":"unknown syscall","level":"warning","time":"x"}
{"msg":"first","level":"error","time":"x"}
{"msg":"second","level":"error","time":"x"}
)"),
            "second");
  for (const char* log : {"", "\n\n", "no json", "{\"msg\":", "[1,2]", "{\"level\":\"error\"}"}) {
    EXPECT_EQ(last_error_of_log(log), "") << log;
  }
}

TEST(StartFailure, OnlyCrunsOwnLinesAreExecFailures) {
  EXPECT_EQ(exec_failure("exec container process `/x`: Permission denied"),
            "exec container process `/x`: Permission denied");
  EXPECT_EQ(exec_failure(R"({"msg":"exec container process `/x`: No","level":"error","time":"t"})"),
            "exec container process `/x`: No");
  EXPECT_EQ(exec_failure("my own log: exec container process failed"), std::nullopt);
  EXPECT_EQ(exec_failure(""), std::nullopt);
}

}  // namespace
}  // namespace thaw::sandbox
