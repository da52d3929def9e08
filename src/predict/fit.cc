#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "predict/curve_fit.h"
#include "predict/features.h"
#include "predict/forecaster.h"
#include "predict/scaling.h"
#include "predict/work.h"

namespace thaw::predict {
namespace {

constexpr double kConstantSeriesSigma = 1e-9;

/// The rows used for the fit, sorted by date; rows of one date keep their order.
Result<Series> usable_rows(const Series& series) {
  const std::vector<size_t> order = order_by_date(series, RowsOf::kWithValue);
  if (order.size() < 2) {
    return Error(Code::kInvalidArgument,
                 fmt::format("the history has {} rows with a value of y: at least 2 are needed",
                             order.size()));
  }
  Series rows = rows_of(series, order);
  if (rows.ds.front() == rows.ds.back()) {
    return Error(
        Code::kInvalidArgument,
        fmt::format("all {} rows are of one date, {}: at least 2 dates are needed", rows.ds.size(),
                    format_timestamp(rows.ds.front(), ClockPart::kShortest)));
  }
  return rows;
}

std::vector<Timestamp> distinct_dates(std::vector<Timestamp> dates) {
  std::sort(dates.begin(), dates.end());
  dates.erase(std::unique(dates.begin(), dates.end()), dates.end());
  return dates;
}

/// Mean and deviation that a regressor is standardised with.
Regressor choose_regressor(const RegressorOption& option, const ForecastOptions& options,
                           const std::vector<double>& values) {
  using Standardize = RegressorOption::Standardize;
  Regressor chosen{option.name, option.prior_scale.value_or(options.holidays_prior_scale),
                   option.mode.value_or(options.seasonality_mode), option.standardize};
  const bool constant =
      std::all_of(values.begin(), values.end(), [&](double it) { return it == values[0]; });
  const bool binary =
      std::all_of(values.begin(), values.end(), [](double it) { return it == 0 || it == 1; });
  if (constant || option.standardize == Standardize::kNo ||
      (binary && option.standardize == Standardize::kAuto)) {
    return chosen;
  }
  const auto count = static_cast<double>(values.size());
  chosen.mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double squares = 0;
  for (double it : values) squares += (it - chosen.mean) * (it - chosen.mean);
  chosen.deviation = std::sqrt(squares / (count - 1));
  return chosen;
}

Status choose_terms(Model& model, const Series& rows) {
  const ForecastOptions& options = model.options;
  model.seasonalities = choose_seasonalities(options, rows.ds);
  model.holidays = choose_holidays(options, rows.ds);
  for (const RegressorOption& it : options.regressors) {
    model.regressors.push_back(Regressor{it.name});
  }
  RETURN_IF_ERROR(check_features(model, rows));
  for (size_t i = 0; i < model.regressors.size(); ++i) {
    const RegressorOption& option = options.regressors[i];
    model.regressors[i] = choose_regressor(option, options, rows.column(option.name)->values);
    if (!std::isfinite(model.regressors[i].deviation) || model.regressors[i].deviation == 0) {
      return Error(Code::kInvalidArgument,
                   fmt::format("column '{}': its values are too large or too close to each other "
                               "to be standardised",
                               option.name));
    }
  }
  return {};
}

/// The first row of the last date: where Prophet takes the end of its first curve from.
size_t last_date(const CurveProblem& problem) {
  const auto first = std::lower_bound(problem.t.begin(), problem.t.end(), problem.t.back());
  return static_cast<size_t>(first - problem.t.begin());
}

/// The logistic curve through the first and the last value, both moved inside the limits.
void start_logistic(CurveProblem& problem) {
  constexpr double kLowest = 0.01, kHighest = 0.99, kTooClose = 0.01, kApart = 1.05;
  const auto odds = [&](double y, double cap) {
    return cap / std::clamp(y, kLowest * cap, kHighest * cap);
  };
  double first = odds(problem.y.front(), problem.cap.front());
  const double last = odds(problem.y[last_date(problem)], problem.cap[last_date(problem)]);
  if (std::abs(first - last) <= kTooClose) first *= kApart;
  const double from = std::log(first - 1), to = std::log(last - 1);
  problem.start_m = from / (from - to);
  problem.start_k = from - to;
}

void start_linear(CurveProblem& problem) {
  problem.start_k = problem.y[last_date(problem)] - problem.y.front();
  problem.start_m = problem.y.front();
}

CurveProblem curve_problem(const Model& model, const Series& rows, ScaledRows scaled) {
  CurveProblem problem;
  problem.growth = model.options.growth;
  problem.t = model.history_t;
  problem.y = std::move(scaled.y);
  problem.cap = std::move(scaled.cap);
  // A trend without changepoints still gets one bend, at t = 0, as Prophet has it.
  problem.bends = model.changepoints_t.empty() ? std::vector<double>{0} : model.changepoints_t;
  problem.bend_prior_scale = model.options.changepoint_prior_scale;
  problem.features = features_of(model, rows, 0, rows.size());
  for (const Term& it : terms_of(model)) {
    problem.kinds.insert(problem.kinds.end(), it.width, {it.mode, it.prior_scale});
  }
  switch (problem.growth) {
    case Growth::kLogistic:
      start_logistic(problem);
      break;
    case Growth::kLinear:
      start_linear(problem);
      break;
    case Growth::kFlat:
      problem.start_m = std::accumulate(problem.y.begin(), problem.y.end(), 0.0) /
                        static_cast<double>(problem.y.size());
      break;
  }
  return problem;
}

/// Holds time and memory of a fit to seconds and some hundred MiB.
Status check_size(size_t rows, size_t columns) {
  constexpr size_t kMaxCells = 16'000'000, kMaxColumns = 3000;
  if (columns > kMaxColumns) {
    return Error(Code::kInvalidArgument,
                 fmt::format("the model has {} columns, more than {}: use fewer holidays, narrower "
                             "windows, or lower Fourier orders",
                             columns, kMaxColumns));
  }
  if (rows * columns <= kMaxCells && fit_work(rows, columns) <= kMostFitWork) return {};
  return Error(Code::kInvalidArgument,
               fmt::format("the history's {} rows and the model's {} columns are more than can be "
                           "fitted: aggregate the rows, or use fewer changepoints or lower "
                           "Fourier orders",
                           rows, columns));
}

FitFacts::End end_of(RidgeLassoSolution::End end) {
  switch (end) {
    case RidgeLassoSolution::End::kOptimum:
      return FitFacts::End::kOptimum;
    case RidgeLassoSolution::End::kExactData:
      return FitFacts::End::kExactData;
    case RidgeLassoSolution::End::kStepLimit:
      break;
  }
  return FitFacts::End::kStepLimit;
}

void take_solution(Model& model, CurveSolution solution) {
  model.k = solution.k;
  model.m = solution.m;
  if (model.changepoints_t.empty() && !solution.delta.empty()) {
    // The only bend is at t = 0: the line is the same with its change of slope from the start.
    const double slope = model.k + solution.delta[0];
    if (model.options.growth == Growth::kLogistic && slope != 0) model.m *= model.k / slope;
    model.k = slope;
    solution.delta.clear();
  }
  model.delta = std::move(solution.delta);
  model.delta.resize(model.changepoints_t.size(), 0);
  model.beta = std::move(solution.beta);
  const RidgeLassoSolution& facts = solution.facts;
  model.sigma = facts.sigma;
  model.facts = {end_of(facts.end),    facts.log_posterior, facts.gradient,
                 facts.slope_at_zero,  facts.sigma_steps,   facts.active_set_steps,
                 solution.linear_steps};
}

/// Equal values have no noise: the line through them, and nothing else.
void take_constant(Model& model, double scaled_y) {
  model.m = scaled_y;
  model.delta.assign(model.changepoints_t.size(), 0);
  model.beta.assign(feature_count(model), 0);
  model.sigma = kConstantSeriesSigma;
  model.facts.end = FitFacts::End::kConstantSeries;
}

}  // namespace

Result<Model> fit(const Series& series, const ForecastOptions& options, const IsWanted& is_wanted) {
  RETURN_IF_ERROR(validate(options));
  return fit_checked(series, options, is_wanted);
}

Result<Model> fit_checked(const Series& series, const ForecastOptions& options,
                          const IsWanted& is_wanted) {
  ASSIGN_OR_RETURN(Series rows, usable_rows(series));
  Model model;
  model.options = options;
  model.history_dates = distinct_dates(series.ds);
  model.start = rows.ds.front();
  model.t_scale_s = seconds_between(model.start, rows.ds.back());
  const auto scaled_time = [&](Timestamp at) {
    return seconds_between(model.start, at) / model.t_scale_s;
  };
  for (Timestamp at : rows.ds) model.history_t.push_back(scaled_time(at));
  ASSIGN_OR_RETURN(ScaledRows scaled, choose_scale(model, rows));
  RETURN_IF_ERROR(choose_terms(model, rows));
  ASSIGN_OR_RETURN(model.changepoints, choose_changepoints(options, rows.ds));
  for (Timestamp at : model.changepoints) model.changepoints_t.push_back(scaled_time(at));
  const bool constant =
      std::all_of(rows.y.begin(), rows.y.end(), [&](double y) { return y == rows.y[0]; });
  if (constant && options.growth != Growth::kLogistic) {
    take_constant(model, scaled.y[0]);
    return model;
  }
  RETURN_IF_ERROR(check_size(
      rows.size(), 2 + std::max<size_t>(1, model.changepoints.size()) + feature_count(model)));
  CurveProblem problem = curve_problem(model, rows, std::move(scaled));
  problem.is_wanted = is_wanted;
  take_solution(model, fit_curve(problem));
  if (!still(is_wanted)) return Error(Code::kCancelled, "nobody waits for the fit any more");
  return model;
}

}  // namespace thaw::predict
