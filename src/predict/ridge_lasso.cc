#include "predict/ridge_lasso.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace thaw::predict {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

// Below this the noise is rounding: the data are met exactly and the posterior has no maximum.
constexpr double kSmallestSigma = 1e-11;
constexpr double kSmallestPivot = 1e-13;  // of a diagonal of ones
constexpr int kMaxSigmaSteps = 200;
constexpr int kMaxActiveSetSteps = 2000;
constexpr int kPolishSteps = 3;

/// Where the search stands. The sign of a Laplace column is +1 or -1 while it is active, else 0.
struct State {
  double variance = 1;
  VectorXd theta;
  VectorXd sign;
  std::vector<Index> active;  // columns that may move: all normal ones, and Laplace ones
};

class Solver {
 public:
  Solver(const RidgeLassoProblem& problem, const RidgeLassoStart& start);
  RidgeLassoSolution run();
  RidgeLassoSolution examine();

 private:
  RidgeLassoSolution::End search(int& sigma_steps);
  bool solve_given_variance();
  bool factorise();
  bool factorise_rows();
  VectorXd factor_solve(const VectorXd& right) const;
  void recentre();
  VectorXd slope() const { return moment_ - gram_ * (at_.theta - centre_); }
  double step_towards(const VectorXd& target);
  bool admit_worst();
  double residual_sum() const;
  double objective(double residual) const;
  double newton_variance(double residual) const;
  void damp(const std::vector<double>& damping);
  void polish();
  void report(RidgeLassoSolution& solution) const;
  VectorXd penalty_slope() const;

  const IsWanted& is_wanted_;
  const double rows_;
  const RidgeLassoStart::Sigma sigma_kind_;
  Eigen::Map<const MatrixXd> x_;
  Eigen::Map<const VectorXd> y_;
  MatrixXd gram_;
  // Residuals are told from those of `centre_`, which were computed from the rows, so that little
  // noise on large values does not get lost between the products.
  VectorXd centre_;
  VectorXd moment_;    // X'(y - X centre)
  double square_ = 0;  // |y - X centre|^2
  VectorXd ridge_;     // 1/s^2 of normal columns, else 0
  VectorXd lasso_;     // 1/s of Laplace columns, else 0
  State at_;
  std::vector<bool> barred_;      // Laplace columns that others already span, for this variance
  Eigen::LDLT<MatrixXd> factor_;  // of gram + variance * ridge, on the active columns, scaled
  VectorXd factor_scale_;         // to a diagonal of ones by these
  MatrixXd rows_factor_;          // of x, once it was needed: the same of the rows themselves
  MatrixXd triangle_;             // then the factor is this; else it is empty
  int active_set_steps_ = 0;
  VectorXd damping_;  // of the Gram matrix' diagonal; empty: none
};

Solver::Solver(const RidgeLassoProblem& problem, const RidgeLassoStart& start)
    : is_wanted_(problem.is_wanted),
      rows_(static_cast<double>(problem.rows)),
      sigma_kind_(start.kind),
      x_(problem.x.data(), static_cast<Index>(problem.rows),
         static_cast<Index>(problem.priors.size())),
      y_(problem.y.data(), static_cast<Index>(problem.rows)) {
  const Index columns = x_.cols();
  CHECK(problem.x.size() == problem.rows * problem.priors.size());
  CHECK(problem.y.size() == problem.rows);
  gram_ = MatrixXd::Zero(columns, columns);
  gram_.selfadjointView<Eigen::Lower>().rankUpdate(x_.transpose());
  gram_.triangularView<Eigen::StrictlyUpper>() = gram_.transpose();
  ridge_ = VectorXd::Zero(columns);
  lasso_ = VectorXd::Zero(columns);
  for (Index j = 0; j < columns; ++j) {
    const CoefficientPrior& prior = problem.priors[static_cast<size_t>(j)];
    if (prior.kind == CoefficientPrior::Kind::kNormal) {
      ridge_[j] = 1 / (prior.scale * prior.scale);
      at_.active.push_back(j);
    } else {
      lasso_[j] = 1 / prior.scale;
    }
  }
  at_.theta = VectorXd::Zero(columns);
  at_.sign = VectorXd::Zero(columns);
  at_.variance = start.sigma * start.sigma;
  if (start.theta.empty()) {
    recentre();
    return;
  }
  CHECK(start.theta.size() == problem.priors.size());
  for (Index j = 0; j < columns; ++j) {
    at_.theta[j] = start.theta[static_cast<size_t>(j)];
    if (lasso_[j] == 0 || at_.theta[j] == 0) continue;
    at_.sign[j] = at_.theta[j] > 0 ? 1 : -1;
    at_.active.push_back(j);
  }
  recentre();
  if (!start.damping.empty()) damp(start.damping);
}

/// From here on residuals are told from those of the present theta.
void Solver::recentre() {
  centre_ = at_.theta;
  const VectorXd residuals = y_ - x_ * centre_;
  moment_ = x_.transpose() * residuals;
  square_ = residuals.squaredNorm();
}

/// As rows of their own that the start, which is the centre, meets.
void Solver::damp(const std::vector<double>& damping) {
  CHECK(sigma_kind_ == RidgeLassoStart::Sigma::kHeld && damping.size() == size_t(x_.cols()));
  damping_ = at_.variance * Eigen::Map<const VectorXd>(damping.data(), x_.cols());
  gram_.diagonal() += damping_;
}

/// False when the active columns are linearly dependent to rounding.
bool Solver::factorise() {
  MatrixXd matrix = gram_(at_.active, at_.active);
  for (size_t i = 0; i < at_.active.size(); ++i) {
    const auto diagonal = static_cast<Index>(i);
    matrix(diagonal, diagonal) += at_.variance * ridge_[at_.active[i]];
  }
  factor_scale_ = matrix.diagonal().cwiseMax(std::numeric_limits<double>::min()).cwiseSqrt();
  factor_scale_ = factor_scale_.cwiseInverse();
  factor_.compute(factor_scale_.asDiagonal() * matrix * factor_scale_.asDiagonal());
  triangle_.resize(0, 0);
  const VectorXd pivots = factor_.vectorD();
  return pivots.size() == 0 || pivots.minCoeff() > kSmallestPivot * pivots.maxCoeff() ||
         factorise_rows();
}

/// The same from the rows, not from their products, which know only half of the digits: columns
/// that only their priors tell apart need them where there is little noise.
bool Solver::factorise_rows() {
  constexpr double kSmallestEdge = 1e-10;  // of columns of length one
  if (rows_factor_.size() == 0) {
    const Eigen::HouseholderQR<MatrixXd> whole(x_);
    rows_factor_ = whole.matrixQR().topRows(std::min(x_.rows(), x_.cols()));
    rows_factor_ = MatrixXd(rows_factor_.triangularView<Eigen::Upper>());
  }
  const auto count = static_cast<Index>(at_.active.size());
  VectorXd own = at_.variance * ridge_;
  if (damping_.size() > 0) own += damping_;
  MatrixXd stacked(rows_factor_.rows() + count, count);
  stacked.topRows(rows_factor_.rows()) = rows_factor_(Eigen::all, at_.active);
  stacked.bottomRows(count) = MatrixXd(own(at_.active).cwiseSqrt().asDiagonal());
  stacked = stacked * factor_scale_.asDiagonal();
  const Eigen::HouseholderQR<MatrixXd> factor(stacked);
  triangle_ = MatrixXd(factor.matrixQR().topRows(count).triangularView<Eigen::Upper>());
  const VectorXd edges = triangle_.diagonal().cwiseAbs();
  return edges.minCoeff() > kSmallestEdge;
}

VectorXd Solver::factor_solve(const VectorXd& right) const {
  VectorXd scaled = factor_scale_.cwiseProduct(right);
  if (triangle_.size() == 0) return factor_scale_.cwiseProduct(factor_.solve(scaled));
  const auto upper = triangle_.triangularView<Eigen::Upper>();
  triangle_.transpose().triangularView<Eigen::Lower>().solveInPlace(scaled);
  upper.solveInPlace(scaled);
  return factor_scale_.cwiseProduct(scaled);
}

/// Moves theta to `target` (active columns), but only as far as the first active Laplace column
/// that reaches zero; columns at zero leave the active set. Returns the part of the way gone.
double Solver::step_towards(const VectorXd& target) {
  const size_t count = at_.active.size();
  std::vector<double> reach(count, INFINITY);  // the part of the way after which it is zero
  double part = 1;
  for (size_t i = 0; i < count; ++i) {
    const Index j = at_.active[i];
    const double from = at_.theta[j], to = target[static_cast<Index>(i)];
    if (lasso_[j] == 0 || to * at_.sign[j] > 0) continue;
    reach[i] = from == 0 ? 0 : from / (from - to);
    part = std::min(part, reach[i]);
  }
  std::vector<Index> staying;
  for (size_t i = 0; i < count; ++i) {
    const Index j = at_.active[i];
    if (reach[i] <= part) {
      at_.theta[j] = 0;
      at_.sign[j] = 0;
    } else {
      at_.theta[j] += part * (target[static_cast<Index>(i)] - at_.theta[j]);
      staying.push_back(j);
    }
  }
  at_.active = std::move(staying);
  return part;
}

/// Takes the Laplace column whose slope at zero beats its penalty by most into the active set.
bool Solver::admit_worst() {
  constexpr double kSlack = 1e-9;  // relative: the slope is known to rounding only
  const VectorXd slope = this->slope();
  Index worst = -1;
  double worst_excess = kSlack;
  for (Index j = 0; j < slope.size(); ++j) {
    if (lasso_[j] == 0 || at_.sign[j] != 0 || barred_[static_cast<size_t>(j)]) continue;
    const double excess = std::abs(slope[j]) / (at_.variance * lasso_[j]) - 1;
    if (excess > worst_excess) {
      worst = j;
      worst_excess = excess;
    }
  }
  if (worst < 0) return false;
  at_.sign[worst] = slope[worst] > 0 ? 1 : -1;
  at_.active.push_back(worst);
  return true;
}

/// Sets theta to the optimum at this variance. False: the active columns became dependent, or the
/// step limit was reached.
bool Solver::solve_given_variance() {
  barred_.assign(static_cast<size_t>(at_.theta.size()), false);
  Index newest = -1;
  while (active_set_steps_++ < kMaxActiveSetSteps && still(is_wanted_)) {
    if (!factorise()) {
      if (newest < 0) return false;
      std::erase(at_.active, newest);
      at_.sign[newest] = 0;
      barred_[static_cast<size_t>(newest)] = true;
      newest = -1;
      continue;
    }
    const VectorXd pull = slope() - at_.variance * penalty_slope();
    const VectorXd change = factor_solve(pull(at_.active));
    if (step_towards(at_.theta(at_.active) + change) < 1) {
      // A column that came in and left without a step would come in again for ever.
      if (newest >= 0 && at_.sign[newest] == 0) barred_[static_cast<size_t>(newest)] = true;
      newest = -1;
      continue;
    }
    if (!admit_worst()) return true;
    newest = at_.active.back();
  }
  return false;
}

double Solver::residual_sum() const {
  const VectorXd change = at_.theta - centre_;
  const double sum = square_ - 2 * moment_.dot(change) + change.dot(gram_ * change);
  return std::max(sum, 0.0);
}

/// Minus the log posterior, for a residual sum.
double Solver::objective(double residual) const {
  return rows_ / 2 * std::log(at_.variance) + residual / (2 * at_.variance) + 2 * at_.variance +
         ridge_.dot(at_.theta.cwiseAbs2()) / 2 + lasso_.dot(at_.theta.cwiseAbs());
}

/// Derivative of the penalty, signs held.
VectorXd Solver::penalty_slope() const {
  return ridge_.cwiseProduct(at_.theta) + lasso_.cwiseProduct(at_.sign);
}

/// One Newton step on 4 v^2 + T v = R(v), where R(v) is the residual sum at the optimum given v;
/// R'(v) = 2 v q' M^-1 q with q the penalty's slope and M the factorised matrix. Negative when
/// the equation has no usable slope here.
double Solver::newton_variance(double residual) const {
  const double v = at_.variance;
  const VectorXd slope = penalty_slope()(at_.active);
  const double residual_slope = 2 * v * slope.dot(factor_solve(slope));
  const double derivative = 8 * v + rows_ - residual_slope;
  return derivative > 0 ? v - (4 * v * v + rows_ * v - residual) / derivative : -1;
}

/// Settles theta and the variance in turn, keeping the best state met: a Newton step in the
/// variance where it helps, else the variance that is best for theta, which cannot do harm.
RidgeLassoSolution::End Solver::search(int& sigma_steps) {
  using End = RidgeLassoSolution::End;
  constexpr double kSmallestVariance = kSmallestSigma * kSmallestSigma;
  constexpr double kSlack = 1e-12, kConverged = 1e-10, kNotWorthATry = 0.9;
  constexpr double kFewDigits = 1e-6;  // of residuals, beside those of the centre
  if (sigma_kind_ == RidgeLassoStart::Sigma::kHeld) {
    return solve_given_variance() ? End::kOptimum : End::kStepLimit;
  }
  State kept = at_;
  double best = INFINITY;
  bool by_newton = false;
  for (; sigma_steps < kMaxSigmaSteps && still(is_wanted_); ++sigma_steps) {
    bool solved = solve_given_variance();
    if (residual_sum() < kFewDigits * square_) {
      recentre();
      solved = solve_given_variance();
    }
    const double residual = residual_sum();
    const double reached = solved ? objective(residual) : INFINITY;
    const bool worse = best < INFINITY && reached > best + kSlack * std::abs(best);
    if (!solved || worse || std::isnan(reached)) {
      const double tried = at_.variance;
      at_ = kept;
      if (by_newton) {
        by_newton = false;
        at_.variance = std::max(best_variance(rows_, residual_sum()), kSmallestVariance);
      } else if (solved && worse) {
        return End::kOptimum;  // nothing but rounding is left to gain
      } else if (tried < kNotWorthATry * at_.variance) {
        at_.variance = std::sqrt(tried * at_.variance);
      } else {
        return End::kExactData;
      }
      continue;
    }
    best = std::min(best, reached);
    kept = at_;
    if (at_.variance <= kSmallestVariance) return End::kExactData;
    const double newton = newton_variance(residual);
    by_newton = newton > at_.variance / 100 && newton < at_.variance * 100;
    const double next = by_newton ? newton : best_variance(rows_, residual);
    if (std::abs(next - at_.variance) <= kConverged * at_.variance) return End::kOptimum;
    at_.variance = std::max(next, kSmallestVariance);
  }
  return End::kStepLimit;
}

/// Newton steps with the residuals computed from the rows, where the Gram matrix has lost digits.
void Solver::polish() {
  for (int step = 0; step < kPolishSteps; ++step) {
    if (!factorise()) return;
    const VectorXd residuals = y_ - x_ * at_.theta;
    const VectorXd slope = x_.transpose() * residuals - at_.variance * penalty_slope();
    const VectorXd change = factor_solve(slope(at_.active));
    for (size_t i = 0; i < at_.active.size(); ++i) {
      const Index j = at_.active[i];
      const double moved = at_.theta[j] + change[static_cast<Index>(i)];
      if (moved * at_.sign[j] >= 0) at_.theta[j] = moved;
    }
    const double newton = newton_variance(residuals.squaredNorm());
    if (sigma_kind_ == RidgeLassoStart::Sigma::kFree &&
        std::abs(newton - at_.variance) < 1e-6 * at_.variance)
      at_.variance = newton;
  }
}

void Solver::report(RidgeLassoSolution& solution) const {
  const double v = at_.variance, sigma = std::sqrt(v);
  const VectorXd residuals = y_ - x_ * at_.theta;
  const double residual = residuals.squaredNorm();
  const double sigma_slope = -rows_ / sigma + residual / (v * sigma) - 4 * sigma;
  const double sigma_curve = rows_ / v - 3 * residual / (v * v) - 4;
  solution.gradient = std::abs(sigma_slope) / std::sqrt(std::abs(sigma_curve));
  const VectorXd slope = x_.transpose() * residuals / v;
  const VectorXd penalty = penalty_slope();
  for (Index j = 0; j < slope.size(); ++j) {
    if (lasso_[j] > 0 && at_.sign[j] == 0) {
      solution.slope_at_zero = std::max(solution.slope_at_zero, std::abs(slope[j]) / lasso_[j]);
    } else {
      const double curve = gram_(j, j) / v + ridge_[j];
      const double steps = std::abs(slope[j] - penalty[j]) / std::sqrt(curve);
      solution.gradient = std::max(solution.gradient, steps);
    }
  }
  solution.theta.assign(at_.theta.begin(), at_.theta.end());
  solution.sigma = sigma;
  solution.log_posterior = -objective(residual);
  solution.active_set_steps = active_set_steps_;
}

RidgeLassoSolution Solver::run() {
  RidgeLassoSolution solution;
  solution.end = search(solution.sigma_steps);
  if (solution.end != RidgeLassoSolution::End::kExactData && damping_.size() == 0) polish();
  report(solution);
  return solution;
}

RidgeLassoSolution Solver::examine() {
  RidgeLassoSolution solution;
  report(solution);
  return solution;
}

}  // namespace

double best_variance(double rows, double residual_sum) {
  return 2 * residual_sum / (rows + std::sqrt(rows * rows + 16 * residual_sum));
}

RidgeLassoSolution solve_ridge_lasso(const RidgeLassoProblem& problem,
                                     const RidgeLassoStart& start) {
  return Solver(problem, start).run();
}

RidgeLassoSolution examine_ridge_lasso(const RidgeLassoProblem& problem,
                                       const RidgeLassoStart& start) {
  return Solver(problem, start).examine();
}

}  // namespace thaw::predict
