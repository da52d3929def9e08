#include "scaling/price_list.h"

#include <gtest/gtest.h>

namespace thaw::scaling {
namespace {

TEST(WakeTimes, AQuantileIsRightWithinAnEighth) {
  for (const double ms : {0.03, 0.2, 1.0, 17.0, 480.0, 2175.0, 60'000.0}) {
    WakeTimes times;
    times.add(milliseconds(ms));
    EXPECT_NEAR(to_millis(times.quantile(0.5)), ms, ms * 0.125) << ms;
  }
}

TEST(WakeTimes, TheMedianAndTheSlowestAreToldApart) {
  WakeTimes times;
  for (int i = 0; i < 98; ++i) times.add(milliseconds(10));
  times.add(milliseconds(500));
  times.add(milliseconds(500));
  EXPECT_NEAR(to_millis(times.quantile(0.5)), 10, 1.25);
  EXPECT_NEAR(to_millis(times.quantile(0.99)), 500, 63);
  EXPECT_EQ(WakeTimes().quantile(0.5), Duration(0));
}

TEST(WakeTimes, OldTimesFadeAndTheCountIsBounded) {
  WakeTimes times;
  for (int i = 0; i < 5000; ++i) times.add(milliseconds(10));
  EXPECT_LE(times.count(), WakeTimes::kMostCounted);
  for (int i = 0; i < 2000; ++i) times.add(seconds(1));
  EXPECT_NEAR(to_seconds(times.quantile(0.5)), 1, 0.125);
}

TEST(WakeTimes, WhatIsBeyondTheBucketsIsCountedInTheOuterOnes) {
  WakeTimes times;
  times.add(Duration(0));
  times.add(Duration(-5));
  times.add(seconds(1e6));
  EXPECT_EQ(times.count(), 3U);
  EXPECT_GT(times.quantile(1), seconds(600));
}

TEST(PriceList, IsTheSameAfterItWasWrittenDown) {
  PriceList list;
  EXPECT_TRUE(list.empty());
  for (int i = 1; i <= 300; ++i) list.add_wake(Rung::kFrozen, milliseconds(0.1 * i));
  list.add_wake(Rung::kCold, seconds(2));
  list.set_memory(Rung::kFrozen, mib(337));
  list.set_memory(Rung::kHibernated, mib(8));
  const auto again = PriceList::decode(list.encode());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->encode(), list.encode());
  EXPECT_EQ(again->of(Rung::kFrozen).wakes.quantile(0.5),
            list.of(Rung::kFrozen).wakes.quantile(0.5));
  EXPECT_EQ(again->of(Rung::kFrozen).wakes_ever, 300U);
  EXPECT_EQ(again->of(Rung::kHibernated).memory, mib(8));
  EXPECT_FALSE(again->of(Rung::kCold).memory);
  EXPECT_EQ(PriceList::decode(PriceList().encode())->encode(), PriceList().encode());
}

TEST(PriceList, MalformedTextIsNoPriceList) {
  for (const char* text :
       {"", "v2", "v1 warm 1 1 -", "v1 hot", "v1 hot x 1 -", "v1 hot 1 -2 -", "v1 hot 1 1 ",
        "v1 hot 1 1 80:1", "v1 hot 1 1 1:1001", "v1 hot 1 1 1:600,2:600", "v1 hot 1 1 1:x",
        "v1 hot 1 1 1", "v1 hot 1 1 1:1, frozen"}) {
    EXPECT_FALSE(PriceList::decode(text)) << text;
  }
}

}  // namespace
}  // namespace thaw::scaling
