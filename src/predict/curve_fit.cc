#include "predict/curve_fit.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace thaw::predict {
namespace {

constexpr double kTrendPriorScale = 5;  // of k and m
constexpr int kMaxSteps = 200;
constexpr int kMaxHalvings = 30;
/// A step that moves the whole curve by less than this, in units of its noise, is the last.
constexpr double kSmallestMove = 1e-9;

/// A curve for some parameters.
struct Curve {
  std::vector<double> trend;
  std::vector<double> trend_slope;  // by the trend's line
  std::vector<double> factor;       // 1 + the multiplicative terms
  std::vector<double> mean;
  double variance = 1;   // the best for the residuals
  double objective = 0;  // minus the log posterior
};

class CurveFit {
 public:
  explicit CurveFit(const CurveProblem& problem);
  CurveSolution run();

 private:
  bool is_linear() const;
  Curve curve_at(const std::vector<double>& theta) const;
  void set_trend(const std::vector<double>& theta, Curve& curve) const;
  void linearise(const std::vector<double>& theta, const Curve& curve);
  double move_along(const std::vector<double>& direction) const;
  bool descend(const std::vector<double>& target);
  CurveSolution solution_of(RidgeLassoSolution facts, int steps) const;

  const CurveProblem& in_;
  const size_t rows_;
  const bool bent_;           // k and deltas are parameters
  const size_t first_delta_;  // where in theta; m is before it
  const size_t first_beta_;
  std::vector<double> theta_;
  Curve curve_;
  RidgeLassoProblem linear_;
};

CurveFit::CurveFit(const CurveProblem& problem)
    : in_(problem),
      rows_(problem.t.size()),
      bent_(problem.growth != Growth::kFlat),
      first_delta_(bent_ ? 2 : 1),
      first_beta_(first_delta_ + (bent_ ? problem.bends.size() : 0)) {
  using Kind = CoefficientPrior::Kind;
  CHECK(in_.y.size() == rows_ && in_.features.size() == rows_ * in_.kinds.size());
  CHECK(in_.growth != Growth::kLogistic || in_.cap.size() == rows_);
  linear_.rows = rows_;
  linear_.priors.assign(first_delta_, {Kind::kNormal, kTrendPriorScale});
  linear_.priors.resize(first_beta_, {Kind::kLaplace, in_.bend_prior_scale});
  for (const CurveFeature& it : in_.kinds)
    linear_.priors.push_back({Kind::kNormal, it.prior_scale});
  linear_.x.resize(rows_ * linear_.priors.size());
  theta_.assign(linear_.priors.size(), 0);
  if (is_linear()) return;  // needs no start
  if (bent_) theta_[0] = in_.start_k;
  theta_[first_delta_ - 1] = in_.start_m;
}

bool CurveFit::is_linear() const {
  return in_.growth != Growth::kLogistic &&
         std::none_of(in_.kinds.begin(), in_.kinds.end(),
                      [](const CurveFeature& it) { return it.mode == TermMode::kMultiplicative; });
}

void CurveFit::set_trend(const std::vector<double>& theta, Curve& curve) const {
  const bool logistic = in_.growth == Growth::kLogistic;
  const double m = theta[first_delta_ - 1];
  double slope = bent_ ? theta[0] : 0, offset = logistic ? -slope * m : m;
  size_t next = 0;
  curve.trend.resize(rows_);
  curve.trend_slope.assign(rows_, 1);
  for (size_t i = 0; i < rows_; ++i) {
    while (bent_ && next < in_.bends.size() && in_.t[i] >= in_.bends[next]) {
      slope += theta[first_delta_ + next];
      offset -= theta[first_delta_ + next] * in_.bends[next];
      ++next;
    }
    const double line = slope * in_.t[i] + offset;
    if (!logistic) {
      curve.trend[i] = line;
      continue;
    }
    const double share = 1 / (1 + std::exp(-line));
    curve.trend[i] = in_.cap[i] * share;
    curve.trend_slope[i] = in_.cap[i] * share * (1 - share);
  }
}

Curve CurveFit::curve_at(const std::vector<double>& theta) const {
  Curve curve;
  set_trend(theta, curve);
  curve.factor.assign(rows_, 1);
  curve.mean.assign(rows_, 0);
  for (size_t j = 0; j < in_.kinds.size(); ++j) {
    const double beta = theta[first_beta_ + j];
    if (beta == 0) continue;
    const double* x = &in_.features[j * rows_];
    auto& into = in_.kinds[j].mode == TermMode::kAdditive ? curve.mean : curve.factor;
    for (size_t i = 0; i < rows_; ++i) into[i] += beta * x[i];
  }
  double residual_sum = 0;
  for (size_t i = 0; i < rows_; ++i) {
    curve.mean[i] += curve.trend[i] * curve.factor[i];
    residual_sum += (in_.y[i] - curve.mean[i]) * (in_.y[i] - curve.mean[i]);
  }
  double penalty = 0;
  for (size_t j = 0; j < theta.size(); ++j) {
    const CoefficientPrior& prior = linear_.priors[j];
    const double size = std::abs(theta[j]) / prior.scale;
    penalty += prior.kind == CoefficientPrior::Kind::kNormal ? size * size / 2 : size;
  }
  const auto rows = static_cast<double>(rows_);
  const double v = curve.variance = best_variance(rows, residual_sum);
  curve.objective = rows / 2 * std::log(v) + residual_sum / (2 * v) + 2 * v + penalty;
  if (std::isnan(curve.objective)) curve.objective = INFINITY;
  return curve;
}

/// Sets linear_ to the problem whose mean is the curve's tangent at theta.
void CurveFit::linearise(const std::vector<double>& theta, const Curve& curve) {
  const bool logistic = in_.growth == Growth::kLogistic;
  double* x = linear_.x.data();
  const auto add = [&](auto value_at) {
    for (size_t i = 0; i < rows_; ++i) *x++ = value_at(i);
  };
  const auto by_line = [&](size_t i) { return curve.trend_slope[i] * curve.factor[i]; };
  if (bent_) {
    const double middle = logistic ? theta[1] : 0;
    add([&](size_t i) { return by_line(i) * (in_.t[i] - middle); });
  }
  const double by_m = logistic ? -theta[0] : 1;
  add([&](size_t i) { return by_line(i) * by_m; });
  if (bent_) {
    for (double bend : in_.bends) {
      add([&](size_t i) { return in_.t[i] >= bend ? by_line(i) * (in_.t[i] - bend) : 0; });
    }
  }
  for (size_t j = 0; j < in_.kinds.size(); ++j) {
    const double* feature = &in_.features[j * rows_];
    const bool additive = in_.kinds[j].mode == TermMode::kAdditive;
    add([&](size_t i) { return additive ? feature[i] : curve.trend[i] * feature[i]; });
  }
  linear_.y = in_.y;
  for (size_t i = 0; i < rows_; ++i) linear_.y[i] -= curve.mean[i];
  for (size_t j = 0; j < theta.size(); ++j) {
    if (theta[j] == 0) continue;
    const double* column = &linear_.x[j * rows_];
    for (size_t i = 0; i < rows_; ++i) linear_.y[i] += theta[j] * column[i];
  }
}

/// How far a change of theta moves the linearised curve, in units of the noise of one row.
double CurveFit::move_along(const std::vector<double>& direction) const {
  std::vector<double> moved(rows_, 0);
  for (size_t j = 0; j < direction.size(); ++j) {
    if (direction[j] == 0) continue;
    const double* column = &linear_.x[j * rows_];
    for (size_t i = 0; i < rows_; ++i) moved[i] += direction[j] * column[i];
  }
  double sum = 0;
  for (double it : moved) sum += it * it;
  return std::sqrt(sum / curve_.variance);
}

/// Goes towards the target, half as far each time, until the posterior is higher than here.
bool CurveFit::descend(const std::vector<double>& target) {
  double part = 1;
  for (int halving = 0; halving < kMaxHalvings; ++halving, part /= 2) {
    std::vector<double> theta = target;
    if (part < 1) {
      for (size_t j = 0; j < theta.size(); ++j)
        theta[j] = theta_[j] + part * (target[j] - theta_[j]);
    }
    Curve curve = curve_at(theta);
    if (!(curve.objective < curve_.objective)) continue;
    theta_ = std::move(theta);
    curve_ = std::move(curve);
    return true;
  }
  return false;
}

CurveSolution CurveFit::solution_of(RidgeLassoSolution facts, int steps) const {
  CurveSolution solution;
  solution.k = bent_ ? theta_[0] : 0;
  solution.m = theta_[first_delta_ - 1];
  const auto at = [&](size_t j) { return theta_.begin() + static_cast<std::ptrdiff_t>(j); };
  solution.delta.assign(at(first_delta_), at(first_beta_));
  solution.beta.assign(at(first_beta_), theta_.end());
  solution.facts = std::move(facts);
  solution.linear_steps = steps;
  return solution;
}

CurveSolution CurveFit::run() {
  using End = RidgeLassoSolution::End;
  curve_ = curve_at(theta_);
  linearise(theta_, curve_);
  if (is_linear()) {
    RidgeLassoSolution facts = solve_ridge_lasso(linear_);
    theta_ = facts.theta;
    return solution_of(std::move(facts), 1);
  }
  RidgeLassoSolution facts;
  int steps = 0;
  for (End end = End::kStepLimit; end == End::kStepLimit && steps < kMaxSteps;) {
    if (steps++ > 0) linearise(theta_, curve_);
    RidgeLassoStart start{theta_, steps == 1 ? 1 : std::sqrt(curve_.variance)};
    facts = solve_ridge_lasso(linear_, start);
    std::vector<double> change = facts.theta;
    for (size_t j = 0; j < change.size(); ++j) change[j] -= theta_[j];
    const double move = move_along(change);
    bool descended = descend(facts.theta);
    if (!descended && move > kSmallestMove) {
      start = {theta_, std::sqrt(curve_.variance), RidgeLassoStart::Sigma::kHeld};
      descended = descend(solve_ridge_lasso(linear_, start).theta);
    }
    if (facts.end == End::kExactData) {
      end = End::kExactData;
    } else if (!descended || move < kSmallestMove) {
      end = End::kOptimum;
    }
    facts.end = end;
  }
  facts.sigma = std::sqrt(curve_.variance);
  facts.log_posterior = -curve_.objective;
  return solution_of(std::move(facts), steps);
}

}  // namespace

CurveSolution fit_curve(const CurveProblem& problem) { return CurveFit(problem).run(); }

}  // namespace thaw::predict
