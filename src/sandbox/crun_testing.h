// The ground for tests that run real containers: skipped, with the reason, where none can run.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io_linux/local_disk.h"
#include "io_linux/net_namespace.h"
#include "io_linux/pidfd_processes.h"
#include "sandbox/cgroup.h"
#include "sandbox/crun_sandbox.h"
#include "sandbox/private_mounts.h"
#include "sandbox/sandbox_testing.h"

namespace thaw::sandbox {

using io_linux::run_until;

/// One for the test program: its mount namespace is entered once.
struct Ground {
  std::string skip;  // why containers cannot run here
  std::string data_dir;
  Machine machine;
};

/// Not below /tmp, which instances do not see anyway: whether it is hidden is tested.
inline std::string make_data_dir() {
  char folder[] = "/var/lib/thaw-test-XXXXXX";
  if (::mkdtemp(folder) == nullptr) return "";
  std::ofstream(std::string(folder) + "/secret") << "the platform's own";
  return folder;
}

inline Ground prepare_ground() {
  io_linux::LocalDisk disk;
  auto before = inspect_machine(disk);
  if (!before) return {.skip = before.error().message()};
  // The groups of a hybrid machine are made fit by enter_private_mounts().
  if (before->cgroups == Machine::Cgroups::kHybrid) before->cgroups = Machine::Cgroups::kV1;
  if (const std::string why = why_no_containers(*before); !why.empty()) return {.skip = why};
  Ground ground;
  ground.data_dir = make_data_dir();
  PrivateMounts mounts{rootfs_path(ground.data_dir), host_secrets(disk)};
  mounts.hidden.push_back(ground.data_dir);
  if (const Status entered = enter_private_mounts(mounts); !entered) {
    ground.skip = entered.error().message();
    return ground;
  }
  const auto machine = inspect_machine(disk);
  ground.machine = machine.value_or(Machine{});
  ground.skip = why_no_containers(ground.machine);
  return ground;
}

inline const Ground& ground() {
  static const Ground the_ground = prepare_ground();
  return the_ground;
}

/// Removes the data directory when the test program ends.
class GroundCleanUp : public ::testing::Environment {
 public:
  void TearDown() override {
    if (!ground_was_used || ground().data_dir.empty()) return;
    ::umount2(rootfs_path(ground().data_dir).c_str(), MNT_DETACH);
    EXPECT_TRUE(io_linux::LocalDisk().remove_tree(ground().data_dir));
  }
  static inline bool ground_was_used = false;
};
inline const auto* const kGroundCleanUp = ::testing::AddGlobalTestEnvironment(new GroundCleanUp);

inline CrunSettings settings_for_test() {
  CrunSettings settings;
  settings.data_dir = ground().data_dir;
  settings.rootfs = rootfs_path(ground().data_dir);
  settings.open_net_namespace = io_linux::open_net_namespace;
  return settings;
}

class CrunTest : public ::testing::Test {
 protected:
  void SetUp() override {
    GroundCleanUp::ground_was_used = true;
    if (!ground().skip.empty()) GTEST_SKIP() << "no containers here: " << ground().skip;
    make_sandbox();
  }

  void make_sandbox(CrunSettings settings = settings_for_test()) {
    sandbox_ = std::make_unique<CrunSandbox>(loop_, disk_, processes_, ground().machine,
                                             std::move(settings));
  }

  void wait_for_shut_down() {
    bool done = false;
    sandbox_->shut_down([&] { done = true; });
    run_until(loop_, [&] { return done; });
  }

  void TearDown() override {
    if (sandbox_ == nullptr) return;
    wait_for_shut_down();
    sandbox_ = nullptr;
    EXPECT_EQ(cgroups().list(), std::vector<std::string>{});
    EXPECT_FALSE(disk_.exists(ground().data_dir + "/run/sandbox/bundles"));
    EXPECT_FALSE(disk_.exists(ground().data_dir + "/run/sandbox/crun"));
    EXPECT_EQ(children(), "") << "zombies or running children";
  }

  Cgroups cgroups() { return Cgroups(disk_, ground().machine, cgroup_parent(ground().data_dir)); }

  /// Our children that are there now, as the kernel lists them.
  std::string children() {
    loop_.turn(Duration::zero());
    return disk_.read_file("/proc/thread-self/children", mib(1)).value_or("");
  }

  std::unique_ptr<Instance> start(const InstanceSpec& spec, Recorder& recorder) {
    return sandbox_->start(InstanceId("i" + std::to_string(++started_)), spec, recorder);
  }

  void wait_end(Recorder& recorder) {
    run_until(loop_, [&] { return recorder.report.has_value(); });
  }

  Recorder run(const InstanceSpec& spec) {
    Recorder recorder;
    const auto instance = start(spec, recorder);
    wait_end(recorder);
    return recorder;
  }

  io_linux::EpollLoop loop_;
  io_linux::LocalDisk disk_;
  io_linux::PidfdProcesses processes_{loop_};
  std::unique_ptr<CrunSandbox> sandbox_;
  int started_ = 0;
};

}  // namespace thaw::sandbox
