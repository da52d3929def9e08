#include "predict/curve_fit.h"

#include <algorithm>
#include <cmath>

#include "predict/curve_model.h"

namespace thaw::predict {
namespace {

constexpr int kMaxSteps = 200;
constexpr int kMaxHalvings = 6;  // a step that must be shorter wants another direction
constexpr int kPolishEvery = 8;  // steps
/// A step that moves the whole curve by less than this, in units of its noise, and that is
/// expected to gain less log posterior than the second, is the last.
constexpr double kSmallestMove = 1e-9, kSmallestGain = 1e-10;
/// How much of the parameters' own curvature is added where the tangent leads astray.
constexpr double kFirstDamping = 1e-3, kMostDamping = 1e9;
/// Up to this a point counts as a maximum, in posterior standard deviations.
constexpr double kMostGradient = 1e-3;

double squared(const std::vector<double>& values) {
  double sum = 0;
  for (double it : values) sum += it * it;
  return sum;
}

/// How a search begins. Bold: the tangent's own solution at once, which mostly is near the end.
/// Careful: with short steps down the slope, which lead to the maximum on whose slope the start is.
enum class Pace { kBold, kCareful };

class CurveFit {
 public:
  CurveFit(const CurveProblem& problem, Pace pace)
      : model_(problem),
        theta_(model_.start()),
        faster_(pace == Pace::kBold ? 25 : 3),
        damping_(pace == Pace::kBold ? 0 : 1) {}
  CurveSolution run();

 private:
  enum class Outcome { kMoved, kSettled, kStuck };
  /// A way to go, and what the tangent promises at its end.
  struct Way {
    std::vector<double> target;
    double move = 0;  // of the curve, in units of the noise of one row
    double gain = 0;  // in log posterior
  };

  Outcome step();
  bool step_with_free_sigma();
  Outcome step_close_by();
  Way way_to(std::vector<double> target) const;
  Way held_way(double damping) const;
  double advance(const std::vector<double>& target, double least_gain, int halvings);
  bool polish();
  RidgeLassoSolution here() const;
  RidgeLassoSolution facts_here();
  CurveSolution solution_of(RidgeLassoSolution facts) const;

  const CurveModel model_;
  std::vector<double> theta_;
  Curve curve_;
  RidgeLassoProblem linear_;
  RidgeLassoSolution solved_;  // the last one with the noise free
  const double faster_;        // what the damping is divided by after a good step
  double damping_;
  int steps_ = 0;
};

/// The step to `target` and what the tangent says of it. The variance is held.
CurveFit::Way CurveFit::way_to(std::vector<double> target) const {
  const size_t rows = model_.rows();
  std::vector<double> moved(rows, 0), residuals(rows);
  for (size_t j = 0; j < target.size(); ++j) {
    const double change = target[j] - theta_[j];
    if (change == 0) continue;
    const double* column = &linear_.x[j * rows];
    for (size_t i = 0; i < rows; ++i) moved[i] += change * column[i];
  }
  for (size_t i = 0; i < rows; ++i) residuals[i] = model_.problem().y[i] - curve_.mean[i];
  const double before = squared(residuals);
  for (size_t i = 0; i < rows; ++i) residuals[i] -= moved[i];
  Way way;
  way.move = std::sqrt(squared(moved) / curve_.variance);
  way.gain = (before - squared(residuals)) / (2 * curve_.variance) + model_.penalty(theta_) -
             model_.penalty(target);
  way.target = std::move(target);
  return way;
}

/// The way to the tangent's maximum with the noise held, kept near by `damping`.
CurveFit::Way CurveFit::held_way(double damping) const {
  RidgeLassoStart start{theta_, std::sqrt(curve_.variance), RidgeLassoStart::Sigma::kHeld, {}};
  if (damping > 0) {
    for (size_t j = 0; j < theta_.size(); ++j) {
      double square = 0;
      const double* column = &linear_.x[j * model_.rows()];
      for (size_t i = 0; i < model_.rows(); ++i) square += column[i] * column[i];
      const double scale = model_.priors()[j].scale;
      start.damping.push_back(damping * (square / curve_.variance + 1 / (scale * scale)));
    }
  }
  return way_to(solve_ridge_lasso(linear_, start).theta);
}

/// Goes towards the target, half as far each time, until the log posterior has risen by so much.
/// Returns the rise, 0 where there was none.
double CurveFit::advance(const std::vector<double>& target, double least_gain, int halvings) {
  double part = 1;
  for (int halving = 0; halving <= halvings; ++halving, part /= 2) {
    std::vector<double> theta = target;
    if (part < 1) {
      for (size_t j = 0; j < theta.size(); ++j)
        theta[j] = theta_[j] + part * (target[j] - theta_[j]);
    }
    Curve curve = model_.curve_at(theta);
    const double gain = curve_.objective - curve.objective;
    if (!(gain > std::max(part * least_gain, 0.0))) continue;
    theta_ = std::move(theta);
    curve_ = std::move(curve);
    return gain;
  }
  return 0;
}

/// The tangent's own best noise is taken along, so that the end is reached in few steps.
bool CurveFit::step_with_free_sigma() {
  const RidgeLassoStart start{
      theta_, steps_ == 1 ? 1 : std::sqrt(curve_.variance), RidgeLassoStart::Sigma::kFree, {}};
  solved_ = solve_ridge_lasso(linear_, start);
  // A tangent that meets all points says nothing of the curve's noise.
  if (solved_.end == RidgeLassoSolution::End::kExactData) return false;
  const Way way = way_to(solved_.theta);
  return way.move >= kSmallestMove && advance(way.target, 0, kMaxHalvings) > 0;
}

/// Shorter and shorter steps, each more along the slope than the one before (Levenberg, 1944).
CurveFit::Outcome CurveFit::step_close_by() {
  constexpr double kSlower = 5, kEnough = 1e-3, kRounding = 1e-14;
  for (; damping_ < kMostDamping; damping_ *= kSlower) {
    const Way way = held_way(damping_);
    if (!(way.gain > kRounding * std::abs(curve_.objective))) break;
    const double gain = advance(way.target, kEnough * way.gain, 0);
    if (gain == 0) continue;
    if (gain > way.gain / 2) damping_ /= faster_;
    if (damping_ < kFirstDamping) damping_ = 0;
    return Outcome::kMoved;
  }
  damping_ = 0;
  return Outcome::kStuck;
}

CurveFit::Outcome CurveFit::step() {
  constexpr double kEnough = 0.1;  // of what the tangent promises
  model_.linearise(theta_, curve_, linear_);
  if (damping_ > 0) return step_close_by();
  if (step_with_free_sigma()) return Outcome::kMoved;
  const Way way = held_way(0);
  if (way.move < kSmallestMove && way.gain < kSmallestGain) {
    // Bends that are nearly one another may have been kept out by rounding: damping tells them
    // apart.
    if (here().slope_at_zero < 1 + kMostGradient) return Outcome::kSettled;
  } else if (advance(way.target, kEnough * way.gain, 1) > 0) {
    return Outcome::kMoved;
  }
  damping_ = kFirstDamping;
  return step_close_by();
}

/// Whether Newton steps gained anything worth a further look.
bool CurveFit::polish() {
  std::vector<double> theta = polish_curve(model_, theta_);
  Curve curve = model_.curve_at(theta);
  const double gain = curve_.objective - curve.objective;
  if (!(gain > 0)) return false;
  theta_ = std::move(theta);
  curve_ = std::move(curve);
  return gain > kSmallestGain;
}

/// How good the point is where the search stands and the curve was linearised.
RidgeLassoSolution CurveFit::here() const {
  return examine_ridge_lasso(
      linear_, {theta_, std::sqrt(curve_.variance), RidgeLassoStart::Sigma::kHeld, {}});
}

RidgeLassoSolution CurveFit::facts_here() {
  using End = RidgeLassoSolution::End;
  model_.linearise(theta_, curve_, linear_);
  RidgeLassoSolution facts = here();
  const bool flat = facts.gradient < kMostGradient && facts.slope_at_zero < 1 + kMostGradient;
  facts.end = curve_.variance <= kSmallestCurveVariance ? End::kExactData
              : flat                                    ? End::kOptimum
                                                        : End::kStepLimit;
  facts.sigma_steps = solved_.sigma_steps;
  facts.active_set_steps = solved_.active_set_steps;
  facts.log_posterior = -curve_.objective;
  return facts;
}

CurveSolution CurveFit::solution_of(RidgeLassoSolution facts) const {
  CurveSolution solution;
  solution.k = model_.has_slope() ? theta_[0] : 0;
  solution.m = theta_[model_.first_delta() - 1];
  const auto at = [&](size_t j) { return theta_.begin() + static_cast<std::ptrdiff_t>(j); };
  solution.delta.assign(at(model_.first_delta()), at(model_.first_beta()));
  solution.beta.assign(at(model_.first_beta()), theta_.end());
  solution.facts = std::move(facts);
  solution.linear_steps = steps_;
  return solution;
}

CurveSolution CurveFit::run() {
  curve_ = model_.curve_at(theta_);
  if (model_.is_linear()) {
    model_.linearise(theta_, curve_, linear_);
    RidgeLassoSolution facts = solve_ridge_lasso(linear_);
    theta_ = facts.theta;
    steps_ = 1;
    return solution_of(std::move(facts));
  }
  while (steps_ < kMaxSteps && still(model_.problem().is_wanted)) {
    ++steps_;
    const Outcome outcome = step();
    if (outcome == Outcome::kSettled) break;
    const bool looks = outcome == Outcome::kStuck || steps_ % kPolishEvery == 0;
    const bool gained = looks && polish();
    if (outcome == Outcome::kStuck && !gained) break;
  }
  return solution_of(facts_here());
}

}  // namespace

CurveSolution fit_curve(const CurveProblem& problem) {
  CurveSolution bold = CurveFit(problem, Pace::kBold).run();
  if (CurveModel(problem).is_linear()) return bold;
  // There may be several maxima: the better of two that are near the start.
  constexpr double kBetter = 1e-6;
  CurveSolution careful = CurveFit(problem, Pace::kCareful).run();
  const double gain = careful.facts.log_posterior - bold.facts.log_posterior;
  return gain > kBetter ? careful : bold;
}

}  // namespace thaw::predict
