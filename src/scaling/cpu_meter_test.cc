#include "scaling/cpu_meter.h"

#include <gtest/gtest.h>

#include "scaling/autoscaler.h"

namespace thaw::scaling {
namespace {

Instant at(double when) { return Instant{seconds(when)}; }

TEST(CpuMeter, AveragesOverTheWholeWindow) {
  CpuMeter meter(seconds(60), at(100));
  EXPECT_EQ(meter.average(at(100)), 0);
  for (int i = 0; i < 15; ++i) meter.add(at(100 + 2 * i), at(102 + 2 * i), 1);
  EXPECT_NEAR(meter.average(at(130)), 0.5, 0.02);  // 30 s of 60
  for (int i = 15; i < 40; ++i) meter.add(at(100 + 2 * i), at(102 + 2 * i), 1);
  EXPECT_NEAR(meter.average(at(179.9)), 1, 0.02);
}

TEST(CpuMeter, StretchesNeedNotMeetWholeSeconds) {
  CpuMeter meter(seconds(10), at(0));
  for (int i = 0; i < 30; ++i) meter.add(at(0.7 * i), at(0.7 * (i + 1)), 2);
  EXPECT_NEAR(meter.average(at(20.99)), 2, 0.05);
}

TEST(CpuMeter, ASilenceIsTimeWithoutUse) {
  CpuMeter meter(seconds(60), at(0));
  for (int i = 0; i < 30; ++i) meter.add(at(2 * i), at(2 * i + 2), 1);
  meter.add(at(500), at(502), 1);
  EXPECT_NEAR(meter.average(at(502)), 2.0 / 60, 0.02);
  // One look after a long time is spread over it, and only its end counts.
  meter.add(at(502), at(5000), 0.5);
  EXPECT_NEAR(meter.average(at(4999)), 0.5, 0.02);
}

Facts facts(double cpu, int max) {
  Facts f;
  f.stable_average = f.panic_average = 1;
  f.cpu_average = cpu;
  f.ready_instances = 1;
  f.needed_now = 1;
  f.concurrency = 80;
  f.max_instances = max;
  return f;
}

TEST(AutoscalerCpu, TheDriverThatWantsMoreWins) {
  struct Row {
    double used;
    int wanted;
  };
  for (const Row& row :
       {Row{0, 1}, Row{0.6, 1}, Row{0.61, 2}, Row{1, 2}, Row{1.2, 2}, Row{1.21, 3}, Row{3, 5}}) {
    Autoscaler scaler(AutoscalerOptions(), at(0), 1);
    EXPECT_EQ(scaler.step(at(0), facts(row.used, 100)).desired, row.wanted) << row.used;
  }
  Autoscaler scaler(AutoscalerOptions(), at(0), 1);
  Facts crowded = facts(1, 100);
  crowded.stable_average = 200;  // 200 / (80 x 0.6)
  EXPECT_EQ(scaler.step(at(0), crowded).desired, 5);
}

TEST(AutoscalerCpu, NeverAboveTheMaximumAndBackAfterTheDelay) {
  Autoscaler scaler(AutoscalerOptions(), at(0), 1);
  EXPECT_EQ(scaler.step(at(0), facts(50, 3)).desired, 3);
  EXPECT_EQ(scaler.step(at(30), facts(0, 3)).desired, 3);
  EXPECT_EQ(scaler.step(at(61), facts(0, 3)).desired, 1);
}

TEST(AutoscalerCpu, KnativesRulesKnowNoCpu) {
  Autoscaler scaler(knative_defaults(), at(0), 1);
  EXPECT_EQ(scaler.step(at(0), facts(50, 100)).desired, 1);
}

}  // namespace
}  // namespace thaw::scaling
