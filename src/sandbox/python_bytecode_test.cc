// Byte code that a program's modules lack, compiled ahead in real containers.
#include <sys/stat.h>

#include <fstream>

#include "sandbox/crun_testing.h"
#include "sandbox/python_bytecode.h"

namespace thaw::sandbox {
namespace {

using Rung = InstanceObserver::Rung;

class PythonByteCodeTest : public CrunTest {
 protected:
  void SetUp() override {
    CrunTest::SetUp();
    if (IsSkipped()) return;
    char folder[] = "/var/lib/thaw-bytecode-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    folder_ = folder;
  }
  void TearDown() override {
    CrunTest::TearDown();
    if (folder_.empty()) return;
    EXPECT_TRUE(disk_.remove_tree(folder_));
    EXPECT_TRUE(disk_.remove_tree(kept()));
  }

  InstanceSpec program(const std::string& text) {
    write("app.py", text);
    InstanceSpec spec = spec_for({"/usr/bin/python3", "-u", folder_ + "/app.py"});
    spec.templates = InstanceSpec::Templates::kOff;
    return spec;
  }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name) << text;
  }

  /// Runs it until it says so, and to the end as a service at zero ends.
  Recorder serve(const InstanceSpec& spec) {
    Recorder recorder;
    const auto instance = start(spec, recorder);
    run_until(loop_, [&] { return recorder.out.ends_with("up\n") || recorder.report; });
    EXPECT_FALSE(recorder.report) << recorder.err;
    EXPECT_TRUE(instance->freeze());
    instance->kill();
    wait_end(recorder);
    return recorder;
  }
  std::string kept() const { return ground().data_dir + "/byte_code"; }
  std::string cache() {
    for (const std::string& name : disk_.list(kept()).value_or(std::vector<std::string>())) {
      if (disk_.exists(kept() + "/" + name + "/state")) return kept() + "/" + name + "/code";
    }
    return "";
  }
  void wait_for_cache() {
    run_until(loop_, [&] { return !cache().empty(); });
  }

  std::string folder_;
};

constexpr char kProgram[] = R"(
import os, sys, time, traceback, part
from importlib.util import cache_from_source
for name in 'wrong', 'broken':
    try:
        __import__(name)
    except Exception:
        print(traceback.format_exc())
print(part.word(), part.__file__, part.__cached__, part.word.__code__.co_filename)
print(cache_from_source('/a/b.py'), sys.path, sys.dont_write_bytecode, sys.pycache_prefix)
print(sorted(os.environ.items()), sorted(name for name in sys.modules), type(part.__loader__))
print('up')
time.sleep(1000)
)";

TEST_F(PythonByteCodeTest, WhatTheFirstStartCompiledIsThereForTheSecondWhichSeesNoDifference) {
  write("part.py", "def word():\n  return 'fine'\n");
  write("wrong.py", "x = (\n");
  write("broken.py", "def fall(): raise ValueError('down')\nfall()\n");
  const InstanceSpec spec = program(kProgram);
  const Recorder first = serve(spec);
  EXPECT_FALSE(first.rung);
  wait_for_cache();
  const Recorder second = serve(spec);
  EXPECT_EQ(second.rung, Rung::kCold);
  EXPECT_NE(second.rung_words.find("byte code of 2 modules"), std::string::npos)
      << second.rung_words;
  EXPECT_EQ(second.out, first.out);
  EXPECT_NE(second.out.find("in fall"), std::string::npos);
  EXPECT_EQ(second.err, first.err);
  EXPECT_FALSE(disk_.exists(folder_ + "/__pycache__")) << "the program's folder is as it was";
}

TEST_F(PythonByteCodeTest, ASourceThatChangedIsCompiledAgain) {
  write("part.py", "word = 'old'\n");
  const InstanceSpec spec = program(
      "import part, time\nprint(part.word)\nprint('up')\n"
      "time.sleep(1000)\n");
  EXPECT_EQ(serve(spec).out, "old\nup\n");
  wait_for_cache();
  EXPECT_EQ(serve(spec).out, "old\nup\n");
  write("part.py", "word = 'new'\n");  // of the same size
  EXPECT_EQ(serve(spec).out, "new\nup\n");
}

TEST_F(PythonByteCodeTest, AProgramWhoseModulesHaveByteCodeRunsWithoutAnythingFromTheSecondOn) {
  write("part.py", "word = 'fine'\n");
  const InstanceSpec spec = program(
      "import part, time\n"
      "print(open('/proc/self/environ').read().count('THAW_'))\n"
      "print('up')\ntime.sleep(1000)\n");
  ASSERT_EQ(run(spec_for({"/usr/bin/python3", "--version"})).report->exit_code, 0);
  ASSERT_EQ(::system(("/usr/bin/python3 -m compileall -q " + folder_).c_str()), 0);
  EXPECT_NE(serve(spec).out, "0\nup\n");
  const Recorder second = serve(spec);
  EXPECT_EQ(second.out, "0\nup\n");
  EXPECT_FALSE(second.rung);
  EXPECT_EQ(cache(), "");
}

TEST_F(PythonByteCodeTest, TurnedOffItLeavesEveryStartAlone) {
  write("part.py", "word = 'fine'\n");
  InstanceSpec spec = program(
      "import part, time\n"
      "print(open('/proc/self/environ').read().count('THAW_'))\n"
      "print('up')\ntime.sleep(1000)\n");
  spec.byte_code = InstanceSpec::ByteCode::kOff;
  for (int i = 0; i < 2; ++i) EXPECT_EQ(serve(spec).out, "0\nup\n");
  EXPECT_FALSE(disk_.exists(kept()));
}

TEST_F(PythonByteCodeTest, ACacheIsFoundAfterARestartAndGoesWithItsRevision) {
  write("part.py", "word = 'fine'\n");
  const InstanceSpec spec = program("import part, time\nprint('up')\ntime.sleep(1000)\n");
  serve(spec);
  wait_for_cache();
  wait_for_shut_down();
  make_sandbox();
  EXPECT_TRUE(serve(spec).rung) << "the cache of the earlier run";
  InstanceSpec other = spec;
  other.env.push_back("PYTHONOPTIMIZE=1");
  EXPECT_FALSE(serve(other).rung) << "made for another environment";
  sandbox_->discard(spec.revision);
  EXPECT_EQ(cache(), "");
}

TEST_F(PythonByteCodeTest, WhatIsWrittenIntoTheNoteHarmsNobody) {
  write("part.py", "word = 'fine'\n");
  const InstanceSpec spec = program(
      "import part, os, time\n"
      "open('/run/thaw-sources', 'ab').write(b'/etc/shadow\\n../x.py\\n/dev/zero.py\\n\\xff.py\\n"
      "/proc/self/mem\\n')\nprint('up')\ntime.sleep(1000)\n");
  serve(spec);
  wait_for_cache();
  EXPECT_NE(serve(spec).rung_words.find("of 1 modules"), std::string::npos);
}

TEST_F(PythonByteCodeTest, ACacheThatIsNoneIsPassedOver) {
  write("part.py", "word = 'fine'\n");
  const InstanceSpec spec =
      program("import part, time\nprint(part.word)\nprint('up')\ntime.sleep(1000)\n");
  serve(spec);
  wait_for_cache();
  for (const char* text : {"", "thaw-bytecode 1\n", "nonsense"}) {
    std::ofstream(cache(), std::ios::trunc) << text;
    EXPECT_EQ(serve(spec).out, "fine\nup\n");
  }
}

}  // namespace
}  // namespace thaw::sandbox
