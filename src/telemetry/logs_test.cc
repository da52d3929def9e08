// Logs on real files: filters, rotation, followers, and what a crash or a full disk leaves.
#include "telemetry/logs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "io_linux/local_disk.h"

namespace thaw::telemetry {
namespace {

using ::testing::ElementsAre;
const ServiceId kDemo("demo");

class LogsOnDisk : public ::testing::Test {
 protected:
  static std::string new_folder() {
    char path[] = "/tmp/thaw-logs-XXXXXX";
    return std::string(::mkdtemp(path)) + "/logs";
  }
  ~LogsOnDisk() override {
    std::filesystem::remove_all(std::filesystem::path(folder_).parent_path());
  }
  static LogLine line(const std::string& message, int second = 0,
                      const std::string& severity = "DEFAULT") {
    LogLine made{.severity = severity, .service = kDemo, .message = message};
    made.time = WallTime(seconds(1'800'000'000.0 + second));
    return made;
  }
  static std::vector<std::string> messages(const std::vector<LogLine>& lines) {
    std::vector<std::string> all;
    for (const LogLine& each : lines) all.push_back(each.message);
    return all;
  }
  std::vector<std::string> read(const LogFilter& filter = {}) const {
    return messages(logs_.read(kDemo, filter));
  }
  std::string file(const std::string& name) const { return folder_ + "/" + name; }

  io_linux::LocalDisk disk_;
  std::string folder_ = new_folder();
  Logs logs_{disk_, folder_, {.largest_file = ByteCount{1000}}};
};

TEST_F(LogsOnDisk, AreReadOldestFirstAndFiltered) {
  EXPECT_THAT(read(), ElementsAre());
  logs_.append(line("a", 1));
  logs_.append(line("b", 2, "ERROR"));
  logs_.append(line("c", 3, "WARNING"));
  logs_.append(line("d", 4));
  EXPECT_THAT(read(), ElementsAre("a", "b", "c", "d"));
  EXPECT_THAT(read({.tail = 2}), ElementsAre("c", "d"));
  EXPECT_THAT(read({.tail = 0}), ElementsAre());
  EXPECT_THAT(read({.since = line("", 3).time}), ElementsAre("c", "d"));
  EXPECT_THAT(read({.tail = 1, .lowest_severity = "WARNING"}), ElementsAre("c"));
  EXPECT_THAT(read({.lowest_severity = "ERROR"}), ElementsAre("b"));
}

TEST_F(LogsOnDisk, TwoFilesAreKeptAndTheOldestLinesGo) {
  for (int i = 0; i < 100; ++i) logs_.append(line(std::to_string(i), i));
  const auto kept = read({.tail = 1000});
  EXPECT_EQ(kept.back(), "99");
  EXPECT_GT(kept.size(), 7u);
  EXPECT_LT(kept.size(), 30u);
  for (size_t i = 1; i < kept.size(); ++i)
    EXPECT_EQ(std::stoi(kept[i]), std::stoi(kept[i - 1]) + 1);
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    EXPECT_LT(entry.file_size(), 1200u) << entry.path();
  }
  EXPECT_FALSE(disk_.exists(file("demo.2.jsonl")));
}

TEST_F(LogsOnDisk, ACutOrDamagedLineIsPassedOver) {
  logs_.append(line("before"));
  std::ofstream(file("demo.jsonl"), std::ios::app) << "{}\nnot json\n\n"
                                                   << R"({"timestamp":"20)";
  Logs again(disk_, folder_);
  EXPECT_THAT(messages(again.read(kDemo, {})), ElementsAre("before"));
  again.append(line("after"));
  EXPECT_THAT(messages(again.read(kDemo, {})), ElementsAre("before", "after"));
}

TEST_F(LogsOnDisk, AMessageWithLineEndsStaysOneLine) {
  logs_.append(line("two\nlines\r\n\x01"));
  EXPECT_THAT(read(), ElementsAre("two\nlines\r\n\x01"));
}

TEST_F(LogsOnDisk, FollowersGetEachLineOnceUntilTheyGo) {
  std::vector<std::string> first, second;
  auto a = logs_.follow(kDemo, [&](const LogLine& each) { first.push_back(each.message); });
  std::unique_ptr<LogSubscription> b;
  b = logs_.follow(kDemo, [&](const LogLine& each) {
    second.push_back(each.message);
    b.reset();  // ends inside its own call
    a.reset();
  });
  auto other = logs_.follow(ServiceId("other"), [](const LogLine&) { FAIL(); });
  logs_.append(line("one"));
  logs_.append(line("two"));
  EXPECT_THAT(first, ElementsAre("one"));
  EXPECT_THAT(second, ElementsAre("one"));
}

TEST_F(LogsOnDisk, ALineTheDiskDoesNotTakeIsCountedAndStillFollowed) {
  std::ofstream(folder_) << "a file where the folder should be";
  int told = 0;
  const auto subscription = logs_.follow(kDemo, [&](const LogLine&) { ++told; });
  logs_.append(line("lost"));
  EXPECT_EQ(logs_.dropped(), 1u);
  EXPECT_EQ(told, 1);
}

TEST_F(LogsOnDisk, RemovedLogsAreGoneAndMayStartAnew) {
  logs_.remove(kDemo);
  logs_.append(line("old"));
  logs_.remove(kDemo);
  EXPECT_THAT(read(), ElementsAre());
  logs_.append(line("new"));
  EXPECT_THAT(read(), ElementsAre("new"));
}

}  // namespace
}  // namespace thaw::telemetry
