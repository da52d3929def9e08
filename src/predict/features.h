// The model's columns: which seasonalities are on, where the trend may bend, and their values at
// a date. Shared by fitting and predicting. Thread: any. Owner: values.
#pragma once

#include <vector>

#include "predict/forecaster.h"

namespace thaw::predict {

/// The seasonalities that `options` and the sorted dates switch on (rule: a history of two
/// periods, and rows closer than one period).
std::vector<Seasonality> choose_seasonalities(const ForecastOptions& options,
                                              const std::vector<Timestamp>& sorted_ds);

/// Sorted changepoints: those given, else options.n_changepoints of them spread evenly over the
/// rows of the first options.changepoint_range of the history, without its first row.
Result<std::vector<Timestamp>> choose_changepoints(const ForecastOptions& options,
                                                   const std::vector<Timestamp>& sorted_ds);

/// The 2 * order values sin, cos, sin, cos, ... of a seasonality at a date.
void fourier_features(Timestamp at, const Seasonality& seasonality, double* into);

/// Columns that all seasonalities have together.
size_t feature_count(const std::vector<Seasonality>& seasonalities);

/// The trend at scaled time t, in scaled units.
double trend_at(const Model& model, double t);

}  // namespace thaw::predict
