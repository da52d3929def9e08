// The model's columns: which seasonalities are on, where the trend may bend, and their values at
// a date. Shared by fitting and predicting. Thread: any. Owner: values.
#pragma once

#include <vector>

#include "predict/forecaster.h"

namespace thaw::predict {

/// The seasonalities that `options` and the sorted dates switch on (rule: a history of two
/// periods, and rows closer than one period). One of the options' own named yearly, weekly or daily
/// stands for the built-in one, unless that is switched on, which then takes its place (as in
/// Prophet).
std::vector<Seasonality> choose_seasonalities(const ForecastOptions& options,
                                              const std::vector<Timestamp>& sorted_ds);

/// Sorted changepoints: those given, else options.n_changepoints of them spread evenly over the
/// rows of the first options.changepoint_range of the history, without its first row.
Result<std::vector<Timestamp>> choose_changepoints(const ForecastOptions& options,
                                                   const std::vector<Timestamp>& sorted_ds);

/// The features of the options' holidays, sorted by name; those of countries only where some day of
/// that name is in a year of the history.
std::vector<HolidayFeature> choose_holidays(const ForecastOptions& options,
                                            const std::vector<Timestamp>& sorted_ds);

/// The 2 * order values sin, cos, sin, cos, ... of a seasonality at a date.
void fourier_features(Timestamp at, const Seasonality& seasonality, double* into);

/// A run of columns that together are one component of the forecast.
struct Term {
  enum class Kind { kSeasonality, kHoliday, kRegressor };
  Kind kind;
  std::string_view name;  // of the component; several runs may have the same
  size_t width;
  TermMode mode;
  double prior_scale;
};

/// All terms, in the order of the columns of beta.
std::vector<Term> terms_of(const Model& model);
/// Columns that all terms have together.
size_t feature_count(const Model& model);

/// Checks that the rows have what the terms need: each column there, no value missing, conditions
/// 0 or 1. kInvalidArgument names column and row.
Status check_features(const Model& model, const Series& rows);

/// The features of rows [begin, end), column after column. Precondition: check_features.
std::vector<double> features_of(const Model& model, const Series& rows, size_t begin, size_t end);

/// What the trend is a function of: slope times t plus offset, bent at the changepoints. A linear
/// trend is this itself, a logistic one cap / (1 + exp(-this)), where m is the time of the middle.
double trend_line(const Model& model, double t);

/// The trend, in scaled units, for a value of trend_line.
double trend_value(Growth growth, double line, double scaled_cap);

}  // namespace thaw::predict
