// Python programs started from templates, in real containers.
#include <sys/stat.h>

#include <fstream>
#include <set>
#include <sstream>

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
    if (sandbox_ != nullptr) sandbox_->discard(RevisionId("test-00001-abc"));
    CrunTest::TearDown();
    if (folder_.empty()) return;
    EXPECT_TRUE(disk_.remove_tree(folder_));
  }

  InstanceSpec program(const std::string& text) {
    std::ofstream(folder_ + "/app.py") << text;
    return spec_for({"/usr/bin/python3", "-u", folder_ + "/app.py", "word"});
  }

  /// Starts it cold and has its imports recorded.
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
  /// Waits for the snapshot and for a sandbox that would be restored from it.
  void wait_snapshot(const InstanceSpec& spec) {
    const auto state = [&] { return sandbox_->template_state(spec.revision); };
    run_until(loop_, [&] {
      return state().phase == TemplateState::Phase::kReady ||
             state().phase == TemplateState::Phase::kRefused;
    });
    ASSERT_EQ(state().phase, TemplateState::Phase::kReady) << state().why;
    EXPECT_GT(state().size.value, 0);
    wait_ready();
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
  wait_snapshot(spec);
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
if 'snapshot' in sys.modules: sys.exit(7)
import json
print('up')
time.sleep(1000)
)");
  record(spec);
  wait_snapshot(spec);
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

TEST_F(PythonTemplateTest, AFileThatChangedMakesTheProgramStartColdAndItsSnapshotAnew) {
  std::ofstream(folder_ + "/part.py") << "word = 'old'\n";
  InstanceSpec spec =
      program("import part, time\nprint(part.word)\nprint('up')\ntime.sleep(1000)\n");
  spec.templates = InstanceSpec::Templates::kModule;
  record(spec);
  wait_snapshot(spec);
  std::ofstream(folder_ + "/part.py") << "word = 'brand new'\n";
  Recorder templated;
  const auto instance = start(spec, templated);
  run_until(loop_, [&] { return templated.out.ends_with("up\n") || templated.report; });
  EXPECT_EQ(templated.out, "brand new\nup\n") << templated.err;
  EXPECT_EQ(templated.rung, Rung::kCold);
  EXPECT_NE(templated.rung_words.find("part.py"), std::string::npos) << templated.rung_words;
  wait_snapshot(spec);
  Recorder again;
  const auto next = start(spec, again);
  run_until(loop_, [&] { return again.out.ends_with("up\n") || again.report; });
  EXPECT_EQ(again.out, "brand new\nup\n") << again.err;
  EXPECT_EQ(again.rung, Rung::kTemplated) << again.rung_words;
}

TEST_F(PythonTemplateTest, ManyStartAtOnceFromOneSnapshotEachWithItsOwnRandomNumbers) {
  const InstanceSpec spec = program(R"(
import os, random, ssl, sys, time, uuid
print(random.random(), uuid.uuid4(), ssl.RAND_bytes(8).hex(), os.getpid())
print('up')
time.sleep(1000)
)");
  record(spec);
  wait_snapshot(spec);
  constexpr int kMany = 8;
  std::vector<Recorder> recorders(kMany);
  std::vector<std::unique_ptr<Instance>> instances;
  for (Recorder& each : recorders) instances.push_back(start(spec, each));
  std::set<std::string> words;
  for (Recorder& each : recorders) {
    run_until(loop_, [&] { return each.out.ends_with("up\n") || each.report; });
    EXPECT_EQ(each.rung, Rung::kTemplated) << each.rung_words << each.err;
    EXPECT_EQ(each.err, "");
    std::istringstream line(each.out);
    for (std::string word; line >> word && word != "up";) words.insert(word);
  }
  EXPECT_EQ(words.size(), kMany * 3 + 1) << "their process id is the only word that they share";
}

TEST_F(PythonTemplateTest, ASnapshotOutlivesTheSandboxesRunAndGoesWithItsRevision) {
  const InstanceSpec spec = program(kServer);
  record(spec);
  wait_snapshot(spec);
  wait_for_shut_down();
  make_sandbox();
  Recorder templated;
  const auto instance = start(spec, templated);
  run_until(loop_, [&] { return templated.out.ends_with("up\n") || templated.report; });
  EXPECT_EQ(templated.rung, Rung::kTemplated) << templated.rung_words << templated.err;
  const std::string folder = ground().data_dir + "/templates";
  EXPECT_EQ(disk_.list(folder)->size(), 1U);
  sandbox_->discard(spec.revision);
  EXPECT_EQ(disk_.list(folder)->size(), 0U);
}

TEST_F(PythonTemplateTest, WhatCannotBeSavedIsRefusedAndTheNextStartSaysWhy) {
  std::ofstream(folder_ + "/part.py") << "file = open('/etc/hostname')\n";
  InstanceSpec spec = program("import part, time\nprint('up')\ntime.sleep(1000)\n");
  spec.templates = InstanceSpec::Templates::kModule;
  record(spec);
  run_until(loop_, [&] {
    return sandbox_->template_state(spec.revision).phase == TemplateState::Phase::kRefused;
  });
  Recorder cold;
  const auto instance = start(spec, cold);
  run_until(loop_, [&] { return cold.out.ends_with("up\n") || cold.report; });
  EXPECT_EQ(cold.rung, Rung::kCold);
  EXPECT_NE(cold.rung_words.find("/etc/hostname open"), std::string::npos) << cold.rung_words;
}

TEST_F(PythonTemplateTest, ADamagedSnapshotMeansAColdStartAndIsMadeAnew) {
  const InstanceSpec spec = program(kServer);
  record(spec);
  wait_snapshot(spec);
  const std::string folder = ground().data_dir + "/templates";
  const std::string image = folder + "/" + disk_.list(folder)->front() + "/image";
  std::fstream(image, std::ios::in | std::ios::out).seekp(100) << "damaged";
  Recorder cold;
  const auto instance = start(spec, cold);
  run_until(loop_, [&] { return cold.out.ends_with("up\n") || cold.report; });
  EXPECT_EQ(cold.rung, Rung::kCold) << cold.err;
  EXPECT_NE(cold.rung_words.find("the snapshot is damaged"), std::string::npos);
  wait_snapshot(spec);
}

TEST_F(PythonTemplateTest, WhatAProgramImportsAheadHasNoMoreRightsThanTheProgram) {
  std::ofstream(folder_ + "/part.py") << R"(
import os
wanted = ('Cap', 'NoNewPrivs', 'Seccomp', 'Uid', 'Gid', 'Groups')
rights = [line.split() for line in open('/proc/self/status') if line.startswith(wanted)]
)";
  InstanceSpec spec =
      program("import part, time\nprint('rights', part.rights)\nprint('up')\ntime.sleep(1000)\n");
  spec.templates = InstanceSpec::Templates::kModule;
  record(spec);
  wait_snapshot(spec);
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

TEST(TemplateReport, IsReadFromWhatATemplateWritesAndNothingElse) {
  EXPECT_EQ(parse_template_report("left-out a why\nready 12 2 4096\n")->left_out, 2);
  EXPECT_EQ(parse_template_report("ready 12 0 4096\n")->modules, 12);
  EXPECT_EQ(parse_template_report("none it patches\n")->none, "it patches");
  for (const char* text : {"", "\n", "read 1\n", "ready \n", "ready 1\n", "\xff\xfe"}) {
    EXPECT_FALSE(parse_template_report(text)) << text;
  }
}

}  // namespace
}  // namespace thaw::sandbox
