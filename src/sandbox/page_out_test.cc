#include "sandbox/page_out.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>

#include "io_linux/local_disk.h"
#include "sandbox/swap_testing.h"

namespace thaw::sandbox {
namespace {

constexpr size_t kBytes = 32 << 20;
constexpr size_t kPages = kBytes / kPage;
constexpr size_t kApart = 256;  // pages; more than the kernel reads ahead by itself

/// Memory of this process, written to.
class PageOutTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = why_no_page_out(); !why.empty()) GTEST_SKIP() << why;
    if (!swap_.why_not.empty()) GTEST_SKIP() << "no swap here: " << swap_.why_not;
    memory_ = static_cast<char*>(
        ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ::madvise(const_cast<char*>(memory_), kBytes, MADV_NOHUGEPAGE);  // each page for itself
    for (size_t page = 0; page < kPages; ++page) memory_[page * kPage] = static_cast<char>(page);
  }
  ~PageOutTest() override {
    if (memory_ != nullptr) ::munmap(const_cast<char*>(memory_), kBytes);
  }

  void page_out(std::shared_ptr<const WakeSet> needed = nullptr) {
    const auto run = page_out_processes({::getpid()}, PageOut::kEverything, mib(4), {}, needed);
    for (;;) {
      const auto step = run->step();
      ASSERT_TRUE(step) << step.error().message();
      if (*step == PageOutRun::Step::kDone) return;
    }
  }
  size_t count_resident() {
    return static_cast<size_t>(size_of(ours(present_pages({::getpid()}))).value) / kPage;
  }
  WakeSet ours(const WakeSet& all) {
    const auto begin = reinterpret_cast<uint64_t>(memory_);
    WakeSet set;
    for (const ProcessPages& process : all) {
      ProcessPages kept{process.pid, {}};
      for (const PageRange& range : process.ranges) {
        const PageRange part{std::max(range.begin, begin), std::min(range.end, begin + kBytes)};
        if (part.begin < part.end) kept.ranges.push_back(part);
      }
      set.push_back(kept);
    }
    return set;
  }

  TestSwap swap_{mib(128)};
  volatile char* memory_ = nullptr;  // each read is one
};

TEST_F(PageOutTest, WhatIsPagedOutLeavesMemoryAndComesBackAsItWas) {
  EXPECT_GE(count_resident(), kPages * 9 / 10);
  page_out();
  EXPECT_LE(count_resident(), kPages / 10);
  for (size_t page = 0; page < kPages; ++page) {
    ASSERT_EQ(memory_[page * kPage], static_cast<char>(page));
  }
}

TEST_F(PageOutTest, TheWakeSetIsWhatWasTouched) {
  page_out();
  char sum = 0;
  for (size_t page = 0; page < kPages; page += kApart) sum = memory_[page * kPage];
  EXPECT_EQ(sum, static_cast<char>(kPages - kApart));
  const WakeSet set = ours(present_pages({::getpid()}));
  ASSERT_EQ(set.size(), 1U);
  EXPECT_GE(set[0].ranges.size(), kPages / kApart);
  EXPECT_LT(size_of(set).value, static_cast<int64_t>(kBytes / 4));
}

TEST_F(PageOutTest, WhatTheWakeBeforeNeededStaysWhereItIsLittleAndScattered) {
  auto needed = std::make_shared<WakeSet>(1, ProcessPages{::getpid(), {}});
  const auto begin = reinterpret_cast<uint64_t>(memory_);
  for (size_t page = 0; page < kPages; page += kApart) {
    const uint64_t at = begin + page * kPage;
    (*needed)[0].ranges.push_back({at, at + kPage});
  }
  page_out(needed);
  const WakeSet left = ours(present_pages({::getpid()}));
  ASSERT_EQ(left.size(), 1U);
  EXPECT_GE(left[0].ranges.size(), kPages / kApart * 9 / 10);
  EXPECT_LE(count_resident(), kPages / 10);
  (*needed)[0].ranges.assign(1, {begin, begin + kBytes});
  page_out(needed);
  EXPECT_LE(count_resident(), kPages / 10) << "a long run is not kept";
}

TEST(PageOut, AProcessThatIsGoneIsNoError) {
  const auto run = page_out_processes({0x3ffffff}, PageOut::kEverything, mib(4), {});
  EXPECT_EQ(*run->step(), PageOutRun::Step::kMore);
  EXPECT_EQ(*run->step(), PageOutRun::Step::kDone);
  EXPECT_TRUE(present_pages({0x3ffffff}).empty());
  read_ahead({{0x3ffffff, {{0x1000, 0x2000}}}});
}

/// Files in a folder stand for the kernel's.
TEST(PageOut, WhatSwapHasIsDroppedBySqueezingAndTheLimitIsAsBefore) {
  char name[] = "/tmp/thaw-squeeze-test-XXXXXX";
  const std::string folder = ::mkdtemp(name);
  io_linux::LocalDisk disk;
  const SqueezeFiles files{folder + "/stat", folder + "/usage", folder + "/limit",
                           folder + "/swappiness"};
  ASSERT_TRUE(disk.write_file(files.stat, "cache 1\nswapcached 4194304\n"));
  ASSERT_TRUE(disk.write_file(files.usage, "20971520\n"));
  ASSERT_TRUE(disk.write_file(files.limit, "67108864"));
  ASSERT_TRUE(disk.write_file(files.swappiness, "060"));
  const auto run = page_out_processes({}, PageOut::kEverything, mib(1), files);
  int steps = 0;
  while (*run->step() == PageOutRun::Step::kMore) ++steps;
  EXPECT_GE(steps, 1);
  EXPECT_LE(steps, 10);  // files do not shrink
  EXPECT_EQ(*disk.read_file(files.limit, kib(1)), "67108864");
  EXPECT_EQ(*disk.read_file(files.swappiness, kib(1)), "060");
  ASSERT_TRUE(disk.write_file(files.stat, "cache 1\nswapcached 4096\n"));
  EXPECT_EQ(*page_out_processes({}, PageOut::kEverything, mib(1), files)->step(),
            PageOutRun::Step::kDone);
  ASSERT_TRUE(disk.remove_tree(folder));
}

/// Files in a folder stand for the kernel's.
TEST(PageOut, AGroupOfVersionTwoIsAskedForAPieceAtATime) {
  char name[] = "/tmp/thaw-reclaim-test-XXXXXX";
  const std::string folder = ::mkdtemp(name);
  io_linux::LocalDisk disk;
  ASSERT_TRUE(disk.write_file(folder + "/memory.current", "20971520\n"));
  ASSERT_TRUE(disk.write_file(folder + "/memory.reclaim", ""));
  const auto run = page_out_group(folder, mib(4));
  EXPECT_EQ(*run->step(), PageOutRun::Step::kMore);
  EXPECT_EQ(*disk.read_file(folder + "/memory.reclaim", kib(1)), "4194304");
  ASSERT_TRUE(disk.write_file(folder + "/memory.current", "1048576\n"));
  EXPECT_EQ(*run->step(), PageOutRun::Step::kMore);
  EXPECT_EQ(disk.read_file(folder + "/memory.reclaim", kib(1))->substr(0, 7), "1048576");
  ASSERT_TRUE(disk.write_file(folder + "/memory.current", "8192\n"));
  EXPECT_EQ(*run->step(), PageOutRun::Step::kDone);
  // What the wake before needed stays, up to its share.
  const WakeSet scattered = {{1, {{0, 64 * kPage}, {1000 * kPage, 1064 * kPage}}}};
  const auto keeps = page_out_group(folder, mib(64), std::make_shared<const WakeSet>(scattered));
  ASSERT_TRUE(disk.write_file(folder + "/memory.current", "20971520\n"));
  EXPECT_EQ(*keeps->step(), PageOutRun::Step::kMore);
  EXPECT_EQ(disk.read_file(folder + "/memory.reclaim", kib(1))->substr(0, 8), "20447232");
  ASSERT_TRUE(disk.write_file(folder + "/memory.current", "700000\n"));
  EXPECT_EQ(*keeps->step(), PageOutRun::Step::kDone);
  // One whose memory does not shrink ends all the same.
  const auto stuck = page_out_group(folder, kib(1));
  ASSERT_TRUE(disk.write_file(folder + "/memory.current", "1048576\n"));
  int steps = 0;
  while (*stuck->step() == PageOutRun::Step::kMore) ++steps;
  EXPECT_LE(steps, 2100);
  ASSERT_TRUE(disk.remove_tree(folder));
  EXPECT_FALSE(page_out_group(folder + "/none", mib(4))->step().value_or(PageOutRun::Step::kDone) ==
               PageOutRun::Step::kMore);
}

}  // namespace
}  // namespace thaw::sandbox
