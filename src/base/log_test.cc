#include "base/log.h"

#include <gtest/gtest.h>

#include "base/id.h"
#include "base/json.h"

namespace thaw {
namespace {

/// The one line that `write` logs, without its line end.
template <class Write>
std::string logged(LogFormat format, Write write) {
  set_log_format(format, Severity::kInfo);
  testing::internal::CaptureStderr();
  write();
  std::string text = testing::internal::GetCapturedStderr();
  set_log_format(LogFormat::kText, Severity::kInfo);
  if (text.empty()) return text;
  EXPECT_EQ(text.back(), '\n');
  text.pop_back();
  EXPECT_EQ(text.find('\n'), std::string::npos) << "one line an event: " << text;
  return text;
}

TEST(LogText, ValuesWithBlanksQuotesOrLineEndsAreQuoted) {
  const std::string line = logged(LogFormat::kText, [] {
    log_info("started", {{"plain", "a/b"}, {"blank", "a b"}, {"quote", "a\"b"}, {"end", "a\nb"}});
  });
  EXPECT_NE(line.find(" INFO    started plain=a/b blank=\"a b\" quote=\"a\\\"b\" end=\"a\\nb\""),
            std::string::npos)
      << line;
}

TEST(LogText, ATerminalIsNotSteeredByAValue) {
  const std::string line = logged(LogFormat::kText, [] {
    log_info("said", {{"colour", "\x1b[31mred"}, {"back", "a\rb"}, {"empty", ""}});
  });
  EXPECT_NE(line.find("colour=\"\\u001b[31mred\" back=\"a\\rb\" empty=\"\""), std::string::npos)
      << line;
}

TEST(LogText, NumbersAndIdsAreFields) {
  const std::string line = logged(LogFormat::kText, [] {
    log_error("gone", {{"exit", 137}, {"share", 0.25}, {"service", ServiceId("demo")}});
  });
  EXPECT_NE(line.find("ERROR   gone exit=137 share=0.25 service=demo"), std::string::npos) << line;
}

TEST(LogJson, ALineIsOneObjectWithTypedFields) {
  const std::string line = logged(LogFormat::kJson, [] {
    log_warning("late \"x\"", {{"wait_ms", 12L}, {"why", "a\nb"}});
  });
  const auto value = Json::parse(line);
  ASSERT_TRUE(value) << line;
  EXPECT_EQ((*value)["severity"], Json("WARNING"));
  EXPECT_EQ((*value)["message"], Json("late \"x\""));
  EXPECT_EQ((*value)["wait_ms"], Json(12));
  EXPECT_EQ((*value)["why"], Json("a\nb"));
}

TEST(Log, WhatIsBelowTheLowestSeverityIsNotWritten) {
  EXPECT_EQ(logged(LogFormat::kText, [] { log_debug("unseen"); }), "");
}

TEST(Log, ALongLineIsCut) {
  const std::string line = logged(LogFormat::kText, [] {
    log_info("big", {{"x", std::string(100'000, 'y')}});
  });
  EXPECT_EQ(line.size(), 16u * 1024);
}

}  // namespace
}  // namespace thaw
