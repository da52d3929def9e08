#include "sandbox/cgroup.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <string>

#include "io_linux/local_disk.h"

namespace thaw::sandbox {
namespace {

/// Files in a folder stand for the kernel's.
class CgroupTest : public ::testing::Test {
 protected:
  CgroupTest() {
    char folder[] = "/tmp/thaw-cgroup-test-XXXXXX";
    root_ = ::mkdtemp(folder);
  }
  ~CgroupTest() override { (void)disk_.remove_tree(root_); }

  void put(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    EXPECT_TRUE(disk_.write_file(root_ + path, text));
  }
  std::string get(const std::string& path) {
    return disk_.read_file(root_ + path, mib(1)).value_or("");
  }

  Cgroups v1() {
    Machine machine;
    machine.cgroups = Machine::Cgroups::kV1;
    for (const char* name : {"memory", "cpu", "cpuacct", "freezer"}) {
      machine.controllers[name] = root_ + "/" + name;
      machine.hierarchies.push_back(root_ + "/" + name);
    }
    return Cgroups(disk_, machine, "thaw-x");
  }
  Cgroups v2() {
    Machine machine;
    machine.cgroups = Machine::Cgroups::kV2;
    machine.unified = root_;
    machine.controllers = {{"memory", root_}, {"cpu", root_}, {"cpuacct", root_}};
    machine.hierarchies = {root_};
    return Cgroups(disk_, machine, "thaw-x");
  }

  io_linux::LocalDisk disk_;
  std::string root_;
};

TEST_F(CgroupTest, ReadsV1Files) {
  put("/memory/thaw-x/a/memory.usage_in_bytes", "1048576\n");
  put("/memory/thaw-x/a/memory.max_usage_in_bytes", "2097152\n");
  put("/memory/thaw-x/a/memory.limit_in_bytes", "67108864\n");
  put("/memory/thaw-x/a/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
  put("/cpuacct/thaw-x/a/cpuacct.usage", "1500000000\n");
  const CgroupFacts facts = v1().read("a");
  EXPECT_EQ(facts.usage.memory, mib(1));
  EXPECT_EQ(facts.usage.memory_peak, mib(2));
  EXPECT_EQ(facts.memory_limit, mib(64));
  EXPECT_EQ(facts.oom_kills, 3);
  EXPECT_EQ(facts.usage.cpu, seconds(1.5));
}

TEST_F(CgroupTest, ReadsV2Files) {
  put("/thaw-x/a/memory.current", "1048576\n");
  put("/thaw-x/a/memory.peak", "2097152\n");
  put("/thaw-x/a/memory.max", "67108864\n");
  put("/thaw-x/a/memory.events", "low 0\nhigh 0\nmax 12\noom 1\noom_kill 2\noom_group_kill 0\n");
  put("/thaw-x/a/cpu.stat", "usage_usec 1500000\nuser_usec 1\nsystem_usec 2\n");
  const CgroupFacts facts = v2().read("a");
  EXPECT_EQ(facts.usage.memory, mib(1));
  EXPECT_EQ(facts.usage.memory_peak, mib(2));
  EXPECT_EQ(facts.memory_limit, mib(64));
  EXPECT_EQ(facts.oom_kills, 2);
  EXPECT_EQ(facts.usage.cpu, seconds(1.5));
}

TEST_F(CgroupTest, NoLimitIsZeroInBothSpellings) {
  put("/memory/thaw-x/a/memory.limit_in_bytes", "9223372036854771712\n");
  put("/thaw-x/a/memory.max", "max\n");
  EXPECT_EQ(v1().read("a").memory_limit, ByteCount{0});
  EXPECT_EQ(v2().read("a").memory_limit, ByteCount{0});
}

TEST_F(CgroupTest, MissingAndBrokenFilesReadAsZero) {
  EXPECT_EQ(v1().read("none").usage.memory, ByteCount{0});
  put("/thaw-x/a/memory.current", "");
  put("/thaw-x/a/cpu.stat", "usage_usec\nusage_usecs 4\n");
  put("/thaw-x/a/memory.events", "oom_kill x");
  const CgroupFacts facts = v2().read("a");
  EXPECT_EQ(facts.usage.memory, ByteCount{0});
  EXPECT_EQ(facts.usage.cpu, Duration(0));
  EXPECT_EQ(facts.oom_kills, 0);
}

TEST_F(CgroupTest, LimitsCpuInTheWordsOfEachVersion) {
  put("/cpu/thaw-x/a/cpu.cfs_quota_us", "200000\n");
  EXPECT_TRUE(v1().limit_cpu("a", 1000));
  EXPECT_EQ(get("/cpu/thaw-x/a/cpu.cfs_quota_us"), "100000");
  put("/thaw-x/a/cpu.max", "200000 100000\n");
  EXPECT_TRUE(v2().limit_cpu("a", 500));
  EXPECT_EQ(get("/thaw-x/a/cpu.max"), "50000 100000");
  EXPECT_FALSE(v2().limit_cpu("gone", 500));
}

TEST_F(CgroupTest, FreezesAndThawsInTheWordsOfEachVersion) {
  put("/freezer/thaw-x/a/freezer.state", "THAWED\n");
  EXPECT_TRUE(v1().freeze("a"));
  EXPECT_EQ(get("/freezer/thaw-x/a/freezer.state"), "FROZEN");
  v1().thaw("a");
  EXPECT_EQ(get("/freezer/thaw-x/a/freezer.state"), "THAWED");
  put("/thaw-x/a/cgroup.freeze", "0\n");
  EXPECT_TRUE(v2().freeze("a"));
  EXPECT_EQ(get("/thaw-x/a/cgroup.freeze"), "1");
  v2().thaw("a");
  EXPECT_EQ(get("/thaw-x/a/cgroup.freeze"), "0");
}

TEST_F(CgroupTest, SwapIsTheGroupsOwnAndInVersionTwoOnlyForOneThatHibernates) {
  put("/memory/thaw-x/a/memory.stat", "cache 1\nswap 4096\nswapcached 2\n");
  EXPECT_EQ(v1().read("a").usage.swapped, kib(4));
  EXPECT_EQ(v1().reclaimable("a"), "");
  put("/thaw-x/a/memory.swap.current", "8192\n");
  put("/thaw-x/a/memory.swap.max", "0\n");
  EXPECT_EQ(v2().read("a").usage.swapped, kib(8));
  v2().allow("a", Cgroups::Swap::kAllowed);
  EXPECT_EQ(get("/thaw-x/a/memory.swap.max"), "max");
  v2().allow("a", Cgroups::Swap::kNone);
  EXPECT_EQ(get("/thaw-x/a/memory.swap.max"), "0");
  EXPECT_EQ(v2().reclaimable("a"), "");
  put("/thaw-x/a/memory.reclaim", "");
  EXPECT_EQ(v2().reclaimable("a"), root_ + "/thaw-x/a");
}

TEST_F(CgroupTest, AGroupThatIsGoneCannotBeFrozenAndIsNotMade) {
  EXPECT_FALSE(v1().freeze("none"));
  EXPECT_FALSE(v2().freeze("none"));
  v1().thaw("none");
  v2().thaw("none");
  EXPECT_FALSE(disk_.exists(root_ + "/freezer/thaw-x/none"));
  EXPECT_FALSE(disk_.exists(root_ + "/thaw-x/none"));
}

TEST_F(CgroupTest, AMachineWithoutAFreezerSaysSo) {
  Machine machine;
  machine.cgroups = Machine::Cgroups::kV1;
  const Cgroups bare(disk_, machine, "thaw-x");
  EXPECT_EQ(bare.freeze("a").error().code(), Code::kUnavailable);
  bare.thaw("a");
}

TEST_F(CgroupTest, ListsGroupsAndProcessesOfTheUnifiedTree) {
  put("/thaw-x/b/cgroup.procs", "12\n7\n");
  put("/thaw-x/a/cgroup.procs", "");
  put("/thaw-x/cgroup.events", "populated 1\nfrozen 0\n");
  put("/thaw-y/c/cgroup.procs", "1\n");
  EXPECT_EQ(v2().list(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(v2().processes("b"), (std::vector<pid_t>{7, 12}));
  EXPECT_EQ(v2().processes("none"), std::vector<pid_t>{});
}

TEST_F(CgroupTest, RemovesAGroupFromEveryHierarchyAndTheParentWithTheLastOne) {
  // A folder's own files go with it in the kernel's file system; here there are none.
  for (const char* folder : {"/memory", "/cpuacct", "/freezer"}) {
    std::filesystem::create_directories(root_ + folder + "/thaw-x/a");
  }
  std::filesystem::create_directories(root_ + "/thaw-x/a");
  std::filesystem::create_directories(root_ + "/thaw-x/b");
  for (const Cgroups& groups : {v1(), v2()}) {
    EXPECT_TRUE(groups.remove("a"));
    EXPECT_TRUE(groups.remove("a")) << "it is gone already";
    groups.remove_parent();
  }
  for (const char* folder : {"/memory", "/cpuacct", "/freezer"}) {
    EXPECT_FALSE(disk_.exists(root_ + folder + "/thaw-x"));
  }
  EXPECT_TRUE(disk_.exists(root_ + "/thaw-x/b")) << "the parent of another one stays";
}

TEST_F(CgroupTest, ListsAGroupThatIsLeftInOneHierarchyOnly) {
  put("/memory/thaw-x/b/cgroup.procs", "12\n7\n");
  put("/freezer/thaw-x/b/cgroup.procs", "7\n");
  put("/freezer/thaw-x/a/cgroup.procs", "");
  put("/memory/thaw-x/memory.stat", "");
  put("/memory/thaw-y/c/cgroup.procs", "1\n");
  EXPECT_EQ(v1().list(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(v1().processes("b"), (std::vector<pid_t>{7, 12}));
  EXPECT_EQ(v1().processes("a"), std::vector<pid_t>{});
}

}  // namespace
}  // namespace thaw::sandbox
