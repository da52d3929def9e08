#include "predict/timestamp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace thaw::predict {
namespace {

using testing::HasSubstr;

TEST(Timestamp, ReadsDatesWithAndWithoutTimeOfDay) {
  const std::pair<const char*, const char*> cases[] = {
      {"2014-04-30", "2014-04-30 00:00:00"},
      {" 2014-04-30\t", "2014-04-30 00:00:00"},
      {"2014-04-30 07:05", "2014-04-30 07:05:00"},
      {"2014-04-30T23:59:59", "2014-04-30 23:59:59"},
      {"2014-04-30 00:00:00.5", "2014-04-30 00:00:00.500000"},
      {"2014-04-30 00:00:00.123456789", "2014-04-30 00:00:00.123456"},
      {"0001-01-01", "0001-01-01 00:00:00"},
      {"1949-01-01", "1949-01-01 00:00:00"},
      {"2000-02-29", "2000-02-29 00:00:00"},
  };
  for (const auto& [text, shown] : cases) {
    const auto at = parse_timestamp(text);
    ASSERT_TRUE(at) << text;
    EXPECT_EQ(format_timestamp(*at, ClockPart::kAlways), shown);
  }
}

TEST(Timestamp, IsShownWithoutMidnightWhenAsked) {
  EXPECT_EQ(format_timestamp(parse_timestamp("2014-04-30").value(), ClockPart::kShortest),
            "2014-04-30");
  EXPECT_EQ(format_timestamp(parse_timestamp("2014-04-30 01:00").value(), ClockPart::kShortest),
            "2014-04-30 01:00:00");
}

TEST(Timestamp, RefusesWhatIsNoDateAndSaysWhy) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "is no date"},
      {"30.04.2014", "is no date"},
      {"2014-4-30", "is no date"},
      {"20140430", "is no date"},
      {"2014-04-30x", "is no date"},
      {"2014-04-30 ", nullptr},
      {"2014-04-30 7:05", "is no date"},
      {"2014-04-30 07", "is no date"},
      {"2014-04-30 07:05:", "is no date"},
      {"2014-04-30 07:05:00.", "is no date"},
      {"2014-04-30 07:05:00.1234567890", "is no date"},
      {"2014-02-29", "no calendar has"},
      {"0000-01-01", "no calendar has"},
      {"2014-13-01", "no calendar has"},
      {"2014-04-30 24:00", "23:59:59"},
      {"2014-04-30 00:60", "23:59:59"},
      {"2014-04-30T00:00:00Z", "timezone"},
      {"2014-04-30 00:00:00+01:00", "timezone"},
      {"2014-04-30 00:00 UTC", "timezone"},
      {"2014-04-30Z", "timezone"},
      {"2014-04-30 00:00 CET", "timezone"},
      {"2014-04-30 00:00:00 Europe/Berlin", "timezone"},
      {"2014-04-30T00:00:00[UTC]", "timezone"},
      {"2014-04-30 10:00 PM", "write hours from 00 to 23"},
      {"2014-04-30 10:00am", "write hours from 00 to 23"},
      {"2014-04-30 10:00 x", "is no date"},
  };
  for (const auto& [text, reason] : cases) {
    const auto at = parse_timestamp(text);
    if (!reason) {
      EXPECT_TRUE(at) << text;
      continue;
    }
    ASSERT_FALSE(at) << text;
    EXPECT_EQ(at.error().code(), Code::kInvalidArgument);
    EXPECT_THAT(at.error().message(), HasSubstr(reason)) << text;
  }
}

TEST(Timestamp, HasItsLimitsAtTheYearsOneAnd9999) {
  EXPECT_EQ(parse_timestamp("0001-01-01").value(), earliest_timestamp());
  EXPECT_EQ(parse_timestamp("9999-12-31 23:59:59.999999").value(), latest_timestamp());
  EXPECT_LT(earliest_timestamp(), latest_timestamp());
}

}  // namespace
}  // namespace thaw::predict
