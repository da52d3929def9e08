#include "predict/forecast_options.h"

#include <fmt/format.h>

#include <cmath>

namespace thaw::predict {
namespace {

constexpr int kMaxOrder = 30;
constexpr int kMaxChangepoints = 200;
constexpr int kMaxSamples = 10'000;
constexpr double kMaxPriorScale = 1e9;
constexpr double kMinPriorScale = 1e-9;

template <class Number>
Status in_range(const char* name, Number value, Number lowest, Number highest) {
  if (value >= lowest && value <= highest) return {};  // NaN fails
  return Error(Code::kInvalidArgument,
               fmt::format("{}: {} is not in {} to {}", name, value, lowest, highest));
}

Status check_order(const char* name, const SeasonalitySwitch& seasonality) {
  return in_range(name, seasonality.order.value_or(1), 1, kMaxOrder);
}

}  // namespace

Status validate(const ForecastOptions& options) {
  RETURN_IF_ERROR(in_range("n_changepoints", options.n_changepoints, 0, kMaxChangepoints));
  if (options.changepoints) {
    RETURN_IF_ERROR(in_range("changepoints: their number",
                             static_cast<int>(options.changepoints->size()), 0, kMaxChangepoints));
  }
  RETURN_IF_ERROR(in_range("changepoint_range", options.changepoint_range, 0.0, 1.0));
  RETURN_IF_ERROR(in_range("changepoint_prior_scale", options.changepoint_prior_scale,
                           kMinPriorScale, kMaxPriorScale));
  RETURN_IF_ERROR(in_range("seasonality_prior_scale", options.seasonality_prior_scale,
                           kMinPriorScale, kMaxPriorScale));
  RETURN_IF_ERROR(check_order("yearly_seasonality", options.yearly));
  RETURN_IF_ERROR(check_order("weekly_seasonality", options.weekly));
  return check_order("daily_seasonality", options.daily);
}

Status validate(const HorizonOptions& options) {
  return in_range("periods", options.periods, 0, kMaxPeriods);
}

Status validate(const IntervalOptions& options) {
  if (!(options.width > 0 && options.width < 1)) {
    return Error(Code::kInvalidArgument,
                 fmt::format("interval_width: {} is not between 0 and 1", options.width));
  }
  return in_range("uncertainty_samples", options.samples, 0, kMaxSamples);
}

}  // namespace thaw::predict
