// Instances on a real cgroup2: what the kernel and crun do there, not only what our files say.
//
// A machine of cgroup v1 keeps its controllers, so in its cgroup2, mounted here over v1's folders,
// groups freeze, count CPU time and end, but limit nothing: limits are taken out of the bundle by a
// program before crun, and memory's files are a folder of ours.
#include <fmt/format.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "sandbox/crun_testing.h"

namespace thaw::sandbox {
namespace {

using Kind = ExitReport::Kind;

constexpr const char* kMount = "/sys/fs/cgroup";

constexpr const char* kCrunWithoutLimits = R"(#!/usr/bin/python3
import json, os, sys
if "--bundle" in sys.argv:
    path = sys.argv[sys.argv.index("--bundle") + 1] + "/config.json"
    with open(path) as file: bundle = json.load(file)
    del bundle["linux"]["resources"]
    with open(path, "w") as file: json.dump(bundle, file)
os.execv("{0}", ["{0}", *sys.argv[1:]])
)";

class CgroupV2Test : public CrunTest {
 protected:
  void SetUp() override {
    GroundCleanUp::ground_was_used = true;
    if (!ground().skip.empty()) GTEST_SKIP() << "no containers here: " << ground().skip;
    if (::mount("cgroup2", kMount, "cgroup2", 0, nullptr) != 0) {
      GTEST_SKIP() << "no cgroup2 here: " << ::strerror(errno);
    }
    mounted_ = true;
    const std::string crun = ground().data_dir + "/crun-without-limits";
    ASSERT_TRUE(disk_.write_file(crun, fmt::format(kCrunWithoutLimits, ground().machine.crun)));
    ASSERT_EQ(::chmod(crun.c_str(), 0755), 0);
    machine_ = ground().machine;
    machine_.crun = crun;
    machine_.cgroups = Machine::Cgroups::kV2;
    machine_.unified = kMount;
    machine_.hierarchies = {kMount};
    machine_.controllers = {{"memory", memory_}, {"cpuacct", kMount}};
    CrunSettings settings = settings_for_test();
    settings.frozen_look = milliseconds(1);
    sandbox_ = std::make_unique<CrunSandbox>(loop_, disk_, processes_, machine_, settings);
  }

  void TearDown() override {
    if (sandbox_ != nullptr) {
      wait_for_shut_down();
      sandbox_ = nullptr;
      EXPECT_EQ(groups().list(), std::vector<std::string>{});
      EXPECT_FALSE(disk_.exists(parent()));
      EXPECT_EQ(children(), "") << "zombies or running children";
    }
    if (mounted_) {
      EXPECT_EQ(::umount(kMount), 0);
    }
    EXPECT_TRUE(disk_.remove_tree(memory_));
  }

  Cgroups groups() { return {disk_, machine_, cgroup_parent(ground().data_dir)}; }
  std::string parent() { return kMount + ("/" + cgroup_parent(ground().data_dir)); }
  std::string group() { return kMount + groups().path(groups().list().at(0)); }

  /// A program that counts for ever, once it has begun.
  std::unique_ptr<Instance> counting(Recorder& r) {
    auto instance = start(shell("echo up; while :; do n=$((n+1)); done"), r);
    run_until(loop_, [&] { return r.out == "up\n" || r.report; });
    EXPECT_EQ(r.out, "up\n") << (r.report ? r.report->detail : "");
    return instance;
  }
  void turn(int times = 20) {
    for (int i = 0; i < times; ++i) loop_.turn(milliseconds(1));
  }
  void until_frozen() {
    run_until(loop_, [&] {
      const auto events = disk_.read_file(group() + "/cgroup.events", kib(4));
      return events && events->find("frozen 1") != std::string::npos;
    });
  }

  Machine machine_;
  const std::string memory_ = ground().data_dir + "/memory";
  bool mounted_ = false;
};

TEST_F(CgroupV2Test, ItRunsInItsGroupAndSeesThatOneOnly) {
  const Recorder r = run(shell("cat /proc/self/cgroup | grep ^0; ls -d /sys/fs/cgroup/thaw*"));
  EXPECT_EQ(r.out, "0::/\n");
  EXPECT_EQ(r.report->kind, Kind::kExited);
}

TEST_F(CgroupV2Test, FrozenItUsesNoCpuAndThawedItGoesOn) {
  Recorder r;
  const auto instance = counting(r);
  run_until(loop_, [&] { return instance->usage().cpu > milliseconds(5); });
  ASSERT_TRUE(instance->freeze());
  until_frozen();
  const Duration before = instance->usage().cpu;
  turn();
  EXPECT_EQ(instance->usage().cpu, before);
  EXPECT_FALSE(r.report.has_value()) << "looking at it does it no harm";
  instance->thaw();
  run_until(loop_, [&] { return instance->usage().cpu > before; });
}

TEST_F(CgroupV2Test, AFrozenInstanceCanBeKilled) {
  Recorder r;
  const auto instance = counting(r);
  ASSERT_TRUE(instance->freeze());
  until_frozen();
  instance->kill();
  wait_end(r);
  EXPECT_EQ(r.report->kind, Kind::kStopped);
}

TEST_F(CgroupV2Test, AFrozenInstanceThatIsKilledFromOutsideIsSeenToEnd) {
  Recorder r;
  const auto instance = counting(r);
  ASSERT_TRUE(instance->freeze());
  until_frozen();
  for (pid_t pid : groups().processes(groups().list().at(0))) EXPECT_EQ(::kill(pid, SIGKILL), 0);
  wait_end(r);
  EXPECT_EQ(r.report->kind, Kind::kSignalled);
  EXPECT_EQ(r.report->signal, SIGKILL);
}

TEST_F(CgroupV2Test, AFrozenInstanceThatLostAProcessToTheLimitIsEnded) {
  Recorder r;
  const auto instance = counting(r);
  const std::string memory = memory_ + groups().path(groups().list().at(0));
  ASSERT_TRUE(disk_.make_dirs(memory));
  ASSERT_TRUE(disk_.write_file(memory + "/memory.events", "oom 1\noom_kill 0\n"));
  ASSERT_TRUE(instance->freeze());
  until_frozen();
  turn();
  EXPECT_FALSE(r.report.has_value()) << "nothing was killed yet";
  ASSERT_TRUE(disk_.write_file(memory + "/memory.events", "oom 1\noom_kill 1\n"));
  wait_end(r);
  EXPECT_EQ(r.report->kind, Kind::kOutOfMemory);
}

TEST_F(CgroupV2Test, WhatAnEarlierRunLeftFrozenIsRemoved) {
  Recorder r;
  const auto instance = counting(r);
  ASSERT_TRUE(instance->freeze());
  until_frozen();
  const Result<int> count = sandbox_->recover();
  ASSERT_TRUE(count);
  EXPECT_EQ(*count, 1);
  EXPECT_FALSE(disk_.exists(parent()));
  wait_end(r);
}

}  // namespace
}  // namespace thaw::sandbox
