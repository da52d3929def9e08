#include "io_linux/pidfd_processes.h"

#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <optional>

#include "io_linux/loop_testing.h"
#include "io_linux/open_files.h"

namespace thaw::io_linux {
namespace {

using Output = io::SpawnOptions::Output;

class ProcessesTest : public testing::Test {
 protected:
  struct Running {
    std::unique_ptr<io::Process> process;
    std::optional<io::ProcessExit> exit;
  };

  std::unique_ptr<Running> start(io::SpawnOptions options) {
    auto running = std::make_unique<Running>();
    options.parent = io::SpawnOptions::Parent::kDiesWithUs;
    auto process =
        processes.spawn(options, [r = running.get()](io::ProcessExit exit) { r->exit = exit; });
    EXPECT_TRUE(process) << process.error().message();
    running->process = *std::move(process);
    return running;
  }
  std::unique_ptr<Running> shell(const std::string& script, Output out = Output::kNull) {
    return start({.argv = {"sh", "-c", script}, .env = {"PATH=/usr/bin:/bin"}, .out = out});
  }
  io::ProcessExit wait(Running& running) {
    run_until(loop, [&] { return running.exit.has_value(); });
    return running.exit.value_or(io::ProcessExit{});
  }
  /// What `script` prints.
  std::string printed_by(const std::string& script) {
    auto running = shell(script, Output::kCapture);
    Collector out(running->process->take_out());
    EXPECT_EQ(running->process->take_out(), nullptr);
    run_until(loop, [&] { return out.ended; });
    wait(*running);
    return out.text;
  }

  EpollLoop loop;
  PidfdProcesses processes{loop};
};

TEST_F(ProcessesTest, TheExitCodeIsReported) {
  const auto running = shell("exit 7");
  const io::ProcessExit exit = wait(*running);
  EXPECT_EQ(exit.code, 7);
  EXPECT_EQ(exit.signal, 0);
  EXPECT_TRUE(exit.known);
  const Status late = running->process->signal(SIGTERM);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code(), Code::kNotFound);
}

TEST_F(ProcessesTest, ADeathBySignalIsReported) {
  const auto running = shell("exec sleep 60");
  ASSERT_TRUE(running->process->signal(SIGKILL));
  const io::ProcessExit exit = wait(*running);
  EXPECT_EQ(exit.signal, SIGKILL);
  EXPECT_EQ(exit.code, 0);
}

TEST_F(ProcessesTest, ErrorsOfExecAreReturnedAndLeaveNoChild) {
  const auto no_callback = [](io::ProcessExit) { FAIL(); };
  const auto missing = processes.spawn({.argv = {"/no/such/program"}}, no_callback);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), Code::kNotFound);
  EXPECT_EQ(missing.error().message(), "exec /no/such/program: No such file or directory");

  const auto folder = processes.spawn({.argv = {"/usr"}}, no_callback);
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().code(), Code::kPermissionDenied);

  const auto no_name = processes.spawn({.argv = {"no-such-program-anywhere"}}, no_callback);
  ASSERT_FALSE(no_name);
  EXPECT_EQ(no_name.error().code(), Code::kNotFound);
  EXPECT_FALSE(processes.spawn({}, no_callback));

  const auto no_dir =
      processes.spawn({.argv = {"/bin/true"}, .working_dir = "/no/such"}, no_callback);
  ASSERT_FALSE(no_dir);
  EXPECT_NE(no_dir.error().message().find("/no/such"), std::string::npos);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST_F(ProcessesTest, OutputIsCapturedApart) {
  auto running = start({.argv = {"/bin/sh", "-c", "echo out; echo err >&2"},
                        .out = Output::kCapture,
                        .err = Output::kCapture});
  Collector out(running->process->take_out());
  Collector err(running->process->take_err());
  run_until(loop, [&] { return out.ended && err.ended; });
  EXPECT_EQ(out.text, "out\n");
  EXPECT_EQ(err.text, "err\n");
  wait(*running);
}

TEST_F(ProcessesTest, AMegabyteOfOutputArrivesWhole) {
  EXPECT_EQ(printed_by("head -c 1000000 /dev/zero").size(), 1000000u);
}

TEST_F(ProcessesTest, NothingIsInherited) {
  ::setenv("THAW_TEST_SECRET", "x", 1);
  const std::string env = printed_by("cat /proc/self/environ");
  EXPECT_EQ(env.find("THAW_TEST_SECRET"), std::string::npos) << env;

  const Fd leaky(::dup(2));                                   // as a careless library would
  EXPECT_EQ(printed_by("ls /proc/self/fd"), "0\n1\n2\n3\n");  // 3 is ls reading the folder
  EXPECT_EQ(printed_by("readlink /proc/self/fd/0"), "/dev/null\n");

  sigset_t set;
  sigset_t before;
  ::sigfillset(&set);
  ::pthread_sigmask(SIG_BLOCK, &set, &before);
  const std::string signals = printed_by("grep -E '^Sig(Blk|Ign)' /proc/self/status");
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(signals, "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
}

TEST_F(ProcessesTest, TheLimitOnOpenFilesIsTheOneBeforeItWasRaised) {
  rlimit ours{};
  ::getrlimit(RLIMIT_NOFILE, &ours);
  const rlimit low{.rlim_cur = 123, .rlim_max = ours.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &low);
  EXPECT_EQ(raise_open_files(), static_cast<int64_t>(ours.rlim_max));
  rlimit raised{};
  ::getrlimit(RLIMIT_NOFILE, &raised);
  EXPECT_EQ(raised.rlim_cur, ours.rlim_max);
  EXPECT_EQ(printed_by("ulimit -n"), "123\n");
  EXPECT_EQ(printed_by("ulimit -Hn"), std::to_string(ours.rlim_max) + "\n");
  ::setrlimit(RLIMIT_NOFILE, &ours);
}

TEST_F(ProcessesTest, TheWorkingFolderIsSet) {
  auto running = start({.argv = {"/bin/pwd"}, .working_dir = "/usr", .out = Output::kCapture});
  Collector out(running->process->take_out());
  run_until(loop, [&] { return out.ended; });
  EXPECT_EQ(out.text, "/usr\n");
  wait(*running);
}

TEST_F(ProcessesTest, AnOwnSessionIsSignalledAsAWhole) {
  auto running = start({.argv = {"/bin/sh", "-c", "sleep 60 & echo started; wait"},
                        .out = Output::kCapture,
                        .group = io::SpawnOptions::Group::kOwnSession});
  Collector out(running->process->take_out());
  run_until(loop, [&] { return out.text == "started\n"; });
  ASSERT_TRUE(running->process->signal_group(SIGKILL));
  EXPECT_EQ(wait(*running).signal, SIGKILL);
  run_until(loop, [&] { return out.ended; });  // the sleep is dead as well
  const pid_t pid = running->process->pid();
  EXPECT_EQ(::kill(pid, 0), 0) << "kept until dropped, so that the number is not reused";
  running.reset();
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST_F(ProcessesTest, OneWithoutOwnSessionHasNoGroupToSignal) {
  const auto running = shell("exec sleep 60");
  const Status status = running->process->signal_group(SIGKILL);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), Code::kFailedPrecondition);
  ASSERT_TRUE(running->process->signal(SIGKILL));
  wait(*running);
}

TEST_F(ProcessesTest, ADroppedProcessIsStillReaped) {
  auto running = shell("exec sleep 60");
  const pid_t pid = running->process->pid();
  running->process.reset();
  EXPECT_EQ(::kill(pid, SIGKILL), 0);
  run_until(loop, [&] { return ::kill(pid, 0) != 0; });
  EXPECT_FALSE(running->exit.has_value());
}

TEST_F(ProcessesTest, AProcessMayBeDroppedInItsCallback) {
  std::unique_ptr<io::Process> process;
  bool called = false;
  auto result = processes.spawn({.argv = {"/bin/true"}}, [&](auto) {
    process.reset();
    called = true;
  });
  ASSERT_TRUE(result);
  process = *std::move(result);
  run_until(loop, [&] { return called; });
  EXPECT_EQ(process, nullptr);
}

TEST_F(ProcessesTest, AnAdoptedProcessIsFollowed) {
  const auto running = shell("exec sleep 60");
  std::optional<io::ProcessExit> seen;
  auto adopted = processes.adopt(running->process->pid(), [&](auto exit) { seen = exit; });
  ASSERT_TRUE(adopted);
  ASSERT_TRUE((*adopted)->signal(SIGTERM));
  run_until(loop, [&] { return seen.has_value() && running->exit.has_value(); });
  EXPECT_TRUE(seen->known ? seen->signal == SIGTERM : running->exit->signal == SIGTERM);

  const auto nobody = processes.adopt(0x7ffffff0, [](auto) {});
  ASSERT_FALSE(nobody);
}

}  // namespace
}  // namespace thaw::io_linux
