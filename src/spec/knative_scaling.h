// KnativeScaling: a revision that asks for Knative's pod autoscaler, and with which settings.
//
// Asked for by autoscaling.knative.dev/class or by any of its settings; else Cloud Run's rules
// hold. Names, ranges and defaults: contract 2.1. Each name may be written with dashes or in
// camelCase. Thread: any. Owner: values. Limits: the ranges below.
#pragma once

#include <optional>

#include "base/time.h"
#include "spec/service.h"
#include "spec/workers.h"

namespace thaw::spec {

/// What is not given keeps Knative's default.
struct KnativeScaling {
  enum class Metric { kConcurrency, kRequestsPerSecond };
  enum class Aggregation { kLinear, kWeightedExponential };
  Metric metric = Metric::kConcurrency;
  std::optional<double> target;                      // >= 0.01, of an instance
  std::optional<double> target_utilization;          // (0, 1]
  std::optional<double> target_burst_capacity;       // -1 or >= 0
  std::optional<Duration> window;                    // 6 s .. 1 h, whole seconds
  std::optional<double> panic_window_percentage;     // 1 .. 100
  std::optional<double> panic_threshold_percentage;  // 110 .. 1000
  std::optional<int32_t> activation_scale;           // 1 .. 1000
  std::optional<Duration> scale_down_delay;          // 0 .. 1 h, whole seconds
  std::optional<Duration> retention_period;          // 0 .. 1 h, whole seconds
  Aggregation aggregation = Aggregation::kLinear;

  bool operator==(const KnativeScaling&) const = default;
};

/// nullopt: not asked for. Precondition: knative_fault() found nothing.
std::optional<KnativeScaling> knative_scaling_of(const RevisionTemplate& revision);

/// The first of its annotations that breaks a rule, and why.
std::optional<HouseFault> knative_fault(const RevisionTemplate& revision);

}  // namespace thaw::spec
