#include "sandbox/squeeze.h"

#include <gtest/gtest.h>

#include "io_linux/local_disk.h"

namespace thaw::sandbox {
namespace {

/// Files in a folder stand for the kernel's; they do not shrink.
class SqueezeTest : public ::testing::Test {
 protected:
  SqueezeTest() {
    char name[] = "/tmp/thaw-squeeze-test-XXXXXX";
    folder_ = ::mkdtemp(name);
    files_ = {folder_ + "/stat", folder_ + "/usage", folder_ + "/limit", folder_ + "/swappiness"};
    write(files_.usage, "104857600\n");
    write(files_.limit, "209715200");
    write(files_.swappiness, "060");
  }
  ~SqueezeTest() override { EXPECT_TRUE(disk_.remove_tree(folder_)); }

  void write(const std::string& path, const std::string& text) {
    ASSERT_TRUE(disk_.write_file(path, text));
  }
  int count_pieces(const std::string& stat, ByteCount mapped = {}) {
    write(files_.stat, stat);
    Squeeze squeeze(files_, mib(4), 0.05);
    int pieces = 0;
    while (*squeeze.step(mapped) == Squeeze::Step::kMore) ++pieces;
    EXPECT_EQ(*disk_.read_file(files_.limit, kib(1)), "209715200") << "it is as before";
    EXPECT_EQ(*disk_.read_file(folder_ + "/swappiness", kib(1)), "060") << "it is as before";
    return pieces;
  }

  io_linux::LocalDisk disk_;
  std::string folder_;
  SqueezeFiles files_;
};

TEST_F(SqueezeTest, UnmappedPagesOfFilesGoButForAShare) {
  EXPECT_EQ(count_pieces("cache 5242880\nmapped_file 0\nshmem 0\n"), 0) << "one twentieth";
  EXPECT_EQ(count_pieces("cache 62914560\nmapped_file 57671680\nshmem 0\n"), 0) << "in use";
  EXPECT_EQ(count_pieces("cache 62914560\nmapped_file 0\nshmem 57671680\n"), 0) << "of /tmp";
  const int pieces = count_pieces("cache 26214400\nmapped_file 0\nshmem 0\n");
  EXPECT_GE(pieces, 5) << "20 MiB in pieces of four";
  EXPECT_LE(pieces, 12) << "and an end";
}

TEST_F(SqueezeTest, SwapCacheThatProcessesHaveMappedStays) {
  EXPECT_GE(count_pieces("swapcached 26214400\n"), 6);
  EXPECT_EQ(count_pieces("swapcached 26214400\n", mib(25)), 0);
  EXPECT_EQ(count_pieces("swapcached 1048576\n", mib(25)), 0);
  const int pieces = count_pieces("swapcached 26214400\n", mib(17));
  EXPECT_GE(pieces, 2) << "8 MiB in pieces of four";
  EXPECT_LE(pieces, 7) << "and an end";
}

TEST_F(SqueezeTest, TheRowsOfVersionTwoHaveOtherNames) {
  files_.swappiness = "";
  EXPECT_GE(count_pieces("file 26214400\nfile_mapped 0\nshmem 0\n"), 5);
  EXPECT_EQ(count_pieces("file 26214400\nfile_mapped 26214400\nshmem 0\n"), 0);
  EXPECT_GE(count_pieces("file 0\nswapcached 26214400\n"), 6);
}

TEST_F(SqueezeTest, WithoutItsFilesNothingIsDone) {
  Squeeze nothing({}, mib(4), 0.05);
  EXPECT_EQ(*nothing.step(), Squeeze::Step::kDone);
  write(files_.stat, "swapcached 26214400\n");
  files_.limit = folder_ + "/none";
  Squeeze no_limit(files_, mib(4), 0.05);
  EXPECT_EQ(*no_limit.step(), Squeeze::Step::kDone);
}

}  // namespace
}  // namespace thaw::sandbox
