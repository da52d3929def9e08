#include "sandbox/process_sandbox.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "io_linux/local_disk.h"
#include "io_linux/pidfd_processes.h"
#include "sandbox/leftovers.h"
#include "sandbox/sandbox_testing.h"

namespace thaw::sandbox {
namespace {

using io_linux::run_until;
using Kind = ExitReport::Kind;

class ProcessSandboxTest : public ::testing::Test {
 protected:
  void TearDown() override {
    bool done = false;
    sandbox_.shut_down([&] { done = true; });
    run_until(loop_, [&] { return done; });
    EXPECT_EQ(disk_.read_file("/proc/thread-self/children", mib(1)).value_or(""), "");
  }

  std::unique_ptr<Instance> start(const InstanceSpec& spec, Recorder& recorder) {
    return sandbox_.start(InstanceId("i" + std::to_string(++started_)), spec, recorder);
  }
  void wait_end(Recorder& recorder) {
    run_until(loop_, [&] { return recorder.report.has_value(); });
  }
  Recorder run(const InstanceSpec& spec) {
    Recorder recorder;
    const auto instance = start(spec, recorder);
    EXPECT_TRUE(recorder.events.empty()) << "a callback inside a call";
    wait_end(recorder);
    return recorder;
  }

  io_linux::EpollLoop loop_;
  io_linux::LocalDisk disk_;
  io_linux::PidfdProcesses processes_{loop_};
  const std::string data_dir_ = "/nowhere/of-test-" + std::to_string(::getpid());
  ProcessSandbox sandbox_{loop_,
                          disk_,
                          processes_,
                          {.data_dir = data_dir_, .why_no_containers = "crun is not installed"}};
  int started_ = 0;
};

TEST_F(ProcessSandboxTest, TellsTheStepsOfALifeInOrder) {
  const Recorder r = run(shell("echo one; echo two >&2; exit 7"));
  EXPECT_EQ(r.events, (std::vector<std::string>{"ready", "executed", "output", "exit"}));
  EXPECT_EQ(r.out, "one\n");
  EXPECT_EQ(r.err, "two\n");
  EXPECT_EQ(r.report->kind, Kind::kExited);
  EXPECT_EQ(r.report->exit_code, 7);
  EXPECT_EQ(r.report->memory_limit, mib(256));
}

TEST_F(ProcessSandboxTest, WhoAskedForATemplateIsToldWhyThereIsNone) {
  InstanceSpec spec = shell("exit 0");
  EXPECT_NE(run(spec).rung_words.find("start the platform as root"), std::string::npos);
  spec.templates = InstanceSpec::Templates::kOff;
  EXPECT_FALSE(run(spec).rung.has_value());
}

TEST_F(ProcessSandboxTest, AMissingProgramOrFolderIsNamed) {
  const Recorder r = run(spec_for({"/no/such/program"}));
  EXPECT_EQ(r.events, std::vector<std::string>{"exit"});
  EXPECT_EQ(r.report->kind, Kind::kNotStarted);
  EXPECT_EQ(r.report->detail, "exec /no/such/program: No such file or directory");
  InstanceSpec nowhere = shell("true");
  nowhere.working_dir = "/no/such/folder";
  EXPECT_EQ(run(nowhere).report->detail,
            "change to folder /no/such/folder: No such file or directory");
  EXPECT_EQ(run(spec_for({})).report->kind, Kind::kNotStarted);
}

TEST_F(ProcessSandboxTest, EveryInstanceGetsAPortOfItsOwn) {
  const std::string serve =
      "import os, socket\n"
      "s = socket.create_server(('127.0.0.1', int(os.environ['PORT'])))\n"
      "print(os.environ['PORT'], flush=True)\n"
      "s.accept()";
  Recorder a, b;
  const auto first = start(python(serve), a);
  const auto second = start(python(serve), b);
  run_until(loop_, [&] { return !a.out.empty() && !b.out.empty(); });
  EXPECT_EQ(a.out, std::to_string(first->address().port) + "\n");
  EXPECT_EQ(b.out, std::to_string(second->address().port) + "\n");
  EXPECT_NE(a.out, b.out);
  EXPECT_EQ(first->address().ip, "127.0.0.1");
  EXPECT_EQ(first->address().in, nullptr);
}

TEST_F(ProcessSandboxTest, TheEnvironmentIsTheSpecsButForThePort) {
  InstanceSpec spec = spec_for({"/usr/bin/env"});
  spec.env = {"A=1", "PORT=8080", "THAW_INSTANCE=forged", "B=2"};
  Recorder r;
  const auto instance = start(spec, r);
  wait_end(r);
  EXPECT_EQ(r.out, "A=1\nB=2\nPORT=" + std::to_string(instance->address().port) +
                       "\nTHAW_INSTANCE=" + data_dir_hash(data_dir_) + "-i1\n");
}

TEST_F(ProcessSandboxTest, TooMuchMemoryEndsItAndIsReported) {
  InstanceSpec spec = python("import time\nx = bytearray(200 << 20)\ntime.sleep(1000)");
  spec.memory = mib(64);
  const Recorder r = run(spec);
  EXPECT_EQ(r.report->kind, Kind::kOutOfMemory);
  EXPECT_EQ(r.report->memory_limit, mib(64));
  EXPECT_GT(r.report->memory_peak, mib(64));
}

TEST_F(ProcessSandboxTest, MemoryThatForkedProcessesShareCountsOnce) {
  InstanceSpec spec = python(
      "import os, time\nx = bytearray(b'x') * (80 << 20)\n"
      "os.fork(); os.fork()\n"
      "time.sleep(0.5)");
  spec.memory = mib(200);
  const Recorder r = run(spec);
  EXPECT_EQ(r.report->kind, Kind::kExited) << r.report->memory_peak.value;
}

TEST_F(ProcessSandboxTest, ACrashIsASignalAndAStopIsAStop) {
  EXPECT_EQ(run(shell("kill -SEGV $$")).report->kind, Kind::kSignalled);
  Recorder r;
  const auto instance =
      start(shell("trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.05; done"), r);
  run_until(loop_, [&] { return r.out == "up\n"; });
  instance->terminate();
  wait_end(r);
  EXPECT_EQ(r.out, "up\nbye\n");
  EXPECT_EQ(r.report->kind, Kind::kStopped);
  EXPECT_EQ(r.report->exit_code, 3);
}

TEST_F(ProcessSandboxTest, KillTakesTheWholeSessionAndThoseWhoLeftIt) {
  Recorder r;
  const auto instance = start(
      shell("trap '' TERM; sleep 1000 & (setsid sleep 1000 &); echo up; wait; sleep 1000"), r);
  run_until(loop_, [&] { return r.out == "up\n"; });
  instance->terminate();
  for (int i = 0; i < 10; ++i) loop_.turn(milliseconds(5));
  EXPECT_FALSE(r.report.has_value());
  instance->kill();
  wait_end(r);
  EXPECT_EQ(r.report->kind, Kind::kStopped);
  EXPECT_EQ(*kill_marked_processes(disk_, data_dir_hash(data_dir_) + "-"), 0);
}

TEST_F(ProcessSandboxTest, DroppingAnInstanceKillsIt) {
  Recorder r;
  auto instance = start(shell("echo up; sleep 1000"), r);
  run_until(loop_, [&] { return r.out == "up\n"; });
  instance = nullptr;
  bool done = false;
  sandbox_.shut_down([&] { done = true; });
  run_until(loop_, [&] { return done; });
  EXPECT_FALSE(r.report.has_value());
}

TEST_F(ProcessSandboxTest, CpuTimeIncludesThatOfChildren) {
  const Recorder r = run(shell("python3 -c 'for i in range(3000000): pass'"));
  EXPECT_GT(r.report->cpu, milliseconds(20));
}

TEST_F(ProcessSandboxTest, RecoverFindsWhatAKilledPlatformLeft) {
  int up[2];
  ASSERT_EQ(::pipe2(up, O_CLOEXEC), 0);
  const pid_t platform = ::fork();
  if (platform == 0) {
    io_linux::EpollLoop loop;
    io_linux::PidfdProcesses processes(loop);
    ProcessSandbox sandbox(loop, disk_, processes, {.data_dir = data_dir_});
    Recorder r;
    const auto instance = sandbox.start(InstanceId("left"),
                                        shell("(trap '' HUP; echo up; exec sleep 1000) & wait"), r);
    run_until(loop, [&] { return r.out == "up\n"; });
    EXPECT_EQ(::write(up[1], "u", 1), 1);
    run_until(loop, [] { return false; });
    ::_exit(1);
  }
  char byte;
  ASSERT_EQ(::read(up[0], &byte, 1), 1);
  ::close(up[0]);
  ::close(up[1]);
  ASSERT_EQ(::kill(platform, SIGKILL), 0);
  ASSERT_EQ(::waitpid(platform, nullptr, 0), platform);
  EXPECT_EQ(*sandbox_.recover(), 1);
  EXPECT_EQ(*sandbox_.recover(), 0);
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {  // where this program is the reaper of all
  }
}

TEST_F(ProcessSandboxTest, TheNoticeSaysWhatIsMissingAndWhy) {
  const std::string notice = sandbox_.isolation_notice();
  EXPECT_NE(notice.find("crun is not installed"), std::string::npos);
  EXPECT_NE(notice.find("plain processes"), std::string::npos);
  EXPECT_NE(notice.find("hot, frozen and cold"), std::string::npos);
}

}  // namespace
}  // namespace thaw::sandbox
