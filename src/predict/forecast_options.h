// ForecastOptions: what a person may choose about a forecast, under the names of Prophet's class.
//
// Thread: any. Owner: values. Limits: checked by validate(), each named at its field.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "predict/timestamp.h"

namespace thaw::predict {

enum class Growth { kLinear, kFlat };
enum class Scaling { kAbsMax, kMinMax };

/// One of the three built-in seasonalities: on by the length of the history, or as told.
struct SeasonalitySwitch {
  enum class Mode { kAuto, kOn, kOff };
  Mode mode = Mode::kAuto;
  std::optional<int> order;  // Fourier order, 1..30; the seasonality's own default when unset
};

/// How a model is fitted. Defaults are Prophet's.
struct ForecastOptions {
  Growth growth = Growth::kLinear;
  Scaling scaling = Scaling::kAbsMax;
  /// Dates inside the history; unset: n_changepoints are placed; empty: none.
  std::optional<std::vector<Timestamp>> changepoints;
  int n_changepoints = 25;                // 0..200
  double changepoint_range = 0.8;         // 0..1, part of the history that may have changepoints
  double changepoint_prior_scale = 0.05;  // > 0
  SeasonalitySwitch yearly, weekly, daily;
  double seasonality_prior_scale = 10.0;  // > 0
};

/// Which dates are forecast.
struct HorizonOptions {
  int periods = 28;                 // 0..kMaxPeriods
  std::optional<std::string> freq;  // see future.h; unset: taken from the history
  bool include_history = false;     // also the dates of the history, before the others
};
inline constexpr int kMaxPeriods = 10'000;

/// How uncertainty is simulated.
struct IntervalOptions {
  double width = 0.8;  // 0..1, exclusive
  int samples = 1000;  // 0..10000; 0: no intervals
  uint64_t seed = 1;   // equal seeds give equal intervals
};

/// kInvalidArgument names the field, its value and its range.
Status validate(const ForecastOptions& options);
Status validate(const HorizonOptions& options);
Status validate(const IntervalOptions& options);

}  // namespace thaw::predict
