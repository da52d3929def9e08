// ForecastOptions: what a person may choose about a forecast, under the names of Prophet's class.
//
// Thread: any. Owner: values. Limits: checked by validate(), each named at its field; at most
// kMaxTerms seasonalities and regressors each, kMaxHolidayNames names of holidays.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "predict/timestamp.h"

namespace thaw::predict {

enum class Growth { kLinear, kFlat, kLogistic };
std::string_view growth_name(Growth growth);  // "linear", "flat", "logistic"
enum class Scaling { kAbsMax, kMinMax };
/// Whether a term is added to the trend, or is a share of it.
enum class TermMode { kAdditive, kMultiplicative };

inline constexpr size_t kMaxTerms = 100;
inline constexpr size_t kMaxHolidayNames = 500;
inline constexpr size_t kMaxCountries = 100;
inline constexpr size_t kMaxHolidayRows = 100'000;
inline constexpr int kMaxHolidayWindow = 1000;        // days before or after a holiday
inline constexpr size_t kMaxHolidayColumns = 3000;    // days of the windows of all names
inline constexpr size_t kMaxHolidayDays = 2'000'000;  // the same of all rows

/// One of the three built-in seasonalities: on by the length of the history, or as told.
struct SeasonalitySwitch {
  enum class Mode { kAuto, kOn, kOff };
  Mode mode = Mode::kAuto;
  std::optional<int> order;  // Fourier order, 1..1000; the seasonality's own default when unset
};

/// A seasonality of one's own, or one of yearly, weekly, daily with other settings.
struct SeasonalityOption {
  std::string name;
  double period_days = 0;             // > 0
  int order = 0;                      // Fourier order, 1..1000
  std::optional<double> prior_scale;  // unset: seasonality_prior_scale
  std::optional<TermMode> mode;       // unset: seasonality_mode
  std::string condition;  // a column of 0 and 1 that says where it holds; "": everywhere
};

/// One day of a holiday. A name may have many.
struct HolidayOption {
  std::string name;
  std::string country;  // used only if country_holidays names it; "": always used
  std::chrono::sys_days day;
  int lower_window = 0;               // -kMaxHolidayWindow..0: days before that have an effect too
  int upper_window = 0;               // 0..kMaxHolidayWindow: days after
  std::optional<double> prior_scale;  // the same for all days of a name; unset:
                                      // holidays_prior_scale
};

/// A column of the series that explains y.
struct RegressorOption {
  enum class Standardize { kAuto, kYes, kNo };  // kAuto: unless it is only 0 and 1
  std::string name;
  std::optional<double> prior_scale;  // unset: holidays_prior_scale
  std::optional<TermMode> mode;       // unset: seasonality_mode
  Standardize standardize = Standardize::kAuto;
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
  TermMode seasonality_mode = TermMode::kAdditive;
  std::vector<SeasonalityOption> seasonalities;
  std::vector<HolidayOption> holidays;
  std::vector<std::string> country_holidays;  // those whose `holidays` are used
  double holidays_prior_scale = 10.0;         // > 0
  std::optional<TermMode> holidays_mode;      // unset: seasonality_mode
  std::vector<RegressorOption> regressors;
  /// Logistic growth's limits where the series has no column of that name.
  std::optional<double> cap, floor;
};

/// Drops the holidays of countries that are not asked for. kInvalidArgument: a country that is
/// asked for has none.
Status keep_countries(ForecastOptions& options);

/// Which dates are forecast.
struct HorizonOptions {
  int periods = 28;                 // 0..kMaxPeriods
  std::optional<std::string> freq;  // see future.h; unset: taken from the history
  bool include_history = false;     // also the dates of the history, before the others
};
inline constexpr int kMaxPeriods = 10'000;
inline constexpr int kMaxSamples = 10'000;

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
