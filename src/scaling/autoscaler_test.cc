#include "scaling/autoscaler.h"

#include <gtest/gtest.h>

namespace thaw::scaling {
namespace {

Instant at(double s) { return Instant(seconds(s)); }

Facts facts(double stable, double panic, int ready, int concurrency) {
  Facts f;
  f.stable_average = stable;
  f.panic_average = panic;
  f.ready_instances = ready;
  f.concurrency = concurrency;
  return f;
}

AutoscalerOptions without_delay() {
  AutoscalerOptions options;
  options.scale_down_delay = Duration(0);
  return options;
}

int desired(const AutoscalerOptions& options, const Facts& f) {
  Autoscaler scaler(options, at(0), 0);
  return scaler.step(at(0), f).desired;
}

TEST(Autoscaler, DefaultsAreCloudRuns) {
  const AutoscalerOptions o;
  EXPECT_EQ(o.target_utilization, 0.6);
  EXPECT_EQ(o.stable_window, seconds(60));
  EXPECT_EQ(o.panic, Panic::kOff);
  EXPECT_EQ(o.start_on_demand, StartOnDemand::kYes);
  EXPECT_EQ(o.scale_to_zero_after, seconds(60));
}

TEST(Autoscaler, DesiredIsTheAverageOverTheTargetRoundedUp) {
  struct Row {
    double average;
    int concurrency;
    int desired;
  };
  const Row rows[] = {
      {0, 10, 0},                                                   // nothing
      {0.000001, 10, 1},                                            // anything at all
      {6, 10, 1},                                                   // 6 / (10 x 0.6)
      {6.000001, 10, 2}, {60, 10, 10},   {48, 80, 1},               // 48 / 48
      {49, 80, 2},       {0.6, 1, 1},    {0.61, 1, 2}, {60, 0, 1},  // unlimited: 60 / (100 x 0.6)
      {61, 0, 2},        {600, 1000, 1},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(desired(without_delay(), facts(row.average, 0, 1, row.concurrency)), row.desired)
        << row.average << " at " << row.concurrency;
  }
}

TEST(Autoscaler, KnativeAimsAtSeventyPercent) {
  EXPECT_EQ(desired(knative_defaults(), facts(14, 14, 2, 10)), 2);  // 14 / 7
  EXPECT_EQ(desired(knative_defaults(), facts(15, 15, 2, 10)), 3);
  EXPECT_EQ(desired(knative_defaults(), facts(70, 70, 1, 0)), 1);  // 70 / (100 x 0.7)
}

TEST(Autoscaler, TargetIsNeverBelowAHundredth) {
  AutoscalerOptions options = without_delay();
  options.target_utilization = 0.001;
  EXPECT_EQ(desired(options, facts(1, 0, 1, 1)), 100);  // 1 / 0.01, not 1 / 0.001
}

TEST(Autoscaler, UpRateBoundsOneStep) {
  AutoscalerOptions options = without_delay();
  options.max_scale_up_rate = 1.5;
  EXPECT_EQ(desired(options, facts(600, 0, 3, 10)), 5);  // ceil(1.5 x 3), not 100
  EXPECT_EQ(desired(options, facts(600, 0, 0, 10)), 2);  // ceil(1.5 x max(1, 0))
}

TEST(Autoscaler, DownRateBoundsOneStepWhileReachable) {
  Facts f = facts(0, 0, 9, 10);
  EXPECT_EQ(desired(without_delay(), f), 4);  // floor(9 / 2)
  f.reachable = Reachable::kNo;
  EXPECT_EQ(desired(without_delay(), f), 0);
  EXPECT_EQ(desired(without_delay(), facts(0, 0, 1, 10)), 0);  // floor(1 / 2)
}

TEST(Autoscaler, NoDataIsNoDecision) {
  Autoscaler scaler(knative_defaults(), at(0), 0);
  Facts f = facts(5, 5, 1, 1);
  f.stable_average.reset();
  EXPECT_FALSE(scaler.step(at(0), f).valid);
  f = facts(5, 5, 1, 1);
  f.panic_average.reset();
  EXPECT_FALSE(scaler.step(at(0), f).valid);
}

TEST(Autoscaler, WithinMinAndMax) {
  Facts f = facts(0, 0, 1, 10);
  f.min_instances = 2;
  EXPECT_EQ(desired(without_delay(), f), 2);
  f = facts(600, 600, 1, 10);
  f.max_instances = 3;
  EXPECT_EQ(desired(without_delay(), f), 3);
  f.max_instances = 0;  // none
  EXPECT_EQ(desired(without_delay(), f), 100);
  f.min_instances = 5;
  f.max_instances = 4;  // the maximum wins
  EXPECT_EQ(desired(without_delay(), f), 4);
}

TEST(Autoscaler, MinimumIsTheInitialCountUntilThatWasReachedOnce) {
  Autoscaler scaler(without_delay(), at(0), 0);
  Facts f = facts(0, 0, 0, 10);
  f.initial_instances = 3;
  EXPECT_EQ(scaler.step(at(0), f).desired, 3);
  f.ready_instances = 2;
  EXPECT_EQ(scaler.step(at(2), f).desired, 3);
  f.ready_instances = 3;
  EXPECT_EQ(scaler.step(at(4), f).desired, 1);  // floor(3 / 2)
  f.ready_instances = 1;
  EXPECT_EQ(scaler.step(at(6), f).desired, 0);
}

TEST(Autoscaler, UnreachableHasNoInitialCount) {
  Facts f = facts(0, 0, 0, 10);
  f.initial_instances = 3;
  f.reachable = Reachable::kNo;
  EXPECT_EQ(desired(without_delay(), f), 0);
}

TEST(Autoscaler, ActivationScaleIsTheLeastCountAboveZero) {
  AutoscalerOptions options = without_delay();
  options.activation_scale = 4;
  EXPECT_EQ(desired(options, facts(1, 1, 0, 10)), 4);
  EXPECT_EQ(desired(options, facts(0, 0, 0, 10)), 0);
  EXPECT_EQ(desired(options, facts(60, 60, 5, 10)), 10);
  options.activation_scale = 1;  // too small to mean anything
  EXPECT_EQ(desired(options, facts(1, 1, 0, 10)), 1);
}

TEST(Autoscaler, RequestsOfTheMomentCountWithStartOnDemandOnly) {
  Facts f = facts(1, 1, 1, 10);
  f.needed_now = 7;
  EXPECT_EQ(desired(without_delay(), f), 7);
  EXPECT_EQ(desired(knative_defaults(), f), 1);
}

TEST(Autoscaler, ScaleDownDelayKeepsTheHighestOfTheWindow) {
  AutoscalerOptions options = without_delay();
  options.scale_down_delay = seconds(10);
  Autoscaler scaler(options, at(0), 0);
  EXPECT_EQ(scaler.step(at(0), facts(60, 0, 10, 10)).desired, 10);
  EXPECT_EQ(scaler.step(at(2), facts(42, 0, 10, 10)).desired, 10);  // wants 7
  EXPECT_EQ(scaler.step(at(4), facts(48, 0, 10, 10)).desired, 10);  // wants 8
  EXPECT_EQ(scaler.step(at(9.9), facts(30, 0, 10, 10)).desired, 10);
  EXPECT_EQ(scaler.step(at(10), facts(30, 0, 10, 10)).desired, 8);  // the 10 is 10 s old
  EXPECT_EQ(scaler.step(at(14), facts(30, 0, 10, 10)).desired, 5);
}

TEST(Autoscaler, ScaleDownDelayIsNotForTheUnreachable) {
  AutoscalerOptions options = without_delay();
  options.scale_down_delay = seconds(10);
  Autoscaler scaler(options, at(0), 0);
  EXPECT_EQ(scaler.step(at(0), facts(60, 0, 10, 10)).desired, 10);
  Facts f = facts(0, 0, 10, 10);
  f.reachable = Reachable::kNo;
  EXPECT_EQ(scaler.step(at(2), f).desired, 0);
}

TEST(Panic, BeginsAtTwiceTheReadyInstances) {
  Autoscaler calm(knative_defaults(), at(0), 1);
  // one instance of 10: target 7; panic wants ceil(7 / 7) = 1, below 2 x 1
  Decision d = calm.step(at(0), facts(1, 7, 1, 10));
  EXPECT_FALSE(d.panicking);
  EXPECT_EQ(d.desired, 1);
  d = calm.step(at(2), facts(1, 7.1, 1, 10));  // ceil(7.1 / 7) = 2
  EXPECT_TRUE(d.panicking);
  EXPECT_EQ(d.desired, 2);
}

TEST(Panic, NeverScalesDown) {
  Autoscaler scaler(knative_defaults(), at(0), 1);
  EXPECT_EQ(scaler.step(at(0), facts(10, 70, 1, 10)).desired, 10);
  EXPECT_EQ(scaler.step(at(2), facts(10, 10, 10, 10)).desired, 10);
  EXPECT_EQ(scaler.step(at(4), facts(10, 77, 10, 10)).desired, 11);
  EXPECT_EQ(scaler.step(at(6), facts(0, 0, 11, 10)).desired, 11);
}

TEST(Panic, EndsAWholeStableWindowAfterTheLastStepOverTheThreshold) {
  Autoscaler scaler(knative_defaults(), at(0), 1);
  EXPECT_TRUE(scaler.step(at(0), facts(10, 70, 1, 10)).panicking);
  EXPECT_TRUE(scaler.step(at(30), facts(10, 140, 10, 10)).panicking);  // 20 / 10: restarts
  EXPECT_TRUE(scaler.step(at(62), facts(10, 10, 20, 10)).panicking);
  EXPECT_TRUE(scaler.step(at(90), facts(10, 10, 20, 10)).panicking);  // exactly 60 s: not yet
  const Decision d = scaler.step(at(92), facts(10, 10, 20, 10));
  EXPECT_FALSE(d.panicking);
  EXPECT_EQ(d.desired, 10);  // ceil(10 / 7) = 2, but floor(20 / 2)
}

TEST(Panic, StableCountWinsWhenItIsHigher) {
  Autoscaler scaler(knative_defaults(), at(0), 1);
  EXPECT_EQ(scaler.step(at(0), facts(35, 21, 1, 10)).desired, 5);
}

TEST(Panic, ARestartWithSeveralReadyInstancesBeginsInPanic) {
  Autoscaler scaler(knative_defaults(), at(0), 8);
  Decision d = scaler.step(at(2), facts(1, 1, 8, 10));
  EXPECT_TRUE(d.panicking);
  EXPECT_EQ(d.desired, 8);
  d = scaler.step(at(62), facts(1, 1, 8, 10));
  EXPECT_FALSE(d.panicking);
  EXPECT_EQ(d.desired, 4);
  Autoscaler one(knative_defaults(), at(0), 1);
  EXPECT_FALSE(one.step(at(2), facts(1, 1, 1, 10)).panicking);
}

TEST(Panic, IsOffByDefault) {
  Autoscaler scaler(without_delay(), at(0), 8);
  const Decision d = scaler.step(at(0), facts(6, 600, 1, 10));
  EXPECT_FALSE(d.panicking);
  EXPECT_EQ(d.desired, 1);
}

TEST(Panic, WindowIsAPercentageInWholeSecondsAtLeastOne) {
  struct Row {
    double stable;
    double percentage;
    double window;
  };
  for (const Row& row : {Row{60, 10, 6}, Row{6, 10, 1}, Row{6, 1, 1}, Row{60, 100, 60},
                         Row{14, 10, 1}, Row{15, 10, 2}, Row{3600, 1, 36}}) {
    AutoscalerOptions options;
    options.stable_window = seconds(row.stable);
    options.panic_window_percentage = row.percentage;
    EXPECT_EQ(panic_window(options), seconds(row.window)) << row.stable << " " << row.percentage;
  }
}

TEST(ExcessBurstCapacity, IsTheRoomLeftAfterTheTargetBurst) {
  struct Row {
    double target_burst;
    int ready;
    double panic_average;
    double excess;
  };
  const Row rows[] = {
      {0, 5, 10, 0},                         // off: the gateway leaves the path
      {-1, 5, 10, -1},                       // always in the path
      {211, 0, 0, -211},  {211, 3, 10, 79},  // 300 - 211 - 10
      {211, 3, 89.5, -1},                    // floor(-0.5)
  };
  for (const Row& row : rows) {
    AutoscalerOptions options = knative_defaults();
    options.target_burst_capacity = row.target_burst;
    Autoscaler scaler(options, at(0), 1);
    EXPECT_EQ(scaler.step(at(0), facts(1, row.panic_average, row.ready, 100)).excess_burst_capacity,
              row.excess)
        << row.target_burst << " " << row.ready;
  }
}

TEST(Autoscaler, ATargetIsOfAnInstanceAndConcurrencyBoundsIt) {
  spec::KnativeScaling asked;
  asked.target = 20;
  EXPECT_EQ(desired(knative_options(asked), facts(28, 28, 2, 100)), 2);  // 28 / (20 x 0.7)
  EXPECT_EQ(desired(knative_options(asked), facts(28, 28, 4, 10)), 4);   // 28 / (10 x 0.7)
  asked.metric = spec::KnativeScaling::Metric::kRequestsPerSecond;
  EXPECT_EQ(desired(knative_options(asked), facts(28, 28, 2, 10)), 2);  // not of requests a second
  asked.target.reset();
  EXPECT_EQ(desired(knative_options(asked), facts(280, 280, 2, 10)), 2);  // 280 / (200 x 0.7)
}

TEST(KnativeOptions, AreTheDefaultsButForWhatIsAsked) {
  const AutoscalerOptions plain = knative_options({});
  EXPECT_EQ(plain.stable_window, seconds(60));
  EXPECT_EQ(plain.target_utilization, 0.7);
  EXPECT_EQ(plain.scale_to_zero_after, seconds(90));
  spec::KnativeScaling asked;
  asked.window = seconds(6);
  asked.retention_period = seconds(300);
  asked.scale_down_delay = seconds(10);
  asked.activation_scale = 5;
  const AutoscalerOptions options = knative_options(asked);
  EXPECT_EQ(options.scale_to_zero_after, seconds(306));
  EXPECT_EQ(options.scale_down_delay, seconds(10));
  EXPECT_EQ(options.activation_scale, 5);
  EXPECT_EQ(panic_window(options), seconds(1));
}

TEST(Autoscaler, EnormousAveragesStayInRange) {
  EXPECT_EQ(desired(without_delay(), facts(1e18, 1e18, 1, 1)), 1000);  // the up rate
}

}  // namespace
}  // namespace thaw::scaling
