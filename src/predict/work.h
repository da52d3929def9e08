// What a forecast will cost, told before it is begun: so that a request is refused at once instead
// of holding the server for minutes.
//
// Upper estimates from the options and the rows. Thread: any. Owner: values; the options outlive a
// FitWork. Limits: none of its own.
#pragma once

#include <cstddef>

#include "predict/forecast_options.h"
#include "predict/series.h"

namespace thaw::predict {

/// Multiplications of one fit, some seconds, and of all fits of one request, half a minute.
inline constexpr double kMostFitWork = 4e10;
inline constexpr double kMostFitWorkTogether = 2e11;

/// About: the products of all columns, and a factorisation for each of some twenty steps.
double fit_work(size_t rows, size_t columns);

/// The same before the columns are chosen.
class FitWork {
 public:
  explicit FitWork(const ForecastOptions& options);
  double of(const Series& history) const;

 private:
  const ForecastOptions& options_;
  size_t holiday_columns_ = 0;
  size_t holiday_days_ = 0;
  size_t own_columns_ = 0;  // of seasonalities and regressors of one's own
};

/// Columns that a forecast may have, dates included.
size_t forecast_columns(const ForecastOptions& options);

/// Rows after the history that will be forecast: those given, else those of the history after its
/// last value where the options name columns, else `periods`.
size_t rows_to_forecast(const ForecastOptions& options, const HorizonOptions& horizon,
                        const Series& history, const Series* future);

}  // namespace thaw::predict
