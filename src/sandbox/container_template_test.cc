// Python programs started from templates, in real containers.
#include <sys/stat.h>

#include <fstream>

#include "sandbox/crun_testing.h"
#include "sandbox/python_template.h"

namespace thaw::sandbox {
namespace {

using Rung = InstanceObserver::Rung;

class PythonTemplateTest : public CrunTest {
 protected:
  void SetUp() override {
    CrunTest::SetUp();
    if (IsSkipped()) return;
    char folder[] = "/var/lib/thaw-template-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    folder_ = folder;
  }
  void TearDown() override {
    CrunTest::TearDown();
    if (folder_.empty()) return;
    EXPECT_TRUE(disk_.remove_tree(folder_));
  }

  InstanceSpec program(const std::string& text) {
    std::ofstream(folder_ + "/app.py") << text;
    return spec_for({"/usr/bin/python3", "-u", folder_ + "/app.py", "word"});
  }

  /// Starts it cold, has its imports recorded and waits for the next sandbox to stand.
  void record(const InstanceSpec& spec) {
    sandbox_->keep_ready(spec);
    Recorder cold;
    const auto instance = start(spec, cold);
    run_until(loop_, [&] { return cold.out.find("up\n") != cold.out.npos || cold.report; });
    ASSERT_FALSE(cold.report) << cold.err << cold.report->detail;
    EXPECT_FALSE(cold.rung) << "the first start is as it always was";
    EXPECT_TRUE(instance->freeze());
    instance->kill();
    wait_end(cold);
    cold_out_ = cold.out;
  }
  void wait_ready() {
    run_until(loop_, [&] { return sandbox_->ready_count() == 1; });
  }

  std::string folder_;
  std::string cold_out_;
};

constexpr char kServer[] = R"(
import json, os, random, socket, sys, time
assert __name__ == '__main__' and sys.modules['__main__'].__dict__ is globals()
print(sys.argv, sys.path, __file__, sorted(os.environ.items()), os.getcwd(), os.getpid())
print('random', random.random())
server = socket.create_server(('', 8080))
print('up')
time.sleep(1000)
)";

std::string line_with(const std::string& text, const std::string& word) {
  const size_t at = text.find(word);
  return at == text.npos ? "" : text.substr(at, text.find('\n', at) - at);
}

TEST_F(PythonTemplateTest, TheSecondStartHasItsImportsDoneAndSeesTheWorldOfTheFirst) {
  const InstanceSpec spec = program(kServer);
  record(spec);
  wait_ready();
  Recorder templated;
  const auto instance = start(spec, templated);
  run_until(loop_, [&] {
    return templated.out.find("up\n") != templated.out.npos || templated.report.has_value();
  });
  ASSERT_FALSE(templated.report) << templated.err;
  EXPECT_EQ(templated.rung, Rung::kTemplated) << templated.rung_words;
  EXPECT_EQ(line_with(templated.out, "["), line_with(cold_out_, "["));
  EXPECT_NE(line_with(templated.out, "random"), line_with(cold_out_, "random"));
  EXPECT_EQ(templated.err, "");
  instance->terminate();
  wait_end(templated);
  EXPECT_EQ(templated.report->kind, ExitReport::Kind::kStopped);
}

TEST_F(PythonTemplateTest, AProgramThatFailsOnlyFromATemplateIsStartedColdFromThenOn) {
  const InstanceSpec spec = program(R"(
import sys, time
if 'thaw-python' in sys.orig_argv[2]: sys.exit(7)
import json
print('up')
time.sleep(1000)
)");
  record(spec);
  wait_ready();
  const Recorder failed = run(spec);
  EXPECT_EQ(failed.rung, Rung::kTemplated);
  EXPECT_EQ(failed.report->kind, ExitReport::Kind::kExited);
  EXPECT_EQ(failed.report->exit_code, 7);
  wait_ready();
  Recorder cold;
  const auto instance = start(spec, cold);
  run_until(loop_, [&] { return cold.out == "up\n" || cold.report; });
  EXPECT_EQ(cold.rung, Rung::kCold);
  EXPECT_NE(cold.rung_words.find("exit code 7"), std::string::npos) << cold.rung_words;
}

TEST_F(PythonTemplateTest, AFileThatChangedMakesTheProgramStartAnewInTheSameSandbox) {
  std::ofstream(folder_ + "/part.py") << "word = 'old'\n";
  InstanceSpec spec =
      program("import part, time\nprint(part.word)\nprint('up')\ntime.sleep(1000)\n");
  spec.templates = InstanceSpec::Templates::kModule;
  record(spec);
  wait_ready();
  std::ofstream(folder_ + "/part.py") << "word = 'brand new'\n";
  Recorder templated;
  const auto instance = start(spec, templated);
  run_until(loop_, [&] { return templated.out.ends_with("up\n") || templated.report; });
  EXPECT_EQ(templated.out, "brand new\nup\n") << templated.err;
}

TEST_F(PythonTemplateTest, WhatAProgramImportsAheadHasNoMoreRightsThanTheProgram) {
  std::ofstream(folder_ + "/part.py") << R"(
import os
wanted = ('Cap', 'NoNewPrivs', 'Seccomp', 'Uid', 'Gid', 'Groups')
rights = [line.split() for line in open('/proc/self/status') if line.startswith(wanted)]
print('rights', rights, os.listdir('/proc/1/fd') == os.listdir('/proc/self/fd'))
)";
  InstanceSpec spec = program("import part, time\nprint('up')\ntime.sleep(1000)\n");
  spec.templates = InstanceSpec::Templates::kModule;
  record(spec);
  wait_ready();
  Recorder templated;
  const auto instance = start(spec, templated);
  run_until(loop_, [&] { return templated.out.ends_with("up\n") || templated.report; });
  EXPECT_EQ(templated.rung, Rung::kTemplated);
  EXPECT_NE(line_with(cold_out_, "rights").find("NoNewPrivs"), std::string::npos);
  EXPECT_EQ(line_with(templated.out, "rights"), line_with(cold_out_, "rights"));
}

TEST_F(PythonTemplateTest, WithTemplatesOffNothingIsRecordedOrRunAhead) {
  InstanceSpec spec = program(kServer);
  spec.templates = InstanceSpec::Templates::kOff;
  record(spec);
  sandbox_->keep_ready(spec);
  wait_ready();
  Recorder second;
  const auto instance = start(spec, second);
  run_until(loop_, [&] { return second.out.ends_with("up\n") || second.report; });
  EXPECT_FALSE(second.rung);
}

TEST_F(PythonTemplateTest, ARecordThatLinksToTheHostIsNotFollowed) {
  std::ofstream(ground().data_dir + "/secret") << "the platform's own";
  const InstanceSpec spec =
      program("import os, time\nos.unlink('/run/thaw-imports')\nos.symlink('" + ground().data_dir +
              "/secret', '/run/thaw-imports')\nprint('up')\n"
              "time.sleep(1000)\n");
  record(spec);
  Recorder second;
  const auto instance = start(spec, second);
  run_until(loop_, [&] { return second.executed() || second.report; });
  EXPECT_FALSE(second.rung) << "nothing was recorded";
}

TEST(TemplateStatus, IsReadFromWhatATemplateWritesAndNothingElse) {
  EXPECT_EQ(parse_template_status("ready 12\nleft-out a why\nleft-out b why\n")->left_out, 2);
  EXPECT_EQ(parse_template_status("ready 12\n")->modules, 12);
  EXPECT_EQ(parse_template_status("none it patches\n")->none, "it patches");
  for (const char* text : {"", "\n", "read 1\n", "\xff\xfe"}) {
    EXPECT_FALSE(parse_template_status(text)) << text;
  }
}

}  // namespace
}  // namespace thaw::sandbox
