#include "predict/work.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>
#include <utility>

namespace thaw::predict {
namespace {

using std::chrono::days;
using std::chrono::microseconds;

/// Columns of one built-in seasonality over a history of that length.
size_t built_in_columns(const SeasonalitySwitch& it, int own_order, microseconds span,
                        microseconds least) {
  using Mode = SeasonalitySwitch::Mode;
  if (it.mode == Mode::kOff || (it.mode == Mode::kAuto && span < least)) return 0;
  return 2 * static_cast<size_t>(it.order.value_or(own_order));
}

bool needs_columns(const ForecastOptions& options) {
  return !options.regressors.empty() ||
         std::ranges::any_of(options.seasonalities,
                             [](const SeasonalityOption& it) { return !it.condition.empty(); });
}

}  // namespace

double fit_work(size_t rows, size_t columns) {
  constexpr double kSteps = 20;
  const auto width = static_cast<double>(columns);
  return width * width * (static_cast<double>(rows) + kSteps * width);
}

FitWork::FitWork(const ForecastOptions& options) : options_(options) {
  std::set<std::pair<std::string_view, int>> columns;
  for (const HolidayOption& it : options.holidays) {
    holiday_days_ += static_cast<size_t>(it.upper_window - it.lower_window + 1);
    for (int offset = it.lower_window; offset <= it.upper_window; ++offset) {
      columns.emplace(it.name, offset);
    }
  }
  holiday_columns_ = columns.size();
  own_columns_ = options.regressors.size();
  for (const SeasonalityOption& it : options.seasonalities) {
    own_columns_ += 2 * static_cast<size_t>(it.order);
  }
}

double FitWork::of(const Series& history) const {
  constexpr double kWorkOfDay = 500;  // a holiday's day is named and looked up
  const double days_work = kWorkOfDay * static_cast<double>(holiday_days_);
  if (history.size() == 0) return days_work;
  const auto [first, last] = std::minmax_element(history.ds.begin(), history.ds.end());
  const microseconds span = *last - *first;
  const size_t bends = options_.changepoints
                           ? options_.changepoints->size()
                           : std::min(static_cast<size_t>(options_.n_changepoints), history.size());
  const size_t columns = 2 + std::max<size_t>(1, bends) + own_columns_ + holiday_columns_ +
                         built_in_columns(options_.yearly, 10, span, days(730)) +
                         built_in_columns(options_.weekly, 3, span, days(14)) +
                         built_in_columns(options_.daily, 4, span, days(2));
  return fit_work(history.size(), columns) + days_work;
}

size_t forecast_columns(const ForecastOptions& options) {
  constexpr size_t kAlways = 9;        // ds; yhat, trend and their bounds; the sums of the terms
  constexpr size_t kBuiltIn = 3;       // seasonalities
  constexpr size_t kLimits = 2;        // cap, floor
  constexpr size_t kOfRegressors = 2;  // their sums
  std::set<std::string_view> holidays;
  for (const HolidayOption& it : options.holidays) holidays.insert(it.name);
  return kAlways + kBuiltIn + (options.growth == Growth::kLogistic ? kLimits : 0) +
         options.seasonalities.size() + (holidays.empty() ? 0 : holidays.size() + 1) +
         (options.regressors.empty() ? 0 : options.regressors.size() + kOfRegressors);
}

size_t rows_to_forecast(const ForecastOptions& options, const HorizonOptions& horizon,
                        const Series& history, const Series* future) {
  if (future) return future->size();
  const auto periods = static_cast<size_t>(horizon.periods);
  if (!needs_columns(options)) return periods;
  Timestamp last = earliest_timestamp();
  for (size_t i = 0; i < history.size(); ++i) {
    if (!std::isnan(history.y[i])) last = std::max(last, history.ds[i]);
  }
  const auto after = std::ranges::count_if(history.ds, [&](Timestamp at) { return at > last; });
  return std::max(periods, static_cast<size_t>(after));
}

}  // namespace thaw::predict
