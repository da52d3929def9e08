#include "spec/knative_scaling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace thaw::spec {
namespace {

using testing::HasSubstr;

RevisionTemplate with(std::initializer_list<std::pair<const char*, const char*>> notes) {
  RevisionTemplate revision;
  for (const auto& [name, value] : notes) {
    revision.metadata.annotations[std::string("autoscaling.knative.dev/") + name] = value;
  }
  return revision;
}

TEST(KnativeScaling, IsAskedForByItsClassOrByAnyOfItsSettings) {
  EXPECT_FALSE(knative_scaling_of(with({})));
  EXPECT_FALSE(knative_scaling_of(with({{"initial-scale", "0"}})));
  EXPECT_EQ(knative_scaling_of(with({{"class", "kpa.autoscaling.knative.dev"}})), KnativeScaling{});
  EXPECT_TRUE(knative_scaling_of(with({{"window", "40s"}})));
}

TEST(KnativeScaling, ReadsEachSettingInBothSpellings) {
  const auto dashes =
      knative_scaling_of(with({{"metric", "rps"},
                               {"target", "12.5"},
                               {"target-utilization-percentage", "80"},
                               {"target-burst-capacity", "-1"},
                               {"window", "1m"},
                               {"panic-window-percentage", "20"},
                               {"panic-threshold-percentage", "150.0"},
                               {"activation-scale", "3"},
                               {"scale-down-delay", "15m"},
                               {"scale-to-zero-pod-retention-period", "70s"},
                               {"metric-aggregation-algorithm", "weighted-exponential"}}));
  ASSERT_TRUE(dashes);
  EXPECT_EQ(dashes->metric, KnativeScaling::Metric::kRequestsPerSecond);
  EXPECT_EQ(dashes->target, 12.5);
  EXPECT_EQ(dashes->target_utilization, 0.8);
  EXPECT_EQ(dashes->target_burst_capacity, -1);
  EXPECT_EQ(dashes->window, std::chrono::minutes(1));
  EXPECT_EQ(dashes->panic_window_percentage, 20);
  EXPECT_EQ(dashes->panic_threshold_percentage, 150);
  EXPECT_EQ(dashes->activation_scale, 3);
  EXPECT_EQ(dashes->scale_down_delay, std::chrono::minutes(15));
  EXPECT_EQ(dashes->retention_period, seconds(70));
  EXPECT_EQ(dashes->aggregation, KnativeScaling::Aggregation::kWeightedExponential);
  const auto camel =
      knative_scaling_of(with({{"metric", "rps"},
                               {"target", "12.5"},
                               {"targetUtilizationPercentage", "0.8"},
                               {"targetBurstCapacity", "-1"},
                               {"window", "60s"},
                               {"panicWindowPercentage", "20"},
                               {"panicThresholdPercentage", "150"},
                               {"activationScale", "3"},
                               {"scaleDownDelay", "900s"},
                               {"scaleToZeroPodRetentionPeriod", "70s"},
                               {"metricAggregationAlgorithm", "weighted-exponential"}}));
  EXPECT_EQ(camel, dashes);
}

TEST(KnativeScaling, FaultsNameTheAnnotationAndTheRange) {
  const struct {
    const char *name, *value, *says;
  } rows[] = {
      {"class", "hpa.autoscaling.knative.dev", "only kpa.autoscaling.knative.dev"},
      {"metric", "cpu", "'cpu' is none of concurrency, rps"},
      {"target", "0", "'0' is no number from 0.01"},
      {"target", "10x", "'10x'"},
      {"target", "nan", "'nan'"},
      {"target-utilization-percentage", "101", "to 100"},
      {"target-burst-capacity", "-0.5", "between -1 and 0"},
      {"window", "5s", "from 6s to 1h"},
      {"window", "6500ms", "whole seconds"},
      {"window", "2h", "to 1h"},
      {"panic-window-percentage", "0.5", "from 1 to 100"},
      {"panic-threshold-percentage", "100", "from 110 to 1000"},
      {"activation-scale", "1.5", "whole number"},
      {"scale-down-delay", "-1s", "from 0s to 1h"},
      {"metric-aggregation-algorithm", "median", "weighted-exponential"},
  };
  for (const auto& row : rows) {
    const auto fault = knative_fault(with({{row.name, row.value}}));
    ASSERT_TRUE(fault) << row.name << " " << row.value;
    EXPECT_EQ(fault->annotation, std::string("autoscaling.knative.dev/") + row.name);
    EXPECT_THAT(fault->description, HasSubstr(row.says));
  }
  EXPECT_FALSE(knative_fault(with({{"window", "6s"}, {"target-burst-capacity", "0"}})));
}

TEST(KnativeScaling, OneSettingIsWrittenOnce) {
  const auto fault = knative_fault(with({{"scale-down-delay", "1s"}, {"scaleDownDelay", "2s"}}));
  ASSERT_TRUE(fault);
  EXPECT_THAT(fault->description, HasSubstr("keep one"));
}

}  // namespace
}  // namespace thaw::spec
