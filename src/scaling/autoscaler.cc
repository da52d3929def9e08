#include "scaling/autoscaler.h"

#include <algorithm>
#include <cmath>

namespace thaw::scaling {
namespace {

/// Averages come rounded to 6 decimals; what is beyond int is a bound's business.
int ceil_count(double value) { return static_cast<int>(std::min(std::ceil(value), 1e9)); }

/// What a full instance has of the metric (contract 2.1, "Target").
double total_of(const AutoscalerOptions& options, const Facts& facts) {
  constexpr double kRequestsPerSecond = 200;
  if (options.metric == Metric::kRequestsPerSecond) {
    return options.target.value_or(kRequestsPerSecond);
  }
  const double places =
      facts.concurrency > 0 ? facts.concurrency : options.concurrency_when_unlimited;
  if (!options.target) return places;
  return facts.concurrency > 0 ? std::min(*options.target, places) : *options.target;
}

}  // namespace

AutoscalerOptions knative_options(const spec::KnativeScaling& asked) {
  AutoscalerOptions options = knative_defaults();
  if (asked.metric == spec::KnativeScaling::Metric::kRequestsPerSecond) {
    options.metric = Metric::kRequestsPerSecond;
  }
  if (asked.aggregation == spec::KnativeScaling::Aggregation::kWeightedExponential) {
    options.aggregation = Aggregation::kWeightedExponential;
  }
  options.target = asked.target;
  options.target_utilization = asked.target_utilization.value_or(options.target_utilization);
  options.target_burst_capacity =
      asked.target_burst_capacity.value_or(options.target_burst_capacity);
  options.stable_window = asked.window.value_or(options.stable_window);
  options.panic_window_percentage =
      asked.panic_window_percentage.value_or(options.panic_window_percentage);
  options.panic_threshold_percentage =
      asked.panic_threshold_percentage.value_or(options.panic_threshold_percentage);
  options.activation_scale = asked.activation_scale.value_or(options.activation_scale);
  options.scale_down_delay = asked.scale_down_delay.value_or(options.scale_down_delay);
  // The window must be empty before zero is wanted; then the last one stays for the longer of the
  // grace period, 30 s, and what is asked for.
  options.scale_to_zero_after =
      options.stable_window +
      std::max(Duration(seconds(30)), asked.retention_period.value_or(Duration(0)));
  return options;
}

AutoscalerOptions knative_defaults() {
  AutoscalerOptions options;
  options.history = History::kWhatExists;
  options.target_utilization = 0.7;
  options.cpu_utilization = 0;
  options.panic = Panic::kOn;
  options.scale_down_delay = Duration(0);
  options.target_burst_capacity = 211;
  options.start_on_demand = StartOnDemand::kNo;
  options.scale_to_zero_after = seconds(90);  // the window and the grace period
  return options;
}

Duration panic_window(const AutoscalerOptions& options) {
  const double whole =
      std::round(to_seconds(options.stable_window) * options.panic_window_percentage / 100);
  return std::chrono::seconds(std::max<int64_t>(1, static_cast<int64_t>(whole)));
}

Autoscaler::Autoscaler(const AutoscalerOptions& options, Instant now, int ready_instances)
    : options_(options) {
  if (options_.panic == Panic::kOn && ready_instances > 1) {
    panicking_since_ = now;
    panic_highest_ = ready_instances;
  }
}

Decision Autoscaler::step(Instant now, const Facts& facts) {
  Decision decision;
  if (!facts.stable_average || !facts.panic_average) return decision;
  const double total = total_of(options_, facts);
  const double target = std::max(0.01, total * options_.target_utilization);
  const int ready = std::max(1, facts.ready_instances);
  const int wanted_stable = ceil_count(*facts.stable_average / target);
  const int wanted_panic = ceil_count(*facts.panic_average / target);

  const int up = ceil_count(options_.max_scale_up_rate * ready);
  const int down = facts.reachable == Reachable::kYes
                       ? static_cast<int>(std::floor(ready / options_.max_scale_down_rate))
                       : 0;
  int stable = std::clamp(wanted_stable, std::min(down, up), up);
  int panic = std::clamp(wanted_panic, std::min(down, up), up);
  if (options_.activation_scale > 1) {
    if (wanted_stable > 0) stable = std::max(stable, options_.activation_scale);
    if (wanted_panic > 0) panic = std::max(panic, options_.activation_scale);
  }

  const bool over =
      static_cast<double>(wanted_panic) / ready >= options_.panic_threshold_percentage / 100;
  int desired = stable;
  if (options_.panic == Panic::kOn) desired = apply_panic(now, stable, panic, over);
  if (options_.start_on_demand == StartOnDemand::kYes) {
    desired = std::max(desired, facts.needed_now);
  }
  // Contract 2.2: each driver gives a count, and the largest wins.
  if (options_.cpu_utilization > 0) {
    const double used = std::round(facts.cpu_average / options_.cpu_utilization * 1e6) / 1e6;
    desired = std::max(desired, ceil_count(used));
  }
  if (facts.reachable == Reachable::kYes && options_.scale_down_delay > Duration(0)) {
    desired = highest_of_delay(now, desired);
  }

  decision.valid = true;
  decision.desired = bounded(facts, desired);
  decision.panicking = panicking_since_.has_value();
  const double burst = options_.target_burst_capacity;
  if (burst < 0) {
    decision.excess_burst_capacity = -1;
  } else if (burst > 0) {
    decision.excess_burst_capacity =
        std::floor(facts.ready_instances * total - burst - *facts.panic_average);
  }
  return decision;
}

int Autoscaler::apply_panic(Instant now, int stable, int panic, bool over) {
  if (over) {
    panicking_since_ = now;
  } else if (panicking_since_ && *panicking_since_ + options_.stable_window < now) {
    panicking_since_.reset();
    panic_highest_ = 0;
  }
  if (!panicking_since_) return stable;
  panic_highest_ = std::max({panic_highest_, stable, panic});
  return panic_highest_;
}

int Autoscaler::highest_of_delay(Instant now, int desired) {
  while (!delayed_.empty() && delayed_.back().second <= desired) delayed_.pop_back();
  delayed_.emplace_back(now, desired);
  while (delayed_.front().first + options_.scale_down_delay <= now) delayed_.pop_front();
  return delayed_.front().second;
}

int Autoscaler::bounded(const Facts& facts, int desired) {
  int lowest = facts.min_instances;
  if (facts.ready_instances >= facts.initial_instances) initial_reached_ = true;
  if (!initial_reached_ && facts.reachable == Reachable::kYes) {
    lowest = std::max(lowest, facts.initial_instances);
  }
  desired = std::max(desired, lowest);
  return facts.max_instances > 0 ? std::min(desired, facts.max_instances) : desired;
}

}  // namespace thaw::scaling
