#include "base/time.h"

#include <gtest/gtest.h>

namespace thaw {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;

TEST(FormatDuration, ThreeDigitsInTheUnitThatPeopleWouldTake) {
  EXPECT_EQ(format_duration(Duration(0)), "0 s");
  EXPECT_EQ(format_duration(microseconds(250)), "250 us");
  EXPECT_EQ(format_duration(milliseconds(1.5)), "1.5 ms");
  EXPECT_EQ(format_duration(seconds(12)), "12 s");
  EXPECT_EQ(format_duration(seconds(245)), "4 min 5 s");
  EXPECT_EQ(format_duration(seconds(7260)), "2 h 1 min");
}

TEST(Rfc3339, WhatIsWrittenReadsBack) {
  for (const char* text : {"1970-01-01T00:00:00Z", "2026-11-23T01:02:03.000250Z",
                           "2024-02-29T23:59:59Z", "1969-12-31T23:59:59Z"}) {
    const auto time = parse_rfc3339(text);
    ASSERT_TRUE(time) << text;
    EXPECT_EQ(format_rfc3339(*time), text);
  }
}

TEST(Rfc3339, OffsetsAndFractionsAreUnderstood) {
  EXPECT_EQ(parse_rfc3339("2026-01-01T01:30:00+01:30"), parse_rfc3339("2026-01-01T00:00:00Z"));
  EXPECT_EQ(parse_rfc3339("2025-12-31T19:00:00-05:00"), parse_rfc3339("2026-01-01T00:00:00Z"));
  EXPECT_EQ(*parse_rfc3339("1970-01-01T00:00:00.123456789Z"), WallTime(Duration(123456789)));
}

TEST(Rfc3339, WhatIsNoTimeIsRefused) {
  for (const char* text :
       {"", "now", "2026", "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01T24:00:00Z",
        "2026-01-01 00:00:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00Zjunk", "2026-01-01T00:00:00+1:00", "2026-01-01T00:00:00+99:00"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

TEST(Rfc3339, YearsThatNanosecondsDoNotReachAreRefused) {
  for (const char* text : {"1678-01-01T00:00:00Z", "2261-12-31T23:59:59-23:59"}) {
    EXPECT_TRUE(parse_rfc3339(text)) << text;
  }
  for (const char* text : {"1677-12-31T23:59:59Z", "2262-01-01T00:00:00Z", "9999-12-31T00:00:00Z",
                           "0000-01-01T00:00:00Z"}) {
    EXPECT_FALSE(parse_rfc3339(text)) << text;
  }
}

TEST(ParseDuration, GoAndGcloudSpellings) {
  EXPECT_EQ(parse_duration("300ms"), milliseconds(300));
  EXPECT_EQ(parse_duration("10s"), seconds(10));
  EXPECT_EQ(parse_duration("1h30m"), hours(1) + seconds(1800));
  EXPECT_EQ(parse_duration("0.5s"), milliseconds(500));
  EXPECT_EQ(parse_duration("45"), seconds(45));
  EXPECT_EQ(parse_duration("0"), Duration(0));
}

TEST(ParseDuration, WhatIsNoDurationIsRefused) {
  for (const char* text : {"", "s", "-1s", "10 s", "10parsecs", "1e300h", "nan", "infs", "5m3",
                           "99999999999999999999d"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace thaw
