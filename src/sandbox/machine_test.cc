#include "sandbox/machine.h"

#include <gtest/gtest.h>

#include <string>

namespace thaw::sandbox {
namespace {

constexpr std::string_view kV1Mounts =
    "24 1 254:0 / / rw,relatime - ext4 /dev/root rw\n"
    "30 24 0:26 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755\n"
    "31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:11 - cgroup cgroup rw,cpu,cpuacct\n"
    "32 30 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
    "33 30 0:29 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n"
    "34 30 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n";
constexpr std::string_view kUnifiedBeside =
    "35 30 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
constexpr std::string_view kV2Mounts =
    "24 1 254:0 / / rw,relatime - ext4 /dev/root rw\n"
    "30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

Machine capable() {
  Machine machine;
  read_privileges("Name:\tthaw\nUid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\n", "", machine);
  read_cgroup_mounts(kV1Mounts, "", machine);
  machine.crun = "/usr/bin/crun";
  return machine;
}

TEST(Machine, FindsV1ControllersAlsoWhereSeveralShareAMount) {
  Machine machine;
  read_cgroup_mounts(kV1Mounts, "", machine);
  EXPECT_EQ(machine.cgroups, Machine::Cgroups::kV1);
  EXPECT_EQ(machine.controllers["cpuacct"], "/sys/fs/cgroup/cpu,cpuacct");
  EXPECT_EQ(machine.controllers["memory"], "/sys/fs/cgroup/memory");
  EXPECT_FALSE(machine.controllers.contains("name=systemd"));
}

TEST(Machine, FindsV2ControllersInItsOwnList) {
  Machine machine;
  read_cgroup_mounts(kV2Mounts, "cpuset cpu io memory pids\n", machine);
  EXPECT_EQ(machine.cgroups, Machine::Cgroups::kV2);
  EXPECT_EQ(machine.controllers["memory"], "/sys/fs/cgroup");
  EXPECT_EQ(machine.unified, "/sys/fs/cgroup");
}

TEST(Machine, BothTogetherAreHybridAndCannotRunContainers) {
  Machine machine = capable();
  read_cgroup_mounts(std::string(kV1Mounts) + std::string(kUnifiedBeside), "", machine);
  EXPECT_EQ(machine.cgroups, Machine::Cgroups::kHybrid);
  EXPECT_NE(why_no_containers(machine).find("/sys/fs/cgroup/unified"), std::string::npos);
}

TEST(Machine, BlanksInMountPointsAreUnescaped) {
  Machine machine;
  read_cgroup_mounts("1 2 0:1 / /my\\040cg rw - cgroup cgroup rw,memory\n", "", machine);
  EXPECT_EQ(machine.controllers["memory"], "/my cg");
}

TEST(Machine, TruncatedMountinfoIsNoCgroupAtAll) {
  for (const char* text : {"", "\n", "-", "1 2 3 4 5 6 -", "31 30 0:27 / /x rw - cgroup"}) {
    Machine machine;
    read_cgroup_mounts(text, "", machine);
    EXPECT_EQ(machine.cgroups, Machine::Cgroups::kNone) << text;
  }
}

TEST(Machine, UidZeroWithoutSysAdminIsNotRoot) {
  Machine machine;
  read_privileges("Uid:\t0\t0\t0\t0\nCapEff:\t00000000a80425fb\n", "", machine);
  EXPECT_FALSE(machine.root);
  EXPECT_NE(why_no_containers(machine).find("CAP_SYS_ADMIN"), std::string::npos);
}

TEST(Machine, WithoutSysResourceItsOwnLimitOfFilesBoundsInstances) {
  constexpr std::string_view kLimits =
      "Limit                     Soft Limit           Hard Limit           Units     \n"
      "Max open files            1024                 20000                files     \n";
  Machine machine;
  read_privileges("Uid:\t0\t0\t0\t0\nCapEff:\t000001fffeffffff\n", kLimits, machine);
  EXPECT_EQ(machine.open_files, 20000);
  read_privileges("Uid:\t0\t0\t0\t0\nCapEff:\t000001ffffffffff\n", kLimits, machine);
  EXPECT_EQ(machine.open_files, 0);
}

TEST(Machine, SaysWhatIsMissingForContainers) {
  EXPECT_EQ(why_no_containers(capable()), "");
  Machine machine = capable();
  machine.crun.clear();
  EXPECT_EQ(why_no_containers(machine), "crun is not installed; apt install crun");
  machine = capable();
  machine.controllers.erase("memory");
  EXPECT_NE(why_no_containers(machine).find("'memory'"), std::string::npos);
}

}  // namespace
}  // namespace thaw::sandbox
