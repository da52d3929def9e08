// Holidays of countries that a request names without bringing a table of its own.
// Thread: any. Owner: values. Limits: those of the options; a name of a country has letters, digits
// and _ alone, at most 64, so that it can be a file's name.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "predict/forecast_options.h"

namespace thaw::predict {

/// The table of a country: CSV with the columns holiday and ds. kNotFound: there is none.
/// Called where the fit is.
using CountryTable = std::function<Result<std::string>(std::string_view country)>;

/// Adds the tables of those countries of options.country_holidays that no holiday of the options
/// has. Without a `table` nothing is done: what is missing is an error of the fit.
Status add_country_holidays(ForecastOptions& options, const CountryTable& table);

}  // namespace thaw::predict
