#include "sandbox/read_ahead.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <optional>

#include "io_linux/local_disk.h"
#include "io_linux/thread_worker.h"
#include "sandbox/sandbox_testing.h"

namespace thaw::sandbox {
namespace {

using io_linux::run_until;

const RevisionId kRevision("test-00001-abc");

TEST(ReadAheadRanges, TheFilesOfAProcessAreThoseWithAnInodeEachOnce) {
  const auto files = mapped_files(
      "55d0-55d1 r--p 00000000 08:01 1234                       /usr/bin/python3.11\n"
      "55d1-55d2 r-xp 00001000 08:01 1234                       /usr/bin/python3.11\n"
      "7f00-7f01 rw-p 00000000 00:00 0                          [heap]\n"
      "7f01-7f02 r--p 00000000 08:01 99                         /srv/a model.bin\n"
      "7f02-7f03 r--s 00000000 00:05 7                          /dev/zero\n"
      "7f03-7f04 r--p 00000000 08:01 98                         /tmp/gone (deleted)\n"
      "7f04-7f05 rw-p 00000000 00:00 0 \nnonsense /x\n");
  ASSERT_EQ(files.size(), 2u);
  EXPECT_EQ(files[0].path, "/usr/bin/python3.11");
  EXPECT_EQ(files[0].inode, 1234u);
  EXPECT_EQ(files[1].path, "/srv/a model.bin");
}

TEST(ReadAheadRanges, ReadBackWhatTheyPrintAndPassOverTheRest) {
  const std::vector<FileRange> ranges = {{"/usr/lib/a b.so", 7, 4096, 8192},
                                         {"/usr/lib/c", 8, 0, 4096}};
  EXPECT_EQ(parse_ranges(print_ranges(ranges)), ranges);
  for (const char* text : {"", "\n", "1 2 /x", "1 0 0 /x\n", "1 0 -5 /x\n", "/x",
                           "1 0 99999999999999999999 /x\n", "1 9223372036854775807 4096 /x\n"}) {
    EXPECT_TRUE(parse_ranges(text).empty()) << text;
  }
}

class ReadAheadTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char folder[] = "/var/tmp/thaw-read-XXXXXX";
    ASSERT_NE(::mkdtemp(folder), nullptr);
    folder_ = folder;
    path_ = folder_ + "/file";
    std::ofstream(path_) << std::string(1 << 20, 'x');
    struct stat facts {};
    ASSERT_EQ(::stat(path_.c_str(), &facts), 0);
    inode_ = facts.st_ino;
  }
  void TearDown() override { EXPECT_TRUE(disk_.remove_tree(folder_)); }

  /// Of the file, from the page cache.
  void drop() {
    const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    ::fsync(fd);
    EXPECT_EQ(::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    ::close(fd);
  }

  size_t kept_files() {
    return disk_.list(folder_ + "/kept").value_or(std::vector<std::string>()).size();
  }

  io_linux::LocalDisk disk_;
  io_linux::EpollLoop loop_;
  std::string folder_;
  std::string path_;
  uint64_t inode_ = 0;
};

TEST_F(ReadAheadTest, WhatIsInMemoryIsFoundAndIsNotReadAgain) {
  const auto ranges = ranges_in_memory({{path_, inode_, 0, 0}});
  ASSERT_EQ(ranges.size(), 1u);
  EXPECT_EQ(ranges[0].length, 1 << 20);
  EXPECT_EQ(read_ranges(ranges).value, 0);
}

TEST_F(ReadAheadTest, WhatIsNotInMemoryIsAskedFor) {
  const auto ranges = ranges_in_memory({{path_, inode_, 0, 0}});
  drop();
  if (!ranges_in_memory({{path_, inode_, 0, 0}}).empty()) GTEST_SKIP() << "a disk in memory";
  EXPECT_EQ(read_ranges(ranges).value, 1 << 20);
  run_until(loop_, [&] {
    const auto now = ranges_in_memory({{path_, inode_, 0, 0}});
    return now.size() == 1 && now[0].length == 1 << 20;
  });
}

TEST_F(ReadAheadTest, AnotherFileOfThatNameOrNoPlainFileIsNotTouched) {
  EXPECT_TRUE(ranges_in_memory({{path_, inode_ + 1, 0, 0}}).empty());
  EXPECT_TRUE(ranges_in_memory({{folder_, inode_, 0, 0}}).empty());
  ASSERT_EQ(::mkfifo((folder_ + "/fifo").c_str(), 0600), 0);
  EXPECT_EQ(read_ranges({{folder_ + "/fifo", inode_, 0, 4096}}).value, 0);
}

TEST_F(ReadAheadTest, WhatAProcessHadMappedIsKeptForTheNextStartUntilItsRevisionGoes) {
  io_linux::ThreadWorker worker(loop_);
  ReadAhead ahead(disk_, &worker, folder_ + "/kept");
  ahead.note(kRevision, {::getpid()}, path_);
  run_until(loop_, [&] { return kept_files() == 1; });
  // What others on this machine have driven out of memory meanwhile is asked for; then nothing is.
  std::optional<ByteCount> asked_for;
  do {
    asked_for.reset();
    ahead.read(kRevision, [&](ByteCount size) { asked_for = size; });
    run_until(loop_, [&] { return asked_for.has_value(); });
  } while (asked_for->value > 0);
  ahead.discard(kRevision);
  EXPECT_EQ(kept_files(), 0u);
}

TEST_F(ReadAheadTest, WithoutAWorkerNothingIsNotedOrRead) {
  ReadAhead ahead(disk_, nullptr, folder_ + "/kept");
  ahead.note(kRevision, {::getpid()}, path_);
  ahead.read(kRevision, [](ByteCount) { FAIL(); });
  EXPECT_FALSE(disk_.exists(folder_ + "/kept"));
}

}  // namespace
}  // namespace thaw::sandbox
