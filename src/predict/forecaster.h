// The forecaster: Prophet's model (linear or flat trend with changepoints, additive yearly, weekly
// and daily seasonality), fitted to its exact maximum of the posterior.
//
// Taylor and Letham, "Forecasting at scale" (2018), with the rules of Prophet 1.3 for everything
// that the paper leaves open. Not yet: logistic growth, multiplicative terms, holidays, extra
// regressors, custom seasonalities, MCMC.
// Thread: any; pure functions that run to completion. Owner: values.
// Limits: those of Series and ForecastOptions, and rows times columns (28 to some hundred) of the
// fit at most 16 million, so that it takes at most 130 MB and, but for wild options, a second.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "predict/forecast_options.h"
#include "predict/series.h"

namespace thaw::predict {

/// A sum of sines and cosines of `period_days`, `order` of each.
struct Seasonality {
  std::string name;
  double period_days = 0;
  int order = 0;
  double prior_scale = 0;
};

/// How a fit ended and how good it is. All values are in the scaled units of the model.
struct FitFacts {
  enum class End {
    kOptimum,         // the only maximum, to rounding
    kConstantSeries,  // nothing to fit: all y are equal
    kExactData,       // the curve can follow all points: sigma went as small as can be computed
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
};

/// A fitted model. Times t are scaled so that the history is 0..1, values by y_scale and floor.
struct Model {
  ForecastOptions options;
  Timestamp start;
  double t_scale_s = 1;
  double y_scale = 1;
  double floor = 0;
  std::vector<Timestamp> history_dates;  // distinct, sorted, those with missing y too
  std::vector<double> history_t;         // of the rows used for the fit, sorted
  std::vector<Timestamp> changepoints;   // sorted; empty when the trend may not bend
  std::vector<double> changepoints_t;
  std::vector<Seasonality> seasonalities;  // in column order: yearly, weekly, daily
  double k = 0;                            // slope before the first changepoint
  double m = 0;                            // offset
  std::vector<double> delta;               // change of slope at each changepoint
  std::vector<double> beta;                // sin, cos, sin, cos, ... of each seasonality
  double sigma = 1;                        // standard deviation of the noise
  FitFacts facts;
};

/// Fits. kInvalidArgument: an option out of range, fewer than two rows with a value, all rows on
/// one date, a changepoint outside of the history.
Result<Model> fit(const Series& series, const ForecastOptions& options);

struct Component {
  std::string name;  // "additive_terms", "weekly", ...
  std::vector<double> values;
};

/// One value per row in every column, in the units of y. The bounds are empty when no intervals
/// were asked for.
struct Forecast {
  std::vector<Timestamp> ds;
  std::vector<double> yhat, yhat_lower, yhat_upper;
  std::vector<double> trend, trend_lower, trend_upper;
  std::vector<Component> components;
  size_t history_rows = 0;  // how many of the first rows are not after the history's end
};

/// The forecast of any sorted dates, e.g. those of future_dates() (future.h).
Forecast predict(const Model& model, const std::vector<Timestamp>& dates,
                 const IntervalOptions& intervals);

}  // namespace thaw::predict
