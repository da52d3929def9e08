// A forecast as text: CSV and JSON for programs, a table for people. (plot.h draws it.)
// Thread: any. Owner: values.
#pragma once

#include <string>

#include "predict/forecaster.h"
#include "predict/request.h"

namespace thaw::predict {

/// A header line and a line per row, ended by LF: ds, yhat, its bounds, trend, its bounds, then
/// the components. Numbers have ten significant digits. Dates have a time of day if one of them
/// is not midnight.
std::string forecast_csv(const Forecast& forecast);

/// kJsonList: the rows, each an object with the CSV's columns as keys. kJsonObject (and kCsv):
/// {"forecast": [rows], "model": {freq, growth, seasonalities, log_posterior, ...}}; of regressors
/// also their coefficients.
std::string forecast_json(const ForecastAnswer& answer, BodyForm form);

/// Aligned columns; decimals as the size of the values asks for. Without additive_terms and the
/// trend's bounds, which the other columns tell or few people ask for.
std::string forecast_table(const Forecast& forecast);

}  // namespace thaw::predict
