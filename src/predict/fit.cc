#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "predict/features.h"
#include "predict/forecaster.h"
#include "predict/ridge_lasso.h"

namespace thaw::predict {
namespace {

constexpr double kTrendPriorScale = 5;  // of k and m
constexpr double kConstantSeriesSigma = 1e-9;
constexpr double kSmallestScale = 1e-200, kLargestScale = 1e200;  // so that forecasts stay finite

/// The rows used for the fit, sorted by date; rows of one date keep their order.
struct Rows {
  std::vector<Timestamp> ds;
  std::vector<double> y;
};

Result<Rows> usable_rows(const Series& series) {
  std::vector<size_t> order;
  for (size_t i = 0; i < series.size(); ++i) {
    if (!std::isnan(series.y[i])) order.push_back(i);
  }
  const auto by_date = [&](size_t a, size_t b) { return series.ds[a] < series.ds[b]; };
  if (!std::is_sorted(order.begin(), order.end(), by_date)) {
    std::stable_sort(order.begin(), order.end(), by_date);
  }
  if (order.size() < 2) {
    return Error(Code::kInvalidArgument,
                 fmt::format("the history has {} rows with a value of y: at least 2 are needed",
                             order.size()));
  }
  Rows rows;
  for (size_t i : order) {
    rows.ds.push_back(series.ds[i]);
    rows.y.push_back(series.y[i]);
  }
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

/// Sets floor and y_scale, and makes y scaled.
Status scale_values(Model& model, std::vector<double>& y) {
  const auto [low, high] = std::minmax_element(y.begin(), y.end());
  const bool by_range = model.options.scaling == Scaling::kMinMax;
  model.floor = by_range ? *low : 0;
  model.y_scale = by_range ? *high - *low : std::max(std::abs(*low), std::abs(*high));
  if (model.y_scale == 0) model.y_scale = 1;
  if (!(model.y_scale > kSmallestScale && model.y_scale < kLargestScale)) {
    return Error(Code::kInvalidArgument,
                 fmt::format("the values of y, {} to {}, are too large or too small to be scaled",
                             *low, *high));
  }
  for (double& value : y) value = (value - model.floor) / model.y_scale;
  return {};
}

/// The columns k, m, one per changepoint, then the seasonalities; a flat trend has only m.
RidgeLassoProblem build_problem(const Model& model, const Rows& rows,
                                const std::vector<double>& bends) {
  RidgeLassoProblem problem;
  problem.rows = rows.ds.size();
  problem.y = rows.y;
  const size_t features = feature_count(model.seasonalities);
  const bool bent = model.options.growth == Growth::kLinear;
  problem.x.reserve(problem.rows * (2 + bends.size() + features));
  const auto add = [&](CoefficientPrior::Kind kind, double scale, auto value_at) {
    problem.priors.push_back({kind, scale});
    for (double t : model.history_t) problem.x.push_back(value_at(t));
  };
  if (bent) add(CoefficientPrior::Kind::kNormal, kTrendPriorScale, [](double t) { return t; });
  add(CoefficientPrior::Kind::kNormal, kTrendPriorScale, [](double) { return 1.0; });
  if (bent) {
    for (double bend : bends) {
      add(CoefficientPrior::Kind::kLaplace, model.options.changepoint_prior_scale,
          [bend](double t) { return t >= bend ? t - bend : 0.0; });
    }
  }
  for (const Seasonality& seasonality : model.seasonalities) {
    const size_t width = 2 * static_cast<size_t>(seasonality.order), start = problem.x.size();
    problem.x.resize(start + width * problem.rows);
    std::vector<double> row(width);
    for (size_t i = 0; i < problem.rows; ++i) {
      fourier_features(rows.ds[i], seasonality, row.data());
      for (size_t c = 0; c < width; ++c) problem.x[start + c * problem.rows + i] = row[c];
    }
    problem.priors.insert(problem.priors.end(), width,
                          {CoefficientPrior::Kind::kNormal, seasonality.prior_scale});
  }
  return problem;
}

/// Holds time and memory of a fit to seconds and some hundred MiB.
Status check_size(size_t rows, size_t columns) {
  constexpr size_t kMaxCells = 16'000'000;
  if (rows * columns <= kMaxCells) return {};
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

/// Puts the solution's coefficients, which are in the order of build_problem, into the model.
void take_solution(Model& model, const RidgeLassoSolution& solution, size_t bends) {
  auto next = solution.theta.begin();
  const bool bent = model.options.growth == Growth::kLinear;
  model.k = bent ? *next++ : 0;
  model.m = *next++;
  model.delta.assign(model.changepoints_t.size(), 0);
  if (bent) {
    if (model.changepoints_t.empty()) {
      model.k += *next;  // the only bend is at t = 0
    } else {
      std::copy_n(next, bends, model.delta.begin());
    }
    next += static_cast<std::ptrdiff_t>(bends);
  }
  model.beta.assign(next, solution.theta.end());
  model.sigma = solution.sigma;
  model.facts = {end_of(solution.end),   solution.log_posterior, solution.gradient,
                 solution.slope_at_zero, solution.sigma_steps,   solution.active_set_steps};
}

/// Equal values have no noise: the line through them, and nothing else.
void take_constant(Model& model, double scaled_y) {
  model.m = scaled_y;
  model.delta.assign(model.changepoints_t.size(), 0);
  model.beta.assign(feature_count(model.seasonalities), 0);
  model.sigma = kConstantSeriesSigma;
  model.facts.end = FitFacts::End::kConstantSeries;
}

}  // namespace

Result<Model> fit(const Series& series, const ForecastOptions& options) {
  RETURN_IF_ERROR(validate(options));
  ASSIGN_OR_RETURN(Rows rows, usable_rows(series));
  Model model;
  model.options = options;
  model.history_dates = distinct_dates(series.ds);
  model.start = rows.ds.front();
  model.t_scale_s = seconds_between(model.start, rows.ds.back());
  const auto scaled_time = [&](Timestamp at) {
    return seconds_between(model.start, at) / model.t_scale_s;
  };
  for (Timestamp at : rows.ds) model.history_t.push_back(scaled_time(at));
  RETURN_IF_ERROR(scale_values(model, rows.y));
  model.seasonalities = choose_seasonalities(options, rows.ds);
  ASSIGN_OR_RETURN(model.changepoints, choose_changepoints(options, rows.ds));
  for (Timestamp at : model.changepoints) model.changepoints_t.push_back(scaled_time(at));
  if (std::all_of(rows.y.begin(), rows.y.end(), [&](double y) { return y == rows.y[0]; })) {
    take_constant(model, rows.y[0]);
    return model;
  }
  // A trend without changepoints still gets one bend, at t = 0, as Prophet has it.
  const std::vector<double> bends =
      model.changepoints_t.empty() ? std::vector<double>{0} : model.changepoints_t;
  RETURN_IF_ERROR(
      check_size(rows.ds.size(), 2 + bends.size() + feature_count(model.seasonalities)));
  take_solution(model, solve_ridge_lasso(build_problem(model, rows, bends)), bends.size());
  return model;
}

}  // namespace thaw::predict
