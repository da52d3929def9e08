#include "predict/features.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>

namespace thaw::predict {
namespace {

using std::chrono::days;
using std::chrono::microseconds;

/// The smallest step between two different dates; one day of nothing when all are equal.
microseconds smallest_step(const std::vector<Timestamp>& sorted_ds) {
  std::optional<microseconds> smallest;
  for (size_t i = 1; i < sorted_ds.size(); ++i) {
    const microseconds step = sorted_ds[i] - sorted_ds[i - 1];
    if (step.count() > 0 && (!smallest || step < *smallest)) smallest = step;
  }
  return smallest.value_or(kDay);
}

struct BuiltIn {
  const char* name;
  double period_days;
  int order;
  const SeasonalitySwitch* chosen;
  bool suits_history;
};

}  // namespace

std::vector<Seasonality> choose_seasonalities(const ForecastOptions& options,
                                              const std::vector<Timestamp>& sorted_ds) {
  const microseconds span = sorted_ds.back() - sorted_ds.front();
  const microseconds step = smallest_step(sorted_ds);
  const BuiltIn built_ins[] = {
      {"yearly", 365.25, 10, &options.yearly, span >= days(730)},
      {"weekly", 7, 3, &options.weekly, span >= days(14) && step < days(7)},
      {"daily", 1, 4, &options.daily, span >= days(2) && step < days(1)},
  };
  std::vector<Seasonality> chosen;
  for (const SeasonalityOption& it : options.seasonalities) {
    chosen.push_back({it.name, it.period_days, it.order,
                      it.prior_scale.value_or(options.seasonality_prior_scale),
                      it.mode.value_or(options.seasonality_mode), it.condition});
  }
  for (const BuiltIn& it : built_ins) {
    const auto own = std::find_if(chosen.begin(), chosen.end(),
                                  [&](const Seasonality& other) { return other.name == it.name; });
    const bool automatic = it.chosen->mode == SeasonalitySwitch::Mode::kAuto;
    const bool suits = it.suits_history && own == chosen.end();
    if (automatic ? !suits : it.chosen->mode == SeasonalitySwitch::Mode::kOff) continue;
    const Seasonality built_in = {it.name,
                                  it.period_days,
                                  it.chosen->order.value_or(it.order),
                                  options.seasonality_prior_scale,
                                  options.seasonality_mode,
                                  ""};
    if (own == chosen.end()) {
      chosen.push_back(built_in);
    } else {
      *own = built_in;
    }
  }
  return chosen;
}

Result<std::vector<Timestamp>> choose_changepoints(const ForecastOptions& options,
                                                   const std::vector<Timestamp>& sorted_ds) {
  if (options.changepoints) {
    std::vector<Timestamp> given = *options.changepoints;
    std::sort(given.begin(), given.end());
    for (Timestamp at : given) {
      if (at >= sorted_ds.front() && at <= sorted_ds.back()) continue;
      return Error(Code::kInvalidArgument,
                   fmt::format("changepoints: {} is not within the history, {} to {}",
                               format_timestamp(at, ClockPart::kShortest),
                               format_timestamp(sorted_ds.front(), ClockPart::kShortest),
                               format_timestamp(sorted_ds.back(), ClockPart::kShortest)));
    }
    return given;
  }
  const auto rows = static_cast<int64_t>(
      std::floor(static_cast<double>(sorted_ds.size()) * options.changepoint_range));
  const int64_t count = std::min<int64_t>(options.n_changepoints, rows - 1);
  std::vector<Timestamp> placed;
  if (count <= 0) return placed;
  const double step = static_cast<double>(rows - 1) / static_cast<double>(count);
  for (int64_t i = 1; i <= count; ++i) {
    // Halves go to the even row, as Python's rounding does. The last one is exact.
    const double row =
        i == count ? static_cast<double>(rows - 1) : std::nearbyint(static_cast<double>(i) * step);
    placed.push_back(sorted_ds[static_cast<size_t>(row)]);
  }
  return placed;
}

void fourier_features(Timestamp at, const Seasonality& seasonality, double* into) {
  const double cycles = days_since_epoch(at) / seasonality.period_days;
  const double angle = 2 * std::numbers::pi * (cycles - std::floor(cycles));
  const double sin1 = std::sin(angle), cos1 = std::cos(angle);
  double sin_n = sin1, cos_n = cos1;
  for (int n = 0; n < seasonality.order; ++n) {
    *into++ = sin_n;
    *into++ = cos_n;
    const double next = sin_n * cos1 + cos_n * sin1;  // the addition theorems
    cos_n = cos_n * cos1 - sin_n * sin1;
    sin_n = next;
  }
}

double trend_line(const Model& model, double t) {
  if (model.options.growth == Growth::kFlat) return model.m;
  const bool logistic = model.options.growth == Growth::kLogistic;
  double value = logistic ? model.k * (t - model.m) : model.k * t + model.m;
  for (size_t j = 0; j < model.delta.size(); ++j) {
    if (t >= model.changepoints_t[j]) value += model.delta[j] * (t - model.changepoints_t[j]);
  }
  return value;
}

double trend_value(Growth growth, double line, double scaled_cap) {
  return growth == Growth::kLogistic ? scaled_cap / (1 + std::exp(-line)) : line;
}

}  // namespace thaw::predict
