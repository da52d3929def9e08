#include "tensor/panel_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>

namespace thaw::tensor {
namespace {

using testing::HasSubstr;
using testing::Not;

class PanelFileTest : public testing::Test {
 protected:
  PanelFileTest() {
    std::string path = testing::TempDir() + "panels-XXXXXX";
    folder_ = mkdtemp(path.data());
    path_ = folder_ + "/m.panels";
  }
  ~PanelFileTest() override { std::filesystem::remove_all(folder_); }

  PanelWriter filled(char with) {
    PanelWriter writer = PanelWriter::create(path_, key_, 0644).value();
    for (size_t i = 0; i < key_.sizes.size(); ++i) {
      std::ranges::fill(writer.piece(i), static_cast<std::byte>(with + static_cast<char>(i)));
    }
    return writer;
  }
  void write(char with = 'a') { ASSERT_TRUE(filled(with).keep()); }
  Result<PanelFile> open() { return PanelFile::open(path_, key_, ::geteuid(), pool_); }
  std::string fault() {
    const auto opened = open();
    return opened ? "none" : opened.error().message();
  }
  std::string bytes() {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void put(const std::string& content) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << content;
  }
  size_t files() {
    const std::filesystem::directory_iterator entries(folder_);
    return static_cast<size_t>(std::distance(begin(entries), end(entries)));
  }

  std::string folder_, path_;
  PanelKey key_ = {"f32x16", 42, {1000, 64, 70'000}};
  ThreadPool pool_{2};
};

TEST_F(PanelFileTest, WhatWasWrittenIsReadByAll) {
  write();
  const PanelFile one = open().value(), other = open().value();
  EXPECT_EQ(one.piece(0).size(), 1000U);
  EXPECT_EQ(one.piece(2).back(), std::byte{'c'});
  EXPECT_EQ(reinterpret_cast<uintptr_t>(one.piece(2).data()) % 64, 0U);
  EXPECT_EQ(other.piece(1).front(), std::byte{'b'});
}

TEST_F(PanelFileTest, AWriterIsReadableAtOnceAndUnseenUntilKept) {
  {
    PanelWriter writer = filled('k');
    EXPECT_EQ(writer.piece(0).front(), std::byte{'k'});
    EXPECT_EQ(open().error().code(), Code::kNotFound);
  }
  EXPECT_EQ(files(), 0U) << "a writer that is dropped leaves nothing behind";
}

TEST_F(PanelFileTest, PiecesStayWhereTheyAreWhenTheyBecomeTheFiles) {
  PanelWriter writer = filled('p');
  const std::span<const std::byte> before = writer.piece(2);
  ASSERT_TRUE(writer.keep());
  EXPECT_EQ(writer.piece(2).data(), before.data());
  EXPECT_EQ(before.front(), std::byte{'r'});
  std::ifstream maps("/proc/self/maps");
  const std::string text{std::istreambuf_iterator<char>(maps), {}};
  EXPECT_THAT(text, HasSubstr(path_)) << "the memory is the file's";
}

TEST_F(PanelFileTest, PanelsOfOtherWeightsOrKernelsAreNotUsed) {
  write();
  key_.layout = "s8x16";
  EXPECT_THAT(fault(), HasSubstr("made for other kernels"));
  key_.layout = "f32x16";
  key_.content = 43;
  EXPECT_THAT(fault(), HasSubstr("made of other weights"));
  key_.content = 42;
  key_.sizes = {1000, 64, 70'001};
  EXPECT_THAT(fault(), HasSubstr("made of other weights"));
  key_.sizes = {1000, 64};
  EXPECT_THAT(fault(), HasSubstr("made of other weights"));
}

TEST_F(PanelFileTest, EveryTruncationIsSeen) {
  write();
  const std::string whole = bytes();
  for (size_t size : {size_t{0}, size_t{1}, size_t{71}, size_t{100}, size_t{4096}, whole.size() / 2,
                      whole.size() - 1}) {
    put(whole.substr(0, size));
    EXPECT_THAT(fault(), HasSubstr("damaged")) << size;
  }
  put(whole + "x");
  EXPECT_THAT(fault(), HasSubstr("damaged"));
}

TEST_F(PanelFileTest, EveryFlippedBitThatMattersIsSeen) {
  write();
  const std::string whole = bytes();
  std::vector<size_t> places;
  for (size_t i = 0; i < 72 + 3 * 24; ++i) places.push_back(i);  // the header and its table
  for (size_t i = 4096; i < 5096; i += 37) places.push_back(i);
  places.push_back(4096 + 1024 + 63);
  places.push_back(4096 + 1024 + 64 + 69'999);
  for (const size_t place : places) {
    std::string flipped = whole;
    flipped[place] = static_cast<char>(flipped[place] ^ 1 << place % 8);
    put(flipped);
    EXPECT_NE(fault(), "none") << place;
  }
  put(whole);
  EXPECT_EQ(fault(), "none");
}

TEST_F(PanelFileTest, WhatOthersCanWriteIsNotTrusted) {
  write();
  ASSERT_EQ(::chmod(path_.c_str(), 0664), 0);
  EXPECT_EQ(open().error().code(), Code::kPermissionDenied);
  ASSERT_EQ(::chmod(path_.c_str(), 0646), 0);
  EXPECT_EQ(open().error().code(), Code::kPermissionDenied);
  ASSERT_EQ(::chmod(path_.c_str(), 0444), 0);
  EXPECT_EQ(fault(), "none");
}

TEST_F(PanelFileTest, PanelsOfAStrangerAreNotTrustedUnlessTheWeightsAreHis) {
  constexpr uint32_t kStranger = 4711;
  write();
  if (::chown(path_.c_str(), kStranger, static_cast<gid_t>(-1)) != 0) {
    GTEST_SKIP() << "needs root";
  }
  EXPECT_THAT(fault(), HasSubstr("belongs to another user"));
  EXPECT_TRUE(PanelFile::open(path_, key_, kStranger, pool_));
}

TEST_F(PanelFileTest, WhatIsNoFileIsNoFile) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  EXPECT_THAT(fault(), HasSubstr("not a regular file"));
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  EXPECT_THAT(fault(), HasSubstr("not a regular file"));
}

TEST_F(PanelFileTest, WhereNothingCanBeWrittenIsAnError) {
  EXPECT_FALSE(PanelWriter::create(folder_ + "/none/m.panels", key_, 0644));
  // /proc refuses even root.
  EXPECT_FALSE(PanelWriter::create("/proc/m.panels", key_, 0644));
}

TEST_F(PanelFileTest, AFullDiskLeavesThePiecesInMemory) {
  struct rlimit limit = {}, before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  limit = before;
  limit.rlim_cur = 10'000;
  const auto old_handler = ::signal(SIGXFSZ, SIG_IGN);
  PanelWriter writer = PanelWriter::create(path_, key_, 0644).value();
  writer.piece(0)[5] = std::byte{5};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  EXPECT_FALSE(writer.keep());
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, old_handler);
  EXPECT_EQ(writer.piece(0)[5], std::byte{5});
  EXPECT_EQ(files(), 0U) << "while the pieces are in use";
  for (const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code fault;
    EXPECT_THAT(std::filesystem::read_symlink(each, fault).native(), Not(HasSubstr(folder_)));
  }
}

TEST_F(PanelFileTest, TwoWritersAtOnceLeaveOneWholeFile) {
  PanelWriter one = filled('a'), other = filled('x');
  ASSERT_TRUE(one.keep());
  EXPECT_EQ(open()->piece(0).front(), std::byte{'a'});
  const PanelFile before = open().value();
  ASSERT_TRUE(other.keep());
  EXPECT_EQ(open()->piece(0).front(), std::byte{'x'});
  EXPECT_EQ(before.piece(0).front(), std::byte{'a'}) << "who has it mapped keeps it";
  EXPECT_EQ(files(), 1U);
}

TEST_F(PanelFileTest, TheFileGetsThePermissionsAskedFor) {
  PanelWriter writer = PanelWriter::create(path_, key_, 0640).value();
  ASSERT_TRUE(writer.keep());
  struct stat info = {};
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0640U);
}

TEST(PanelChecksum, EachWordAndTheLengthCount) {
  std::vector<std::byte> bytes(200);
  const uint64_t zeros = panel_checksum(bytes);
  EXPECT_NE(panel_checksum(std::span(bytes).first(199)), zeros);
  for (std::byte& each : bytes) {
    each = std::byte{1};
    EXPECT_NE(panel_checksum(bytes), zeros);
    each = std::byte{0};
  }
}

}  // namespace
}  // namespace thaw::tensor
