#include "predict/future.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace thaw::predict {
namespace {

using testing::HasSubstr;

Timestamp date(const std::string& text) { return parse_timestamp(text).value(); }

std::string after(const char* last, const char* freq, int periods) {
  const auto dates = dates_after(date(last), parse_frequency(freq).value(), periods);
  EXPECT_TRUE(dates);
  std::string text;
  for (Timestamp at : *dates) {
    text += (text.empty() ? "" : " | ") + format_timestamp(at, ClockPart::kShortest);
  }
  return text;
}

std::string inferred(std::initializer_list<const char*> texts) {
  std::vector<Timestamp> dates;
  for (const char* text : texts) dates.push_back(date(text));
  return frequency_name(infer_frequency(dates));
}

TEST(Frequency, StepsAsPandasDateRangeDoes) {
  struct Case {
    const char *last, *freq, *dates;
  };
  const Case cases[] = {
      {"2024-02-28", "D", "2024-02-29 | 2024-03-01"},
      {"2024-02-28 06:00", "D", "2024-02-29 06:00:00 | 2024-03-01 06:00:00"},
      {"2024-02-28", "7D", "2024-03-06 | 2024-03-13"},
      {"2024-01-01 23:00", "h", "2024-01-02 | 2024-01-02 01:00:00"},
      {"2024-01-01", "5min", "2024-01-01 00:05:00 | 2024-01-01 00:10:00"},
      {"2024-01-01", "30S", "2024-01-01 00:00:30 | 2024-01-01 00:01:00"},
      {"2024-01-01", "W", "2024-01-07 | 2024-01-14"},  // a Monday, then Sundays
      {"2024-01-07", "W", "2024-01-14 | 2024-01-21"},
      {"2024-01-01", "2W-WED", "2024-01-03 | 2024-01-17"},
      {"2024-01-05", "B", "2024-01-08 | 2024-01-09"},  // a Friday
      {"2024-01-06", "B", "2024-01-08 | 2024-01-09"},  // a Saturday
      {"2024-01-04", "2B", "2024-01-08 | 2024-01-10"},
      {"2024-01-01", "MS", "2024-02-01 | 2024-03-01"},
      {"2024-01-15", "MS", "2024-02-01 | 2024-03-01"},
      {"2024-01-15", "2MS", "2024-02-01 | 2024-04-01"},
      {"2024-01-31", "ME", "2024-02-29 | 2024-03-31"},
      {"2024-01-15", "M", "2024-01-31 | 2024-02-29"},
      {"2024-01-15", "MD-15", "2024-02-15 | 2024-03-15"},
      {"2024-01-10", "2MD-31", "2024-01-31 | 2024-03-31"},
      {"2024-01-30", "MD-30", "2024-02-29 | 2024-03-30"},
      {"2023-07-04 06:00", "12MD-4", "2024-07-04 06:00:00 | 2025-07-04 06:00:00"},
      {"2024-01-01", "QS", "2024-04-01 | 2024-07-01"},
      {"2024-01-01", "AS", "2025-01-01 | 2026-01-01"},
      {"2024-01-01", "A-JUN", "2024-06-30 | 2025-06-30"},
      {"2024-02-10", "QE", "2024-03-31 | 2024-06-30"},
      {"2024-02-10", "QS-FEB", "2024-05-01 | 2024-08-01"},
      {"2024-01-01", "YS", "2025-01-01 | 2026-01-01"},
      {"2024-01-01", "YS-JUL", "2024-07-01 | 2025-07-01"},
      {"2024-01-01", "YE", "2024-12-31 | 2025-12-31"},
      {"2024-02-15", "4QS", "2024-04-01 | 2025-04-01"},
      {"2024-02-15", "4QS-FEB", "2024-05-01 | 2025-05-01"},
      {"2024-02-15", "8QE", "2024-03-31 | 2026-03-31"},
      {"2024-02-15", "2YS-JUL", "2024-07-01 | 2026-07-01"},
  };
  for (const Case& it : cases) EXPECT_EQ(after(it.last, it.freq, 2), it.dates) << it.freq;
}

TEST(Frequency, UnknownWordsAreErrorsThatListTheRightOnes) {
  for (const char* text :
       {"",     "month", "ms", "m", "0D", "-1D",  "99999D", "D-MON", "W-FOO", "MS-JAN",
        "1.5H", "D D",   "5",  "w", "MD", "MD-0", "MD-32",  "MD-x",  "MD-1x", "MD-"}) {
    const auto frequency = parse_frequency(text);
    ASSERT_FALSE(frequency) << text;
    EXPECT_THAT(frequency.error().message(), HasSubstr("freq: ")) << text;
  }
  EXPECT_THAT(parse_frequency("month").error().message(), HasSubstr("MS, ME"));
}

TEST(Frequency, NamesReadBackAsThemselves) {
  for (const char* text : {"D",      "7D",      "H",     "5min",   "30S",     "W-MON",  "2W-SUN",
                           "B",      "3B",      "MS",    "3MS",    "ME",      "QS-JAN", "2QE-DEC",
                           "YS-JUL", "3YE-DEC", "MD-15", "3MD-31", "4QS-FEB", "8QE-DEC"}) {
    EXPECT_EQ(frequency_name(parse_frequency(text).value()), text);
  }
}

TEST(Frequency, IsTakenFromTheHistory) {
  EXPECT_EQ(inferred({"2024-01-01", "2024-01-02"}), "D");
  EXPECT_EQ(inferred({"2024-01-01", "2024-01-08", "2024-01-15"}), "7D");
  EXPECT_EQ(inferred({"2024-01-01", "2024-02-01", "2024-03-01"}), "MS");
  EXPECT_EQ(inferred({"2024-01-01", "2024-04-01", "2024-07-01"}), "3MS");
  EXPECT_EQ(inferred({"2022-01-01", "2023-01-01", "2024-01-01"}), "12MS");
  EXPECT_EQ(inferred({"2024-01-31", "2024-02-29", "2024-03-31"}), "ME");
  EXPECT_EQ(inferred({"2024-01-15", "2024-02-15", "2024-03-15"}), "MD-15");
  EXPECT_EQ(inferred({"2024-01-30", "2024-02-29", "2024-03-30", "2024-04-30"}), "MD-30");
  EXPECT_EQ(inferred({"2021-07-04", "2022-07-04", "2023-07-04"}), "12MD-4");
  EXPECT_EQ(inferred({"2024-01-15", "2024-02-15", "2024-04-15", "2024-05-15"}), "MD-15");
  EXPECT_EQ(inferred({"2024-01-30", "2024-02-28", "2024-03-30"}), "29D") << "of a leap year";
  EXPECT_EQ(inferred({"2024-01-15", "2024-01-15 12:00", "2024-01-16"}), "12H");
  EXPECT_EQ(inferred({"2024-01-01", "2024-01-01 01:00", "2024-01-01 02:00"}), "H");
  EXPECT_EQ(inferred({"2024-01-01", "2024-01-01 00:05", "2024-01-01 00:10"}), "5min");
  // The commonest step wins over gaps; of equally common ones the shortest.
  EXPECT_EQ(inferred({"2024-01-01", "2024-01-02", "2024-01-03", "2024-01-09"}), "D");
  EXPECT_EQ(inferred({"2024-01-01", "2024-01-03", "2024-01-04"}), "D");
  EXPECT_EQ(inferred({"2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05",
                      "2024-01-08", "2024-01-09", "2024-01-10", "2024-01-11", "2024-01-12"}),
            "B");
  EXPECT_EQ(inferred({"2024-01-01 00:00", "2024-02-01 12:00"}), "756H");
}

TEST(Future, NeverPassesTheYear9999) {
  const auto dates = dates_after(date("9999-12-30"), {}, 3);
  ASSERT_FALSE(dates);
  EXPECT_EQ(dates.error().code(), Code::kOutOfRange);
  EXPECT_TRUE(dates_after(date("9999-12-30"), {}, 1));
}

TEST(Future, IncludesTheHistoryWhenAsked) {
  Series series;
  for (const char* day : {"2024-01-02", "2024-01-01", "2024-01-04"}) {
    series.ds.push_back(date(day));
    series.y.push_back(static_cast<double>(series.y.size()));
  }
  const Model model = fit(series, {}).value();
  const Horizon horizon = future_dates(model, {.periods = 2, .include_history = true}).value();
  ASSERT_EQ(horizon.dates.size(), 5u);
  EXPECT_EQ(horizon.dates[0], date("2024-01-01"));
  EXPECT_EQ(horizon.dates[3], date("2024-01-05"));
  EXPECT_FALSE(future_dates(model, {.periods = 10'001}));
  EXPECT_FALSE(future_dates(model, {.periods = -1}));
}

}  // namespace
}  // namespace thaw::predict
