#include "io_linux/local_disk.h"

#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace thaw::io_linux {
namespace {

class DiskTest : public testing::Test {
 protected:
  DiskTest() {
    std::string name = testing::TempDir() + "thaw-disk-XXXXXX";
    root = ::mkdtemp(name.data());
  }
  ~DiskTest() override { EXPECT_TRUE(disk.remove_tree(root)); }
  std::string at(const std::string& name) const { return root + "/" + name; }

  LocalDisk disk;
  std::string root;
};

TEST_F(DiskTest, WhatIsWrittenIsRead) {
  ASSERT_TRUE(disk.write_file(at("a"), "one"));
  ASSERT_TRUE(disk.write_file(at("a"), "2"));
  EXPECT_EQ(*disk.read_file(at("a"), kib(1)), "2");
  ASSERT_TRUE(disk.write_file_durably(at("b"), "three"));
  ASSERT_TRUE(disk.write_file_durably(at("b"), ""));
  EXPECT_EQ(*disk.read_file(at("b"), kib(1)), "");
  EXPECT_EQ(*disk.list(root), (std::vector<std::string>{"a", "b"}));
}

TEST_F(DiskTest, AFileOverTheLimitIsRefused) {
  ASSERT_TRUE(disk.write_file(at("big"), std::string(1025, 'x')));
  const auto result = disk.read_file(at("big"), kib(1));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code(), Code::kOutOfRange);
  ASSERT_TRUE(disk.write_file(at("big"), std::string(1024, 'x')));
  EXPECT_TRUE(disk.read_file(at("big"), kib(1)));
}

TEST_F(DiskTest, ErrorsNameThePath) {
  const auto missing = disk.read_file(at("none"), kib(1));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), Code::kNotFound);
  EXPECT_NE(missing.error().message().find(at("none")), std::string::npos);
  EXPECT_FALSE(disk.write_file_durably(at("no/folder"), "x"));
  EXPECT_FALSE(disk.list(at("none")));
  EXPECT_FALSE(disk.remove_file(at("none")));
}

TEST_F(DiskTest, AppendingGoesOnWhereItWas) {
  {
    auto file = *disk.open_append(at("log"));
    ASSERT_TRUE(file->append("one\n"));
    ASSERT_TRUE(file->sync());
  }
  auto file = *disk.open_append(at("log"));
  EXPECT_EQ(file->size(), ByteCount{4});
  ASSERT_TRUE(file->append("two\n"));
  EXPECT_EQ(file->size(), ByteCount{8});
  EXPECT_EQ(*disk.read_file(at("log"), kib(1)), "one\ntwo\n");
}

TEST_F(DiskTest, FoldersAreMadeWithTheirParents) {
  ASSERT_TRUE(disk.make_dirs(at("a/b/c")));
  ASSERT_TRUE(disk.make_dirs(at("a/b/c")));
  EXPECT_TRUE(disk.exists(at("a/b/c")));
  ASSERT_TRUE(disk.write_file(at("file"), ""));
  EXPECT_FALSE(disk.make_dirs(at("file")));
  EXPECT_FALSE(disk.make_dirs(at("file/x")));
}

TEST_F(DiskTest, RemovingATreeFollowsNoLink) {
  ASSERT_TRUE(disk.make_dirs(at("keep")));
  ASSERT_TRUE(disk.write_file(at("keep/file"), "precious"));
  ASSERT_TRUE(disk.make_dirs(at("tree/inner")));
  ASSERT_EQ(::symlink(at("keep").c_str(), at("tree/inner/link").c_str()), 0);
  ASSERT_EQ(::symlink(at("keep").c_str(), at("link").c_str()), 0);
  ASSERT_TRUE(disk.remove_tree(at("tree")));
  ASSERT_TRUE(disk.remove_tree(at("link")));
  EXPECT_FALSE(disk.exists(at("tree")));
  EXPECT_TRUE(disk.exists(at("keep/file")));
  EXPECT_TRUE(disk.remove_tree(at("tree"))) << "absent is fine";
}

TEST_F(DiskTest, RemovingATreeStopsAtAMount) {
  ASSERT_TRUE(disk.make_dirs(at("tree/mounted")));
  ASSERT_TRUE(disk.make_dirs(at("keep")));
  ASSERT_TRUE(disk.write_file(at("keep/file"), "precious"));
  if (::mount(at("keep").c_str(), at("tree/mounted").c_str(), nullptr, MS_BIND, nullptr) != 0) {
    GTEST_SKIP() << "needs the right to mount";
  }
  const Status status = disk.remove_tree(at("tree"));
  ASSERT_EQ(::umount(at("tree/mounted").c_str()), 0);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code(), Code::kFailedPrecondition);
  EXPECT_TRUE(disk.exists(at("keep/file")));
}

}  // namespace
}  // namespace thaw::io_linux
