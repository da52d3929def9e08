// The forecaster: Prophet's model (linear, logistic or flat trend with changepoints; seasonalities,
// holidays and regressors, added to the trend or shares of it), fitted to the maximum of its
// posterior.
//
// Taylor and Letham, "Forecasting at scale" (2018), with the rules of Prophet 1.3 for everything
// that the paper leaves open. Not here: sampling of the posterior (mcmc_samples).
// Thread: any; pure functions that run to completion. Owner: values.
// Limits: those of Series and ForecastOptions, and rows times columns (28 to some hundred) of the
// fit at most 16 million, so that it takes at most 130 MB and, but for wild options, seconds.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "predict/forecast_options.h"
#include "predict/series.h"
#include "predict/wanted.h"

namespace thaw::predict {

/// A sum of sines and cosines of `period_days`, `order` of each.
struct Seasonality {
  std::string name;
  double period_days = 0;
  int order = 0;
  double prior_scale = 0;
  TermMode mode = TermMode::kAdditive;
  std::string condition;  // a column of 0 and 1, or ""
};

/// One feature of a holiday: 1 on its days, each `offset` days from the holiday itself.
struct HolidayFeature {
  std::string holiday;
  std::string name;  // "easter_delim_+1": the order of the features is that of these names
  int offset = 0;
  double prior_scale = 0;
  std::vector<std::chrono::sys_days> days;  // sorted
};

/// A column of the series, standardised: (value - mean) / deviation.
struct Regressor {
  std::string name;
  double prior_scale = 0;
  TermMode mode = TermMode::kAdditive;
  RegressorOption::Standardize standardize = RegressorOption::Standardize::kAuto;
  double mean = 0;
  double deviation = 1;
};

/// How a fit ended and how good it is. All values are in the scaled units of the model.
struct FitFacts {
  enum class End {
    kOptimum,         // a maximum, to rounding; the only one of an additive model without
                      // logistic growth, else the one that Prophet's start leads to
    kConstantSeries,  // nothing to fit: all y are equal
    kExactData,       // the curve can follow all points: sigma went as small as can be computed
    kImported,        // fitted elsewhere
    kStepLimit,       // stopped early; the gradient says how far off
  };
  End end = End::kOptimum;
  /// -T ln(sigma) - sum((y-mu)^2)/(2 sigma^2) - k^2/50 - m^2/50 - sum|delta|/tau - 2 sigma^2
  /// - sum(beta^2/(2 s^2)): Prophet's, constants dropped.
  double log_posterior = 0;
  /// Largest partial derivative over the nonzero parameters, in posterior standard deviations.
  double gradient = 0;
  /// Largest derivative at a delta that is zero, over 1/tau; at the optimum at most 1.
  double slope_at_zero = 0;
  int sigma_steps = 0;
  int active_set_steps = 0;
  int linear_steps = 0;  // linearisations, where the model is not linear
};

/// A fitted model. Times t are scaled so that the history is 0..1, values by y_scale and floor.
struct Model {
  ForecastOptions options;
  Timestamp start;
  double t_scale_s = 1;
  double y_scale = 1;
  double floor = 0;                      // of the scaling; a row's own floor, if any, instead of it
  bool has_floor_column = false;         // logistic growth above a floor: every row has its own
  std::vector<Timestamp> history_dates;  // distinct, sorted, those with missing y too
  std::vector<double> history_t;         // of the rows used for the fit, sorted
  double last_cap = 0, last_floor = 0;   // of the last row, in the units of y
  std::vector<Timestamp> changepoints;   // sorted; empty when the trend may not bend
  std::vector<double> changepoints_t;
  std::vector<Seasonality> seasonalities;  // these three in the order of their columns
  std::vector<HolidayFeature> holidays;
  std::vector<Regressor> regressors;
  double k = 0;               // slope before the first changepoint
  double m = 0;               // offset
  std::vector<double> delta;  // change of slope at each changepoint
  std::vector<double> beta;   // sin, cos, ... of each seasonality; holidays; regressors
  double sigma = 1;           // standard deviation of the noise
  FitFacts facts;
};

/// Fits. kInvalidArgument: an option out of range, fewer than two rows with a value, all rows on
/// one date, a changepoint outside of the history, a column that the options name and the series
/// lacks or that has missing values, more work than kMostFitWork (work.h). kCancelled: nobody wants
/// it any more, which is asked at each step.
Result<Model> fit(const Series& series, const ForecastOptions& options,
                  const IsWanted& is_wanted = nullptr);
/// The same for options that validate() has looked at. Precondition: it was content.
Result<Model> fit_checked(const Series& series, const ForecastOptions& options,
                          const IsWanted& is_wanted);

/// The columns besides ds that rows to be forecast must have: regressors and conditions. (`cap` and
/// `floor` of the last row of the history go on where they have none.)
std::vector<std::string> needed_columns(const Model& model);

/// What a regressor does: one more of it over `center` adds `coef` to the forecast, in the units of
/// y, or, if it is multiplicative, that share of the trend. (Prophet's regressor_coefficients; the
/// bounds that it has of a sampled posterior are no others here.)
struct RegressorCoefficient {
  std::string regressor;
  TermMode mode = TermMode::kAdditive;
  double center = 0;
  double coef = 0;
};
/// One for each regressor, in their order.
std::vector<RegressorCoefficient> regressor_coefficients(const Model& model);

/// What a term adds to the forecast in the units of y, or, if it is multiplicative, its share of
/// the trend.
struct Component {
  std::string name;  // "additive_terms", "weekly", ...
  TermMode mode = TermMode::kAdditive;
  std::vector<double> values;
};

/// One value per row in every column, in the units of y. The bounds are empty when no intervals
/// were asked for.
struct Forecast {
  std::vector<Timestamp> ds;
  std::vector<double> yhat, yhat_lower, yhat_upper;
  std::vector<double> trend, trend_lower, trend_upper;
  std::vector<double> cap, floor;  // of logistic growth; the floor where rows have their own
  std::vector<Component> components;
  size_t history_rows = 0;  // how many of the first rows are not after the last value of y
};

/// The forecast of any rows, e.g. those of future_rows() (future.h), sorted by date; values of y
/// are not looked at. kInvalidArgument: a column is missing, or a value in it; the forecast is not
/// finite.
Result<Forecast> predict(const Model& model, const Series& rows, const IntervalOptions& intervals);

/// The same for dates alone. Precondition: sorted, and needed_columns() is empty.
Forecast predict(const Model& model, const std::vector<Timestamp>& dates,
                 const IntervalOptions& intervals);

}  // namespace thaw::predict
