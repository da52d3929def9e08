#include "scaling/cpu_scaler.h"

#include <gtest/gtest.h>

#include <limits>

namespace thaw::scaling {
namespace {

Instant at(double s) { return Instant(seconds(1000) + seconds(s)); }

TEST(CpuScaler, WantsWhatIsUsedDividedByTheTargetRoundedUpWithinTheBounds) {
  const struct {
    int instances;
    double used;
    int percent, min, max, wanted;
  } rows[] = {
      {1, 1.0, 50, 0, 9, 2},   // full: twice as many
      {2, 1.0, 50, 0, 9, 2},   // each at its target
      {2, 1.09, 50, 0, 9, 2},  // within a tenth
      {2, 1.2, 50, 0, 9, 3},   // over it
      {4, 0.5, 50, 0, 9, 1},   // idle ones
      {1, 0.0, 50, 0, 9, 0},   // nothing is done
      {1, 0.0, 50, 1, 9, 1},   //
      {0, 0.0, 50, 0, 9, 0},   // none runs: nothing starts the first
      {3, 3.0, 10, 0, 9, 9},   // not over the maximum
      {1, 1.0, 100, 0, 9, 1},  //
      {1, -1.0, 0, 0, 9, 0},   // never sent
      {1, std::numeric_limits<double>::infinity(), 50, 0, 9, 9},
  };
  for (const auto& row : rows) {
    CpuScaler scaler({.percent = row.percent, .min_instances = row.min, .max_instances = row.max});
    EXPECT_EQ(scaler.step(at(0), {row.instances, row.used}), row.wanted)
        << row.instances << " use " << row.used << " of " << row.percent << " %";
  }
}

TEST(CpuScaler, AShortPeakIsAveragedAndALongOneCounts) {
  CpuScaler scaler({.percent = 50, .max_instances = 9, .average = seconds(5)});
  for (int i = 0; i < 5; ++i) EXPECT_EQ(scaler.step(at(i), {1, 0.5}), 1);
  EXPECT_EQ(scaler.step(at(5), {1, 0.7}), 1) << "533 of 500 thousandths";
  EXPECT_EQ(scaler.step(at(6), {1, 1.0}), 2);
}

TEST(CpuScaler, MoreInstancesThatShareTheWorkChangeNothing) {
  CpuScaler scaler({.percent = 50, .max_instances = 9});
  EXPECT_EQ(scaler.step(at(0), {1, 1.0}), 2);
  for (int i = 1; i < 20; ++i) EXPECT_EQ(scaler.step(at(i), {2, 1.0}), 2) << i;
}

TEST(CpuScaler, FewerOnlyAfterTheWindow) {
  CpuScaler scaler({.percent = 50, .max_instances = 9, .window = seconds(30), .average = {}});
  EXPECT_EQ(scaler.step(at(0), {2, 2.0}), 4);
  EXPECT_EQ(scaler.step(at(1), {4, 0.9}), 4);
  EXPECT_EQ(scaler.step(at(30), {4, 0.0}), 4);
  EXPECT_EQ(scaler.step(at(31), {4, 0.0}), 2) << "the most since second 1";
  EXPECT_EQ(scaler.step(at(62), {2, 0.0}), 0);
}

}  // namespace
}  // namespace thaw::scaling
