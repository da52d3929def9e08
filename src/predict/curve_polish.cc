#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <optional>

#include "predict/curve_model.h"

namespace thaw::predict {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using Vector = std::vector<double>;

constexpr int kMaxSteps = 30;
constexpr int kMaxHalvings = 12;
constexpr int kMaxShifts = 14;

/// A matrix of rows times parameters.
template <class Value>
MatrixXd columns_of(const CurveModel& model, Value value) {
  MatrixXd columns(static_cast<Index>(model.rows()), static_cast<Index>(model.size()));
  for (size_t j = 0; j < model.size(); ++j) {
    for (size_t i = 0; i < model.rows(); ++i) {
      columns(static_cast<Index>(i), static_cast<Index>(j)) = value(j, i);
    }
  }
  return columns;
}

/// The sum over rows of the residual times the mean's second derivatives: what the tangent leaves
/// out.
MatrixXd bending(const CurveModel& model, const Vector& theta, const Curve& curve,
                 const VectorXd& residuals) {
  const CurveProblem& in = model.problem();
  const bool logistic = in.growth == Growth::kLogistic;
  const size_t first_beta = model.first_beta(), rows = model.rows();
  // The trend's line by its parameters; multiplicative features by theirs.
  const MatrixXd lines = columns_of(model, [&](size_t j, size_t i) {
    return j < first_beta ? model.line_slope(theta, j, i) : 0;
  });
  const MatrixXd shares = columns_of(model, [&](size_t j, size_t i) {
    if (j < first_beta || in.kinds[j - first_beta].mode == TermMode::kAdditive) return 0.0;
    return in.features[(j - first_beta) * rows + i];
  });
  VectorXd by_both = residuals, by_line = residuals;
  double by_k_and_m = 0;
  for (size_t i = 0; i < rows; ++i) {
    const auto row = static_cast<Index>(i);
    const double slope = curve.trend_slope[i];
    by_both[row] *= slope;
    by_line[row] *= logistic ? curve.factor[i] * slope * (1 - 2 * curve.trend[i] / in.cap[i]) : 0;
    if (logistic) by_k_and_m -= residuals[row] * curve.factor[i] * slope;
  }
  const MatrixXd cross = lines.transpose() * by_both.asDiagonal() * shares;
  MatrixXd sum = cross + cross.transpose();
  if (logistic) {
    sum += lines.transpose() * by_line.asDiagonal() * lines;
    sum(0, 1) += by_k_and_m;  // k and m are always the first two
    sum(1, 0) += by_k_and_m;
  }
  return sum;
}

/// Slope and curvature of minus the log posterior, but for the Laplace priors.
struct Quadratic {
  VectorXd slope;
  MatrixXd curvature;
};

Quadratic quadratic_at(const CurveModel& model, const Vector& theta, const Curve& curve) {
  RidgeLassoProblem tangent;
  model.linearise(theta, curve, tangent);
  const Eigen::Map<const MatrixXd> x(tangent.x.data(), static_cast<Index>(model.rows()),
                                     static_cast<Index>(model.size()));
  VectorXd residuals(x.rows());
  for (size_t i = 0; i < model.rows(); ++i) {
    residuals[static_cast<Index>(i)] = model.problem().y[i] - curve.mean[i];
  }
  const VectorXd pull = x.transpose() * residuals;
  const double v = curve.variance;
  const auto rows = static_cast<double>(model.rows());
  // The variance follows the residuals: it takes a part of the curvature along their slope.
  const double taken = v > kSmallestCurveVariance ? 2 / (v * v * (8 * v + rows)) : 0;
  Quadratic at{-pull / v, (x.transpose() * x - bending(model, theta, curve, residuals)) / v -
                              taken * pull * pull.transpose()};
  for (size_t j = 0; j < model.size(); ++j) {
    const CoefficientPrior& prior = model.priors()[j];
    if (prior.kind == CoefficientPrior::Kind::kLaplace) continue;
    const auto place = static_cast<Index>(j);
    at.slope[place] += theta[j] / (prior.scale * prior.scale);
    at.curvature(place, place) += 1 / (prior.scale * prior.scale);
  }
  return at;
}

/// The best point of the quadratic and the Laplace priors together. Where the quadratic is no bowl
/// it is made one. None: it is not even a number.
std::optional<Vector> best_of(const CurveModel& model, const Vector& theta, const Quadratic& at) {
  constexpr double kFirstShift = 1e-6, kFaster = 10, kNoPrior = 1e150;
  const VectorXd size = at.curvature.diagonal().cwiseAbs().cwiseMax(1e-12);
  double shift = 0;
  for (int tries = 0; tries < kMaxShifts; ++tries) {
    MatrixXd bowl = at.curvature;
    bowl.diagonal() += shift * size;
    shift = std::max(kFirstShift, shift * kFaster);
    const Eigen::LLT<MatrixXd> factor(bowl);
    if (factor.info() != Eigen::Success) continue;
    // As least squares: |y - x theta|^2 / 2 has this slope and this curvature.
    const MatrixXd x = factor.matrixU();
    const Eigen::Map<const VectorXd> here(theta.data(), at.slope.size());
    const VectorXd y = x * here - factor.matrixL().solve(at.slope);
    RidgeLassoProblem problem{model.size(), Vector(x.data(), x.data() + x.size()),
                              Vector(y.begin(), y.end()), model.priors(),
                              model.problem().is_wanted};
    for (CoefficientPrior& it : problem.priors) {
      if (it.kind == CoefficientPrior::Kind::kNormal) it.scale = kNoPrior;  // is in the quadratic
    }
    Vector best = solve_ridge_lasso(problem, {theta, 1, RidgeLassoStart::Sigma::kHeld, {}}).theta;
    if (std::all_of(best.begin(), best.end(), [](double it) { return std::isfinite(it); })) {
      return best;
    }
  }
  return std::nullopt;
}

}  // namespace

Vector polish_curve(const CurveModel& model, Vector theta) {
  constexpr double kSmallestGain = 1e-13;  // of the log posterior
  Curve curve = model.curve_at(theta);
  for (int step = 0; step < kMaxSteps && still(model.problem().is_wanted); ++step) {
    const auto target = best_of(model, theta, quadratic_at(model, theta, curve));
    if (!target) break;
    double part = 1, gain = 0;
    for (int halving = 0; halving < kMaxHalvings && !(gain > 0); ++halving, part /= 2) {
      Vector moved = *target;
      for (size_t j = 0; part < 1 && j < theta.size(); ++j) {
        moved[j] = theta[j] + part * (moved[j] - theta[j]);
      }
      Curve there = model.curve_at(moved);
      gain = curve.objective - there.objective;
      if (!(gain > 0)) continue;
      theta = std::move(moved);
      curve = std::move(there);
    }
    if (!(gain > kSmallestGain * std::abs(curve.objective))) break;
  }
  return theta;
}

}  // namespace thaw::predict
