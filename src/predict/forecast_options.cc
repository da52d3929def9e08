#include "predict/forecast_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "predict/text.h"

namespace thaw::predict {
namespace {

constexpr int kMaxOrder = 1000;
constexpr int kMaxChangepoints = 200;
constexpr double kMaxPriorScale = 1e9;
constexpr double kMinPriorScale = 1e-9;

template <class Number>
Status in_range(std::string_view name, Number value, Number lowest, Number highest) {
  if (value >= lowest && value <= highest) return {};  // NaN fails
  return Error(Code::kInvalidArgument,
               fmt::format("{}: {} is not in {} to {}", name, value, lowest, highest));
}

Status check_order(const char* name, const SeasonalitySwitch& seasonality) {
  return in_range(name, seasonality.order.value_or(1), 1, kMaxOrder);
}

Status check_scale(std::string_view name, std::optional<double> scale) {
  return in_range(name, scale.value_or(1), kMinPriorScale, kMaxPriorScale);
}

/// Names that a forecast's columns have already.
bool is_reserved(std::string_view name) {
  static constexpr std::string_view kWords[] = {"trend",
                                                "additive_terms",
                                                "daily",
                                                "weekly",
                                                "yearly",
                                                "holidays",
                                                "zeros",
                                                "extra_regressors_additive",
                                                "yhat",
                                                "multiplicative_terms",
                                                "extra_regressors_multiplicative"};
  static constexpr std::string_view kColumns[] = {
      "ds", "y", "cap", "floor", "date", "y_scaled", "cap_scaled", "t", "unique_id"};
  for (std::string_view suffix : {"", "_lower", "_upper"}) {
    if (!name.ends_with(suffix)) continue;
    const std::string_view stem = name.substr(0, name.size() - suffix.size());
    if (std::find(std::begin(kWords), std::end(kWords), stem) != std::end(kWords)) return true;
  }
  return std::find(std::begin(kColumns), std::end(kColumns), name) != std::end(kColumns);
}

/// Every term needs a name of its own, since it is a column of the forecast.
class TermNames {
 public:
  Status add(const char* kind, std::string_view name) {
    const auto refused = [&](std::string_view why) {
      return Error(Code::kInvalidArgument, fmt::format("{}: {} {}", kind, quoted_value(name), why));
    };
    if (name.empty()) return refused("is no name");
    if (name.size() > kMaxName) return refused(fmt::format("has over {} bytes", kMaxName));
    if (name.find("_delim_") != std::string_view::npos) return refused("may not hold '_delim_'");
    const bool built_in = name == "daily" || name == "weekly" || name == "yearly";
    if (is_reserved(name) && !(built_in && kind == std::string_view("seasonalities"))) {
      return refused("is a column that every forecast has: choose another name");
    }
    if (!taken_.emplace(name).second) return refused("is the name of two terms");
    return {};
  }

 private:
  static constexpr size_t kMaxName = 200;
  std::set<std::string, std::less<>> taken_;
};

Status check_seasonality(const SeasonalityOption& it) {
  RETURN_IF_ERROR(in_range("fourier_order", it.order, 1, kMaxOrder));
  RETURN_IF_ERROR(in_range("period", it.period_days, 1e-6, 1e6));
  return check_scale("prior_scale", it.prior_scale);
}

Status check_holiday(const HolidayOption& it) {
  RETURN_IF_ERROR(in_range("lower_window", it.lower_window, -kMaxHolidayWindow, 0));
  RETURN_IF_ERROR(in_range("upper_window", it.upper_window, 0, kMaxHolidayWindow));
  return check_scale("prior_scale", it.prior_scale);
}

Status check_holidays(const ForecastOptions& options, TermNames& names) {
  const std::vector<HolidayOption>& holidays = options.holidays;
  RETURN_IF_ERROR(in_range("country_holidays: their number", options.country_holidays.size(),
                           size_t{0}, kMaxCountries));
  const auto is_asked_for = [&](const std::string& country) {
    return std::ranges::find(options.country_holidays, country) != options.country_holidays.end();
  };
  RETURN_IF_ERROR(in_range("holidays: their number", holidays.size(), size_t{0}, kMaxHolidayRows));
  std::map<std::string_view, double> scales;
  std::set<std::pair<std::string_view, int>> columns;
  size_t days = 0;
  for (const HolidayOption& it : holidays) {
    if (!it.country.empty() && !is_asked_for(it.country)) continue;
    const Status checked = check_holiday(it);
    if (!checked) return Error(checked.error()).with_context("holidays: " + it.name);
    for (int offset = it.lower_window; offset <= it.upper_window; ++offset) {
      columns.emplace(it.name, offset);
    }
    days += static_cast<size_t>(it.upper_window - it.lower_window + 1);
    RETURN_IF_ERROR(in_range("holidays: the days of the windows of all names", columns.size(),
                             size_t{0}, kMaxHolidayColumns));
    RETURN_IF_ERROR(in_range("holidays: the days of the windows of all rows", days, size_t{0},
                             kMaxHolidayDays));
    const double scale = it.prior_scale.value_or(options.holidays_prior_scale);
    const auto [place, is_new] = scales.emplace(it.name, scale);
    const Status named = is_new ? names.add("holidays", it.name) : Status();
    if (!named) return named;
    if (place->second != scale) {
      return Error(Code::kInvalidArgument,
                   fmt::format("holidays: {} has two prior scales: give all its days the same",
                               quoted_value(it.name)));
    }
  }
  return in_range("holidays: the number of names", scales.size(), size_t{0}, kMaxHolidayNames);
}

Status check_terms(const ForecastOptions& options) {
  TermNames names;
  RETURN_IF_ERROR(
      in_range("seasonalities: their number", options.seasonalities.size(), size_t{0}, kMaxTerms));
  for (const SeasonalityOption& it : options.seasonalities) {
    RETURN_IF_ERROR(names.add("seasonalities", it.name));
    const Status status = check_seasonality(it);
    if (!status) return Error(status.error()).with_context("seasonalities: " + it.name);
  }
  RETURN_IF_ERROR(check_holidays(options, names));
  RETURN_IF_ERROR(
      in_range("regressors: their number", options.regressors.size(), size_t{0}, kMaxTerms));
  for (const RegressorOption& it : options.regressors) {
    RETURN_IF_ERROR(names.add("regressors", it.name));
    const Status status = check_scale("prior_scale", it.prior_scale);
    if (!status) return Error(status.error()).with_context("regressors: " + it.name);
  }
  return {};
}

}  // namespace

std::string_view growth_name(Growth growth) {
  switch (growth) {
    case Growth::kFlat:
      return "flat";
    case Growth::kLogistic:
      return "logistic";
    case Growth::kLinear:
      break;
  }
  return "linear";
}

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
  RETURN_IF_ERROR(check_scale("holidays_prior_scale", options.holidays_prior_scale));
  RETURN_IF_ERROR(check_terms(options));
  for (const auto& [name, limit] : {std::pair{"cap", options.cap}, {"floor", options.floor}}) {
    if (!std::isfinite(limit.value_or(0))) {
      return Error(Code::kInvalidArgument, fmt::format("{}: {} is not finite", name, *limit));
    }
  }
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

Status keep_countries(ForecastOptions& options) {
  std::set<std::string> known;
  for (const HolidayOption& it : options.holidays) {
    if (!it.country.empty()) known.insert(it.country);
  }
  for (const std::string& country : options.country_holidays) {
    if (known.contains(country)) continue;
    return Error(Code::kInvalidArgument,
                 fmt::format("country_holidays: the holidays given have none of the country {}: {}",
                             quoted_value(country),
                             known.empty() ? "give a table with a column country"
                                           : fmt::format("there are {}", fmt::join(known, ", "))));
  }
  const std::set<std::string> wanted(options.country_holidays.begin(),
                                     options.country_holidays.end());
  std::erase_if(options.holidays, [&](const HolidayOption& it) {
    return !it.country.empty() && !wanted.contains(it.country);
  });
  return {};
}

}  // namespace thaw::predict
