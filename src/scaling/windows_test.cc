#include "scaling/windows.h"

#include <gtest/gtest.h>

#include <cmath>

namespace thaw::scaling {
namespace {

Instant at(double s) { return Instant(seconds(s)); }

TEST(WindowAverage, NoRecordIsNoData) {
  const WindowAverage window(seconds(5));
  EXPECT_EQ(window.average(at(100)), std::nullopt);
}

TEST(WindowAverage, ShorterHistoryIsAveragedOverWhatExists) {
  WindowAverage window(seconds(60));
  window.record(at(10), 6);
  EXPECT_EQ(window.average(at(10)), 6);
  window.record(at(11), 3);
  EXPECT_EQ(window.average(at(11)), 4.5);  // (6 + 3) / 2
}

TEST(WindowAverage, RecordsOfOneSecondAdd) {
  WindowAverage window(seconds(60));
  window.record(at(10.1), 1);
  window.record(at(10.9), 2);
  EXPECT_EQ(window.average(at(10.95)), 3);
}

TEST(WindowAverage, OldBucketsLeaveTheRing) {
  WindowAverage window(seconds(3));
  for (int s = 0; s < 5; ++s) window.record(at(s), s);  // 0 1 2 3 4
  EXPECT_EQ(window.average(at(4)), 3);                  // (2 + 3 + 4) / 3
}

TEST(WindowAverage, MissingBucketsBetweenRecordsCountZero) {
  WindowAverage window(seconds(5));
  window.record(at(0), 8);
  window.record(at(3), 4);
  EXPECT_EQ(window.average(at(3)), 3);  // (8 + 0 + 0 + 4) / 4
}

TEST(WindowAverage, SecondsSinceTheLastRecordAreNotValidYet) {
  WindowAverage window(seconds(5));
  for (int s = 0; s < 5; ++s) window.record(at(s), 10 * s);  // 0 10 20 30 40
  EXPECT_EQ(window.average(at(4)), 20);
  EXPECT_EQ(window.average(at(6)), 30);  // 20 30 40 are left
  EXPECT_EQ(window.average(at(8)), 40);  // 40 is left
}

TEST(WindowAverage, NothingForAWholeWindowIsZeroAndResetsTheHistory) {
  WindowAverage window(seconds(5));
  window.record(at(0), 10);
  EXPECT_EQ(window.average(at(5)), 0);
  window.record(at(5), 4);
  EXPECT_EQ(window.average(at(5)), 4);  // not (10 + 0 + ... + 4) / 6
}

TEST(WindowAverage, LateRecordsWithinTheWindowCountAndOlderOnesDoNot) {
  WindowAverage window(seconds(5));
  window.record(at(10), 2);
  window.record(at(8), 4);
  EXPECT_EQ(window.average(at(10)), 2);  // (4 + 0 + 2) / 3
  window.record(at(5), 1000);
  EXPECT_EQ(window.average(at(10)), 2);
}

TEST(WindowAverage, RoundsToSixDecimals) {
  WindowAverage window(seconds(5));
  window.record(at(0), 1);
  window.record(at(1), 0);
  window.record(at(2), 0);
  EXPECT_EQ(window.average(at(2)), 0.333333);
}

TEST(WindowAverage, TimesBeforeTheEpochWork) {
  WindowAverage window(seconds(3));
  for (int s = -4; s <= 0; ++s) window.record(at(s), -s);  // 4 3 2 1 0
  EXPECT_EQ(window.average(at(0)), 1);
}

TEST(ConcurrencyMeter, WeighsByTimeWithinASecond) {
  ConcurrencyMeter meter(seconds(60), seconds(6), at(0));
  meter.change(at(0.25), 4);
  meter.change(at(0.75), 0);
  EXPECT_EQ(meter.stable().average(at(0.9)), std::nullopt);  // the second is not over
  meter.settle(at(1));
  EXPECT_EQ(meter.stable().average(at(1)), 2);  // 0.5 s of 4
}

TEST(WindowAverage, WeightedTheNewestSecondsCountMost) {
  WindowAverage steady(seconds(60));
  for (int i = 0; i < 60; ++i) steady.record(at(i), 10);
  EXPECT_NEAR(*steady.weighted_average(at(59)), 10, 0.001);  // 0.9999 of the weight, and more
  WindowAverage stopped(seconds(6));
  for (int i = 0; i < 6; ++i) stopped.record(at(i), i < 5 ? 0 : 10);
  // 1 - 0.0001^(1/6) of the newest second; of what is left the same after another one.
  const double coefficient = 1 - std::pow(0.0001, 1.0 / 6);
  EXPECT_NEAR(*stopped.weighted_average(at(5)), 10 * coefficient, 1e-5);
  EXPECT_NEAR(*stopped.weighted_average(at(6)), 10 * coefficient * (1 - coefficient), 1e-5);
  EXPECT_EQ(stopped.weighted_average(at(60)), 0);
  EXPECT_FALSE(WindowAverage(seconds(6)).weighted_average(at(0)));
}

TEST(RateMeter, IsWhatCameInASecondOnAverage) {
  RateMeter meter(seconds(10), seconds(2));
  for (int i = 0; i < 40; ++i) meter.add(at(i / 10.0));
  meter.settle(at(3.95));
  EXPECT_EQ(meter.stable().average(at(3.95)), 10);
  meter.settle(at(5.5));
  EXPECT_NEAR(*meter.stable().average(at(5.5)), 40.0 / 6, 1e-5);
  EXPECT_EQ(meter.panic().average(at(5.5)), 0);
}

TEST(ConcurrencyMeter, SpreadsAConstantCountOverTheSecondsItLasted) {
  ConcurrencyMeter meter(seconds(60), seconds(6), at(0));
  meter.change(at(0.5), 3);
  meter.change(at(4.5), 0);
  meter.settle(at(10));
  // seconds 0..9: 1.5 3 3 3 1.5 0 0 0 0 0
  EXPECT_EQ(meter.stable().average(at(10)), 1.2);
  // the panic window holds seconds 4..9, and 10 has none yet: (0 + 0 + 0 + 0 + 0) / 5
  EXPECT_EQ(meter.panic().average(at(10)), 0);
  EXPECT_EQ(meter.panic().average(at(9)), 0.25);
}

TEST(ConcurrencyMeter, WithAWholeWindowTheTimeBeforeCountsZero) {
  ConcurrencyMeter meter(seconds(60), seconds(6), at(100), History::kWholeWindow);
  EXPECT_EQ(meter.stable().average(at(100)), 0);
  meter.change(at(100), 6);
  meter.settle(at(103));
  EXPECT_EQ(meter.stable().average(at(102.9)), 0.3);  // 3 x 6 / 60
  EXPECT_EQ(meter.panic().average(at(102.9)), 3);     // 3 x 6 / 6
}

TEST(ConcurrencyMeter, ALongSilenceCostsNoMoreThanAWindow) {
  ConcurrencyMeter meter(seconds(60), seconds(6), at(0));
  meter.change(at(1), 7);
  meter.settle(at(1e6));  // seven all along
  EXPECT_EQ(meter.stable().average(at(1e6)), 7);
  meter.change(at(1e6), 0);
  meter.settle(at(2e6));
  EXPECT_EQ(meter.stable().average(at(2e6)), 0);
}

}  // namespace
}  // namespace thaw::scaling
