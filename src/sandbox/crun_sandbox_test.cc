#include "sandbox/crun_sandbox.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "io_linux/tcp_net.h"
#include "sandbox/created_process.h"
#include "sandbox/crun_testing.h"

namespace thaw::sandbox {
namespace {

using Kind = ExitReport::Kind;
using CrunSandboxTest = CrunTest;

TEST_F(CrunSandboxTest, TellsTheStepsOfALifeInOrder) {
  const Recorder r = run(shell("echo one; echo two; echo three >&2; exit 7"));
  EXPECT_EQ(r.events, (std::vector<std::string>{"ready", "executed", "output", "exit"}));
  EXPECT_EQ(r.out, "one\ntwo\n");
  EXPECT_EQ(r.err, "three\n");
  EXPECT_EQ(r.report->kind, Kind::kExited);
  EXPECT_EQ(r.report->exit_code, 7);
  EXPECT_EQ(r.report->memory_limit, mib(256));
  EXPECT_GT(r.report->memory_peak.value, 0);
  EXPECT_GT(r.report->cpu.count(), 0);
}

TEST_F(CrunSandboxTest, AProgramThatEndsAtOnceWasExecutedAllTheSame) {
  const Recorder r = run(spec_for({"/bin/true"}));
  SCOPED_TRACE(r.report->detail);
  EXPECT_EQ(r.events, (std::vector<std::string>{"ready", "executed", "exit"}));
  EXPECT_EQ(r.report->kind, Kind::kExited);
  EXPECT_EQ(r.report->exit_code, 0);
}

TEST_F(CrunSandboxTest, ACrashIsASignal) {
  const Recorder r =
      run(python("import os, signal\n"
                 "signal.signal(signal.SIGSEGV, signal.SIG_DFL)\n"
                 "import ctypes; ctypes.string_at(0)"));
  EXPECT_EQ(r.report->kind, Kind::kSignalled);
  EXPECT_EQ(r.report->signal, SIGSEGV);
}

TEST_F(CrunSandboxTest, TooMuchMemoryIsReportedWithLimitAndPeak) {
  InstanceSpec spec = python("x = bytearray(200 << 20)\nprint('still here')");
  spec.memory = mib(64);
  const Recorder r = run(spec);
  EXPECT_EQ(r.report->kind, Kind::kOutOfMemory);
  EXPECT_EQ(r.report->memory_limit, mib(64));
  EXPECT_GE(r.report->memory_peak, mib(60));
  EXPECT_LE(r.report->memory_peak, mib(64));
  EXPECT_EQ(r.out, "");
}

TEST_F(CrunSandboxTest, AChildThatIsKilledAtTheLimitEndsTheWholeInstance) {
  InstanceSpec spec = shell("python3 -c 'x = bytearray(200 << 20)'; exec sleep 1000");
  spec.memory = mib(64);
  const Recorder r = run(spec);
  EXPECT_EQ(r.report->kind, Kind::kOutOfMemory);
}

TEST_F(CrunSandboxTest, FilesInTmpCountToTheMemoryLimit) {
  InstanceSpec spec = shell("dd if=/dev/zero of=/tmp/x bs=1M count=200 2>&1; ls -l /tmp/x");
  spec.memory = mib(64);
  const Recorder r = run(spec);
  EXPECT_NE(r.report->kind, Kind::kExited) << r.out;
  EXPECT_LE(r.report->memory_peak, mib(64));
}

TEST_F(CrunSandboxTest, AMissingProgramIsNamed) {
  const Recorder r = run(spec_for({"/no/such/program"}));
  EXPECT_EQ(r.report->kind, Kind::kNotStarted);
  EXPECT_EQ(r.report->detail, "exec /no/such/program: no such file or directory");
  EXPECT_EQ(r.events, std::vector<std::string>{"exit"});
}

TEST_F(CrunSandboxTest, EachWayNotToBeAProgramIsToldApart) {
  EXPECT_EQ(run(spec_for({"nosuchprogram"})).report->detail,
            "exec nosuchprogram: not found in the folders of PATH");
  EXPECT_EQ(run(spec_for({"/tmp/app"})).report->detail,
            "exec /tmp/app: no such file or directory; an instance has its own empty /tmp, so put "
            "the program elsewhere");
  const Recorder text = run(spec_for({"/etc/passwd"}));
  EXPECT_EQ(text.report->kind, Kind::kNotStarted);
  EXPECT_NE(text.report->detail.find("exec /etc/passwd: "), std::string::npos)
      << text.report->detail;
  InstanceSpec nowhere = shell("true");
  nowhere.working_dir = "/no/such/folder";
  const Recorder r = run(nowhere);
  EXPECT_EQ(r.report->kind, Kind::kNotStarted);
  EXPECT_NE(r.report->detail.find("working directory /no/such/folder: "), std::string::npos)
      << r.report->detail;
  const Recorder empty = run(spec_for({""}));
  EXPECT_EQ(empty.report->kind, Kind::kNotStarted);
  EXPECT_NE(empty.report->detail, "");
}

TEST_F(CrunSandboxTest, TheEnvironmentIsTheSpecsAlone) {
  InstanceSpec spec = spec_for({"/usr/bin/env"});
  spec.env = {"A=1", "PATH=/usr/bin", "EMPTY=", "K_SERVICE=x y\"z", "HOME=/"};
  EXPECT_EQ(run(spec).out, "A=1\nPATH=/usr/bin\nEMPTY=\nK_SERVICE=x y\"z\nHOME=/\n");
}

TEST_F(CrunSandboxTest, SigtermReachesAProgramThatHandlesIt) {
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

TEST_F(CrunSandboxTest, AProgramThatIgnoresSigtermEndsByKill) {
  Recorder r;
  const auto instance = start(shell("trap '' TERM; echo up; sleep 1000 & wait; wait"), r);
  run_until(loop_, [&] { return r.out == "up\n"; });
  instance->terminate();
  for (int i = 0; i < 20; ++i) loop_.turn(milliseconds(5));
  EXPECT_FALSE(r.report.has_value());
  instance->kill();
  wait_end(r);
  EXPECT_EQ(r.report->kind, Kind::kStopped);
  EXPECT_EQ(r.report->signal, SIGKILL);
}

TEST_F(CrunSandboxTest, AProgramThatWouldNotNoticeSigtermIsKilledAtOnce) {
  Recorder r;
  const auto instance = start(spec_for({"/bin/sleep", "1000"}), r);
  run_until(loop_, [&] { return r.executed(); });
  // Wait until it is past exec's start-up, so that handlers would be there.
  instance->terminate();
  wait_end(r);
  EXPECT_EQ(r.report->kind, Kind::kStopped);
}

TEST_F(CrunSandboxTest, StoppingBeforeTheProgramRunsNeverRunsIt) {
  for (int turns = 0; turns < 6; ++turns) {
    for (const bool kill : {false, true}) {
      Recorder r;
      const auto instance = start(shell("echo ran"), r);
      for (int i = 0; i < turns; ++i) loop_.turn(milliseconds(2));
      const auto events_before = r.events;
      if (kill) {
        instance->kill();
      } else {
        instance->terminate();
      }
      EXPECT_EQ(r.events, events_before) << "a callback inside a call";
      wait_end(r);
      if (!r.executed()) {
        EXPECT_EQ(r.report->kind, Kind::kStopped);
        EXPECT_EQ(r.out, "");
      }
    }
  }
}

TEST_F(CrunSandboxTest, DroppingAnInstanceKillsItAndSaysNothingMore) {
  Recorder r;
  auto instance = start(shell("echo up; sleep 1000"), r);
  run_until(loop_, [&] { return r.out == "up\n"; });
  const auto groups = cgroups().list();
  ASSERT_EQ(groups.size(), 1U);
  const auto pids = cgroups().processes(groups[0]);
  ASSERT_GE(pids.size(), 1U);
  instance = nullptr;
  run_until(loop_, [&] { return cgroups().list().empty(); });
  for (pid_t pid : pids) EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_FALSE(r.report.has_value());
}

TEST_F(CrunSandboxTest, AFrozenInstanceCanBeKilled) {
  Recorder r;
  const auto instance = start(shell("echo up; sleep 1000"), r);
  run_until(loop_, [&] { return r.out == "up\n"; });
  const std::string state = ground().machine.controllers.at("freezer") +
                            cgroups().path(cgroups().list().at(0)) + "/freezer.state";
  ASSERT_TRUE(disk_.write_file(state, "FROZEN"));
  instance->kill();
  wait_end(r);
  EXPECT_EQ(r.report->kind, Kind::kStopped);
}

TEST_F(CrunSandboxTest, AFrozenOneThatIsKilledFromOutsideIsSeenToEnd) {
  wait_for_shut_down();
  CrunSettings settings = settings_for_test();
  settings.frozen_look = milliseconds(1);
  make_sandbox(std::move(settings));
  Recorder r;
  const auto instance = start(shell("echo up; sleep 1000"), r);
  run_until(loop_, [&] { return r.out == "up\n"; });
  const std::vector<pid_t> pids = cgroups().processes(cgroups().list().at(0));
  ASSERT_TRUE(instance->freeze());
  for (int i = 0; i < 20; ++i) loop_.turn(milliseconds(1));
  EXPECT_FALSE(r.report.has_value()) << "looking at it does it no harm";
  for (pid_t pid : pids) EXPECT_EQ(::kill(pid, SIGKILL), 0);
  wait_end(r);
  EXPECT_EQ(r.report->kind, Kind::kSignalled);
  EXPECT_EQ(r.report->signal, SIGKILL);
}

TEST(KillIsPending, IsReadFromEitherMaskOfSignals) {
  EXPECT_TRUE(kill_is_pending("SigPnd:\t0000000000000100\nShdPnd:\t0000000000000000\n"));
  EXPECT_TRUE(kill_is_pending("SigPnd:\t0000000000000000\nShdPnd:\t0000000000004100\n"));
  EXPECT_FALSE(kill_is_pending("SigPnd:\t0000000000004000\nShdPnd:\t0000000000000000\n"));
  EXPECT_FALSE(kill_is_pending("SigPnd:\tnonsense\n"));
  EXPECT_FALSE(kill_is_pending(""));
}

TEST_F(CrunSandboxTest, OutputWithoutANewlineAndInBulkArrivesWhole) {
  const Recorder r =
      run(python("import sys\n"
                 "for i in range(100000): print(i)\n"
                 "sys.stdout.write('end')"));
  EXPECT_EQ(std::count(r.out.begin(), r.out.end(), '\n'), 100001);
  EXPECT_TRUE(r.out.ends_with("99999\nend\n"));
  EXPECT_TRUE(r.out.starts_with("0\n1\n2\n"));
}

TEST_F(CrunSandboxTest, AReadyContainerIsUsedByTheNextStartAndReplaced) {
  const InstanceSpec spec = shell("echo hi");
  sandbox_->keep_ready(spec);
  run_until(loop_, [&] { return sandbox_->ready_count() == 1; });
  Recorder r;
  const auto instance = start(spec, r);
  EXPECT_EQ(sandbox_->ready_count(), 0);
  EXPECT_TRUE(r.events.empty()) << "a callback inside a call";
  wait_end(r);
  EXPECT_EQ(r.events, (std::vector<std::string>{"ready", "executed", "output", "exit"}));
  EXPECT_EQ(r.out, "hi\n");
  run_until(loop_, [&] { return sandbox_->ready_count() == 1; });
}

TEST_F(CrunSandboxTest, WhatListensOnceTheNetworkIsToldIsThereForTheProgramsFirstAct) {
  const InstanceSpec spec =
      spec_for({"/bin/bash", "-c", std::string("exec 3<>/dev/tcp/") + kMetadataAddress + "/80"});
  io_linux::TcpNet net(loop_);
  for (int i = 0; i < 20; ++i) {
    if (i % 2 == 1) {  // made ahead
      sandbox_->keep_ready(spec);
      run_until(loop_, [&] { return sandbox_->ready_count() == 1; });
    }
    std::unique_ptr<io::Listener> listener;
    Recorder r;
    r.on_reached = [&](const io::SocketAddress& address) {
      auto made = net.listen({.ip = kMetadataAddress, .port = 80, .in = address.in},
                             [](std::unique_ptr<io::Stream>) {});
      ASSERT_TRUE(made) << made.error().message();
      listener = *std::move(made);
    };
    const auto instance = start(spec, r);
    wait_end(r);
    EXPECT_EQ(r.report->exit_code, 0) << i << ": " << r.err;
    sandbox_->forget(spec.revision);
  }
}

TEST_F(CrunSandboxTest, AnotherSpecDoesNotGetTheReadyContainer) {
  sandbox_->keep_ready(shell("echo old"));
  run_until(loop_, [&] { return sandbox_->ready_count() == 1; });
  EXPECT_EQ(run(shell("echo new")).out, "new\n");
  sandbox_->keep_ready(shell("echo newest"));
  run_until(loop_, [&] { return sandbox_->ready_count() == 1; });
  EXPECT_EQ(run(shell("echo newest")).out, "newest\n");
}

TEST_F(CrunSandboxTest, AnUnfinishedReadyContainerIsTakenToo) {
  sandbox_->keep_ready(shell("echo hi"));
  EXPECT_EQ(run(shell("echo hi")).out, "hi\n");
}

TEST_F(CrunSandboxTest, TheOldestReadyContainerIsDroppedWhenThereAreTooMany) {
  CrunSettings settings = settings_for_test();
  settings.max_ready = 2;
  make_sandbox(std::move(settings));
  for (int i = 0; i < 4; ++i) {
    InstanceSpec spec = shell("true");
    spec.revision = RevisionId("r" + std::to_string(i));
    sandbox_->keep_ready(spec);
  }
  run_until(loop_, [&] { return cgroups().list().size() == 2 && sandbox_->ready_count() == 2; });
  const auto names = cgroups().list();
  EXPECT_TRUE(names[0].starts_with("r2") && names[1].starts_with("r3")) << names[0] << names[1];
  sandbox_->forget(RevisionId("r2"));
  sandbox_->forget(RevisionId("r3"));
  sandbox_->forget(RevisionId("never heard of"));
  run_until(loop_, [&] { return cgroups().list().empty(); });
}

TEST_F(CrunSandboxTest, AReadyContainerThatCannotBeMadeIsReportedByTheStart) {
  sandbox_->keep_ready(spec_for({"/no/such/program"}));
  for (int i = 0; i < 40; ++i) loop_.turn(milliseconds(5));
  EXPECT_EQ(sandbox_->ready_count(), 0);
  EXPECT_EQ(run(spec_for({"/no/such/program"})).report->kind, Kind::kNotStarted);
}

TEST_F(CrunSandboxTest, ACreateThatTakesTooLongIsAFailedStartAndLeavesNothing) {
  for (const double limit_ms : {0.5, 3.0, 8.0, 15.0}) {
    CrunSettings settings = settings_for_test();
    settings.create_limit = milliseconds(limit_ms);
    make_sandbox(std::move(settings));
    const Recorder r = run(spec_for({"/bin/true"}));
    if (r.report->kind != Kind::kNotStarted) continue;  // it was quicker
    EXPECT_NE(r.report->detail.find("crun create took longer than"), std::string::npos);
    wait_for_shut_down();
  }
}

TEST_F(CrunSandboxTest, AMemoryLimitThatIsTooSmallEvenToStartIsReported) {
  for (const ByteCount memory : {kib(4), kib(128), mib(1)}) {
    InstanceSpec spec = spec_for({"/bin/true"});
    spec.memory = memory;
    const Recorder r = run(spec);
    if (r.report->kind == Kind::kNotStarted) {
      EXPECT_NE(r.report->detail, "") << memory.value;
    }
  }
}

TEST_F(CrunSandboxTest, WithoutCrunAStartFailsAndSaysSo) {
  Machine machine = ground().machine;
  machine.crun = "/no/such/crun";
  sandbox_ = std::make_unique<CrunSandbox>(loop_, disk_, processes_, machine, settings_for_test());
  const Recorder r = run(spec_for({"/bin/true"}));
  EXPECT_EQ(r.report->kind, Kind::kNotStarted);
  EXPECT_EQ(r.report->detail, "exec /no/such/crun: No such file or directory");
}

TEST_F(CrunSandboxTest, FiftyStartsInParallelAllRun) {
  std::vector<Recorder> recorders(50);
  std::vector<std::unique_ptr<Instance>> instances;
  for (size_t i = 0; i < recorders.size(); ++i) {
    instances.push_back(start(shell("echo " + std::to_string(i)), recorders[i]));
  }
  for (size_t i = 0; i < recorders.size(); ++i) {
    wait_end(recorders[i]);
    EXPECT_EQ(recorders[i].out, std::to_string(i) + "\n");
    EXPECT_EQ(recorders[i].report->kind, Kind::kExited);
  }
}

/// A platform on the test's data directory that will be killed: two instances, one of them with a
/// child, and a ready container. Returns its pid once all of them are up.
pid_t run_doomed_platform() {
  int up[2];
  EXPECT_EQ(::pipe2(up, O_CLOEXEC), 0);
  const pid_t platform = ::fork();
  if (platform != 0) {
    char byte;
    EXPECT_EQ(::read(up[0], &byte, 1), 1);
    ::close(up[0]);
    ::close(up[1]);
    return platform;
  }
  io_linux::EpollLoop loop;
  io_linux::LocalDisk disk;
  io_linux::PidfdProcesses processes(loop);
  CrunSandbox sandbox(loop, disk, processes, ground().machine, settings_for_test());
  Recorder a, b;
  const auto first = sandbox.start(InstanceId("a"), shell("echo up; sleep 1000 & sleep 1000"), a);
  const auto second = sandbox.start(InstanceId("b"), shell("echo up; sleep 1000"), b);
  sandbox.keep_ready(shell("true"));
  run_until(loop, [&] { return a.out == "up\n" && b.out == "up\n" && sandbox.ready_count() == 1; });
  EXPECT_EQ(::write(up[1], "u", 1), 1);
  run_until(loop, [] { return false; });
  ::_exit(1);
}

TEST_F(CrunSandboxTest, RecoverEndsWhatAKilledPlatformLeft) {
  const pid_t platform = run_doomed_platform();
  std::vector<pid_t> pids;
  for (const std::string& name : cgroups().list()) {
    for (pid_t pid : cgroups().processes(name)) pids.push_back(pid);
  }
  EXPECT_GE(pids.size(), 3U);
  const std::string state = ground().machine.controllers.at("freezer") +
                            cgroups().path(cgroups().list().at(0)) + "/freezer.state";
  ASSERT_TRUE(disk_.write_file(state, "FROZEN"));
  ASSERT_EQ(::kill(platform, SIGKILL), 0);
  ASSERT_EQ(::waitpid(platform, nullptr, 0), platform);

  const auto count = sandbox_->recover();
  ASSERT_TRUE(count) << count.error().message();
  EXPECT_EQ(*count, 3);
  EXPECT_TRUE(cgroups().list().empty());
  // The kernel's init would do this; here we are the reaper.
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
  for (pid_t pid : pids) EXPECT_EQ(::kill(pid, 0), -1);
  EXPECT_EQ(*sandbox_->recover(), 0);
}

TEST_F(CrunSandboxTest, ShutDownReportsWhatRanAndRefusesLaterStarts) {
  Recorder running, late;
  const auto instance = start(shell("echo up; sleep 1000"), running);
  run_until(loop_, [&] { return running.out == "up\n"; });
  bool done = false;
  sandbox_->shut_down([&] { done = true; });
  const auto refused = start(shell("echo ran"), late);
  wait_end(late);
  EXPECT_EQ(late.out, "");
  run_until(loop_, [&] { return done; });
  EXPECT_EQ(running.report->kind, Kind::kStopped);
}

}  // namespace
}  // namespace thaw::sandbox
