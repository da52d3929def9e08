#include "scaling/lag_scaler.h"

#include <gtest/gtest.h>

#include <limits>

namespace thaw::scaling {
namespace {

using Basis = LagScaler::Decision::Basis;

Instant at(double s) { return Instant(seconds(1000) + seconds(s)); }

TEST(InstancesFor, IsTheBacklogDividedByTheTargetRoundedUpWithinTheBounds) {
  const struct {
    int64_t lag, pending, per;
    int min, max, wanted;
  } rows[] = {
      {0, 0, 10, 0, 5, 0},
      {1, 0, 10, 0, 5, 1},
      {10, 0, 10, 0, 5, 1},
      {11, 0, 10, 0, 5, 2},
      {0, 1, 10, 0, 5, 1},
      {5, 6, 10, 0, 5, 2},
      {1000, 0, 10, 0, 5, 5},
      {0, 0, 10, 2, 5, 2},
      {-3, 0, 10, 0, 5, 0},
      {7, 0, 0, 0, 9, 7},
      {1, 0, 10, 0, 0, 0},
      {std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::max(), 1, 0, 5, 5},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(instances_for({row.lag, row.pending}, {row.per, row.min, row.max}), row.wanted)
        << row.lag << "+" << row.pending << " by " << row.per;
  }
}

TEST(LagScaler, GoesUpAtOnceAndDownAfterTheWindow) {
  LagScaler scaler({.entries_per_instance = 10, .max_instances = 5, .window = seconds(30)}, at(0));
  EXPECT_EQ(scaler.step(at(0), LagReading{0, 0}).instances, 0);
  EXPECT_EQ(scaler.step(at(1), LagReading{35, 0}).instances, 4);
  EXPECT_EQ(scaler.step(at(2), LagReading{5, 0}).instances, 4);
  EXPECT_EQ(scaler.step(at(20), LagReading{15, 0}).instances, 4);
  EXPECT_EQ(scaler.step(at(32), LagReading{0, 0}).instances, 2) << "the most since second 2";
  EXPECT_EQ(scaler.step(at(51), LagReading{0, 0}).instances, 0);
}

TEST(LagScaler, WithoutAReadingTheLastNumberStaysForABoundedTime) {
  LagScaler scaler({.entries_per_instance = 1, .max_instances = 5, .hold = seconds(60)}, at(0));
  scaler.step(at(0), LagReading{3, 0});
  EXPECT_EQ(scaler.step(at(59), std::nullopt).instances, 3);
  EXPECT_EQ(scaler.step(at(59), std::nullopt).basis, Basis::kHeld);
  EXPECT_EQ(scaler.step(at(60), std::nullopt).instances, 0);
  EXPECT_EQ(scaler.step(at(60), std::nullopt).basis, Basis::kMinimum);
  EXPECT_EQ(scaler.step(at(61), LagReading{2, 0}).instances, 2);
}

}  // namespace
}  // namespace thaw::scaling
