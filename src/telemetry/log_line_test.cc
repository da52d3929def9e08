// What an instance prints becomes a line as Cloud Run makes one.
#include "telemetry/log_line.h"

#include <gtest/gtest.h>

namespace thaw::telemetry {
namespace {

LogLine line_of(std::string_view text) { return line_of_output(text, LogLine::Stream::kStdout); }

TEST(LogLine, PlainTextIsTheMessage) {
  for (const char* text :
       {"", "hello", "{", "{not json}", "[1,2]", "{\"a\":1}", "  {\"message\":\"x\"}"}) {
    const LogLine line = line_of(text);
    EXPECT_EQ(line.message, text);
    EXPECT_EQ(line.severity, "DEFAULT");
    EXPECT_TRUE(line.payload.is_null());
  }
}

TEST(LogLine, AnObjectWithSeverityOrMessageIsTakenApart) {
  const LogLine line = line_of(R"({"severity":"error","message":"no","code":7})");
  EXPECT_EQ(line.severity, "ERROR");
  EXPECT_EQ(line.message, "no");
  EXPECT_EQ(line.payload.dump(), R"({"code":7})");
  EXPECT_TRUE(line_of(R"({"message":"only"})").payload.is_null());
}

TEST(LogLine, WhatIsNoSeverityOrNoTextIsNotLost) {
  const LogLine line = line_of(R"({"severity":"loud","message":{"deep":true}})");
  EXPECT_EQ(line.severity, "DEFAULT");
  EXPECT_EQ(line.message, "");
  EXPECT_EQ(line.payload.dump(), R"({"severity":"loud","message":{"deep":true}})");
}

TEST(LogLine, ALongMessageIsCutAndHostileOnesAreText) {
  EXPECT_EQ(line_of(std::string(1 << 20, 'x')).message.size(), 64u * 1024);
  const std::string deep = "{\"message\":" + std::string(10'000, '[');
  EXPECT_EQ(line_of(deep).message, deep);
  const std::string twice = R"({"message":"a","message":"b"})";
  EXPECT_EQ(line_of(twice).message, twice);
}

TEST(LogLine, ComesBackFromItsJson) {
  LogLine line = line_of(R"({"severity":"WARNING","message":"a\nb","k":[1]})");
  line.time = *parse_rfc3339("2026-11-23T01:02:03.000250Z");
  line.service = ServiceId("demo");
  line.revision = RevisionId("demo-00001-abc");
  line.instance = InstanceId("demo-00001-abc-1");
  const auto again = log_line_from_json(*Json::parse(to_json(line).dump()));
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, line);
  for (const char* bad : {"{}", "[]", R"({"timestamp":"x","stream":"stdout"})",
                          R"({"timestamp":"2026-11-23T01:02:03Z","stream":"other"})"}) {
    EXPECT_FALSE(log_line_from_json(*Json::parse(bad))) << bad;
  }
}

TEST(Severity, IsOrderedAsCloudLoggingOrdersIt) {
  EXPECT_LT(severity_rank("DEFAULT"), severity_rank("DEBUG"));
  EXPECT_LT(severity_rank("NOTICE"), severity_rank("WARNING"));
  EXPECT_LT(severity_rank("CRITICAL"), severity_rank("EMERGENCY"));
  EXPECT_LT(severity_rank("error"), 0);
}

}  // namespace
}  // namespace thaw::telemetry
