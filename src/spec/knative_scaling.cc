#include "spec/knative_scaling.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <string_view>

namespace thaw::spec {
namespace {

constexpr std::string_view kSpace = "autoscaling.knative.dev/";

struct Range {
  double lowest;
  double highest;
};

/// "target-burst-capacity" as "targetBurstCapacity".
std::string camel_case(std::string_view name) {
  std::string out;
  bool upper = false;
  for (const char c : name) {
    if (c == '-') {
      upper = true;
      continue;
    }
    out += upper ? static_cast<char>(c - 'a' + 'A') : c;
    upper = false;
  }
  return out;
}

/// Reads the annotations one by one; the first fault stays.
class Reading {
 public:
  explicit Reading(const RevisionTemplate& revision) : notes_(revision.metadata.annotations) {}

  std::optional<std::string_view> text(std::string_view name) {
    std::optional<std::string_view> value;
    for (const std::string& spelling : {std::string(name), camel_case(name)}) {
      const auto found = notes_.find(std::string(kSpace) + spelling);
      if (found == notes_.end()) continue;
      if (value && spelling != name) {
        fault(spelling,
              fmt::format("is another spelling of {}, which is given too; keep one", name));
      }
      value = found->second;
      asked_ = true;
      if (spelling == name && camel_case(name) == name) break;
    }
    return value;
  }

  std::optional<double> number(std::string_view name, const Range& range) {
    const auto written = text(name);
    if (!written) return std::nullopt;
    double value = 0;
    const auto [end, error] =
        std::from_chars(written->data(), written->data() + written->size(), value);
    if (error != std::errc() || end != written->data() + written->size() ||
        !(value >= range.lowest) || !(value <= range.highest)) {
      fault(name,
            fmt::format("'{}' is no number from {} to {}", *written, range.lowest, range.highest));
      return std::nullopt;
    }
    return value;
  }

  std::optional<Duration> duration(std::string_view name, Duration lowest) {
    const auto written = text(name);
    if (!written) return std::nullopt;
    const auto value = parse_duration(*written);
    if (!value || *value < lowest || *value > std::chrono::hours(1) ||
        *value % std::chrono::seconds(1) != Duration(0)) {
      fault(name, fmt::format("'{}' is no time in whole seconds from {}s to 1h, such as '60s'",
                              *written, std::chrono::floor<std::chrono::seconds>(lowest).count()));
      return std::nullopt;
    }
    return value;
  }

  /// Whether it is `second` of the two words.
  bool second_of(std::string_view name, std::string_view first, std::string_view second) {
    const auto written = text(name);
    if (!written || *written == first) return false;
    if (*written != second)
      fault(name, fmt::format("'{}' is none of {}, {}", *written, first, second));
    return *written == second;
  }

  void fault(std::string_view name, std::string description) {
    if (fault_) return;
    fault_ = HouseFault{std::string(kSpace) + std::string(name), std::move(description)};
  }

  bool asked() const { return asked_; }
  const std::optional<HouseFault>& first_fault() const { return fault_; }

 private:
  const StringMap& notes_;
  bool asked_ = false;
  std::optional<HouseFault> fault_;
};

KnativeScaling read(Reading& notes) {
  using Metric = KnativeScaling::Metric;
  using Aggregation = KnativeScaling::Aggregation;
  KnativeScaling scaling;
  if (const auto name = notes.text("class"); name && *name != "kpa.autoscaling.knative.dev") {
    notes.fault("class",
                fmt::format("'{}' is not there; only kpa.autoscaling.knative.dev is", *name));
  }
  scaling.metric = notes.second_of("metric", "concurrency", "rps") ? Metric::kRequestsPerSecond
                                                                   : Metric::kConcurrency;
  scaling.target = notes.number("target", {0.01, 1e6});
  scaling.target_utilization = notes.number("target-utilization-percentage", {0.01, 100});
  // As Knative reads it: up to 1 is a fraction already.
  if (scaling.target_utilization && *scaling.target_utilization > 1) {
    *scaling.target_utilization /= 100;
  }
  scaling.target_burst_capacity = notes.number("target-burst-capacity", {-1, 1e6});
  if (scaling.target_burst_capacity && *scaling.target_burst_capacity < 0 &&
      *scaling.target_burst_capacity != -1) {
    notes.fault("target-burst-capacity", "is between -1 and 0; -1, or 0 and more");
  }
  scaling.window = notes.duration("window", seconds(6));
  scaling.panic_window_percentage = notes.number("panic-window-percentage", {1, 100});
  scaling.panic_threshold_percentage = notes.number("panic-threshold-percentage", {110, 1000});
  if (const auto scale = notes.number("activation-scale", {1, 1000})) {
    if (*scale != std::floor(*scale)) notes.fault("activation-scale", "is no whole number");
    scaling.activation_scale = static_cast<int32_t>(*scale);
  }
  scaling.scale_down_delay = notes.duration("scale-down-delay", Duration(0));
  scaling.retention_period = notes.duration("scale-to-zero-pod-retention-period", Duration(0));
  scaling.aggregation =
      notes.second_of("metric-aggregation-algorithm", "linear", "weighted-exponential")
          ? Aggregation::kWeightedExponential
          : Aggregation::kLinear;
  return scaling;
}

}  // namespace

std::optional<KnativeScaling> knative_scaling_of(const RevisionTemplate& revision) {
  Reading notes(revision);
  KnativeScaling scaling = read(notes);
  if (!notes.asked()) return std::nullopt;
  return scaling;
}

std::optional<HouseFault> knative_fault(const RevisionTemplate& revision) {
  Reading notes(revision);
  static_cast<void>(read(notes));
  return notes.first_fault();
}

}  // namespace thaw::spec
