// Autoscaler: how many instances a revision should have, from how busy it was.
//
// The Knative pod autoscaler's formula (contract 2.1) as a step function; with the defaults below
// it scales as Cloud Run does (2.2). It knows nothing of single requests or instances: starting
// one for a request that finds no place, and going to zero when idle, are serving's.
//
// **Thread**: any, one at a time. **Owner**: values. **Limits**: none.
#pragma once

#include <deque>
#include <optional>
#include <utility>

#include "base/time.h"
#include "scaling/windows.h"
#include "spec/knative_scaling.h"

namespace thaw::scaling {

enum class Panic { kOff, kOn };
enum class StartOnDemand { kNo, kYes };
/// What the averages are of: requests at once, or requests a second.
enum class Metric { kConcurrency, kRequestsPerSecond };

/// The defaults are Cloud Run's: 60 % of the concurrency and of the CPU over one minute, whichever
/// wants more, no panic, a start for each request without a place, and what was needed within the
/// last minute is kept.
struct AutoscalerOptions {
  Duration stable_window = seconds(60);  // 6 s .. 1 h, whole seconds
  History history = History::kWholeWindow;
  Metric metric = Metric::kConcurrency;
  Aggregation aggregation = Aggregation::kLinear;
  /// Of an instance. Not given: containerConcurrency, which also bounds it, or 200 a second.
  std::optional<double> target = {};
  double target_utilization = 0.6;          // (0, 1]
  double cpu_utilization = 0.6;             // of an instance's CPU limit; 0: no driver
  double concurrency_when_unlimited = 100;  // the target's base for containerConcurrency 0
  Panic panic = Panic::kOff;
  double panic_window_percentage = 10;      // 1..100 of the stable window
  double panic_threshold_percentage = 200;  // 110..1000
  double max_scale_up_rate = 1000;          // > 1
  double max_scale_down_rate = 2;           // > 1
  int activation_scale = 0;                 // >= 2 to have an effect
  Duration scale_down_delay = seconds(60);  // 0: none
  double target_burst_capacity = -1;        // -1: the gateway is always in the path
  StartOnDemand start_on_demand = StartOnDemand::kYes;
  Duration tick_interval = seconds(2);  // between two evaluations while there is something to do
  Duration scale_to_zero_after = seconds(60);  // after the last request; ours, not Knative's
};

/// The set of Knative's config-autoscaler.
AutoscalerOptions knative_defaults();
/// That with what a revision asks for.
AutoscalerOptions knative_options(const spec::KnativeScaling& asked);

/// Whole seconds, at least one.
Duration panic_window(const AutoscalerOptions& options);

enum class Reachable { kNo, kYes };

/// What a step looks at.
struct Facts {
  std::optional<double> stable_average;  // of concurrent requests; nullopt: no data yet
  std::optional<double> panic_average;
  double cpu_average = 0;  // used by all instances together, in CPU limits of one
  int ready_instances = 0;
  int needed_now = 0;   // instances that the requests of this moment fill; for start_on_demand
  int concurrency = 0;  // containerConcurrency, 0: unlimited
  Reachable reachable = Reachable::kYes;
  int min_instances = 0;
  int max_instances = 0;  // 0: no maximum
  int initial_instances = 0;
};

struct Decision {
  bool valid = false;  // false: no data; leave everything as it is
  int desired = 0;     // within the bounds
  bool panicking = false;
  double excess_burst_capacity = 0;
};

class Autoscaler {
 public:
  /// Starts panicking, so that it does not scale down at once, when more than one instance is
  /// ready (a restart) and panic is on.
  Autoscaler(const AutoscalerOptions& options, Instant now, int ready_instances);

  Decision step(Instant now, const Facts& facts);

 private:
  int apply_panic(Instant now, int stable, int panic, bool over);
  int highest_of_delay(Instant now, int desired);
  int bounded(const Facts& facts, int desired);

  AutoscalerOptions options_;
  std::optional<Instant> panicking_since_;  // restarted by every step over the threshold
  int panic_highest_ = 0;
  bool initial_reached_ = false;
  std::deque<std::pair<Instant, int>> delayed_;  // falling counts, the highest first
};

}  // namespace thaw::scaling
