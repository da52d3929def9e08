// Seasonalities, regressors and holidays as people write them: JSON, a short text, a CSV file.
//
// A list is `[{"name": "monthly", "period": 30.5, "fourier_order": 5}, ...]`, or the same as text:
// items separated by `;`, their members by `,`, the first word being the name:
// `monthly,period=30.5,fourier_order=5;quarterly,period=91.3,fourier_order=3`. The keys are those
// of Prophet's add_seasonality, add_regressor and holidays frame. Thread: any. Owner: values.
// Limits: those of forecast_options.h, checked by its validate().
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "predict/forecast_options.h"

namespace thaw::predict {

/// Keys: name, period, fourier_order; prior_scale, mode, condition_name.
Result<std::vector<SeasonalityOption>> parse_seasonalities(std::string_view text);

/// Keys: name; prior_scale, mode, standardize ("auto", true, false).
Result<std::vector<RegressorOption>> parse_regressors(std::string_view text);

/// A JSON list with the keys holiday, ds; lower_window, upper_window, prior_scale, country; or a
/// CSV file with such columns. (The short text is not for holidays.)
Result<std::vector<HolidayOption>> parse_holidays(std::string_view text);

Result<TermMode> parse_mode(std::string_view text);

}  // namespace thaw::predict
