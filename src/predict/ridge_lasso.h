// The fit's core: least squares with normal and Laplace priors and an unknown noise level.
//
// Maximises over theta and sigma, for y ~ N(X theta, sigma) and sigma ~ half-normal(0, 1/2),
//   -T ln(sigma) - |y - X theta|^2 / (2 sigma^2) - 2 sigma^2
//   - sum over normal columns of theta^2 / (2 s^2) - sum over Laplace columns of |theta| / s.
// Given sigma this is a convex quadratic with an L1 term, solved exactly by an active set on the
// Gram matrix, which is built once; sigma is found by Newton steps on its own stationary equation;
// at the end everything is refined on the residuals themselves. Knows nothing of time series.
// Thread: any. Owner: values. Limits: columns in the hundreds (cubic time), rows as memory allows.
#pragma once

#include <cstddef>
#include <vector>

#include "predict/wanted.h"

namespace thaw::predict {

struct CoefficientPrior {
  enum class Kind { kNormal, kLaplace };
  Kind kind = Kind::kNormal;
  double scale = 1;  // standard deviation, or Laplace scale
};

struct RidgeLassoProblem {
  size_t rows = 0;
  std::vector<double> x;  // column after column, `rows` values each
  std::vector<double> y;
  std::vector<CoefficientPrior> priors;  // one per column
  IsWanted is_wanted = nullptr;          // asked at each step; then the end is kStepLimit
};

/// Where a search begins, e.g. at the solution of a problem that is nearly the same.
struct RidgeLassoStart {
  std::vector<double> theta;  // one per column; empty: zeros
  double sigma = 1;           // Prophet's own; from above, so that the first optimum is met
  /// kHeld finds theta for this sigma: a convex problem, and a step towards it always descends.
  enum class Sigma { kFree, kHeld };
  Sigma kind = Sigma::kFree;
  /// One per column, or empty; sigma held only. Keeps the search near: minus the log posterior has
  /// damping_j (theta_j - start_j)^2 / 2 more.
  std::vector<double> damping = {};
};

struct RidgeLassoSolution {
  /// kExactData: theta can follow y (almost) exactly, so that the posterior grows without end
  /// as sigma shrinks; sigma was stopped at the smallest that can be computed.
  enum class End { kOptimum, kExactData, kStepLimit };
  End end = End::kOptimum;
  std::vector<double> theta;
  double sigma = 1;
  double log_posterior = 0;
  double gradient = 0;       // largest derivative over theta_j != 0 and sigma, times its own
                             // posterior standard deviation given the others
  double slope_at_zero = 0;  // largest |derivative| * s over Laplace columns with theta_j == 0
  int sigma_steps = 0;
  int active_set_steps = 0;
};

RidgeLassoSolution solve_ridge_lasso(const RidgeLassoProblem& problem,
                                     const RidgeLassoStart& start = {});

/// How good the start itself is: no search is made. Precondition: it has a theta.
RidgeLassoSolution examine_ridge_lasso(const RidgeLassoProblem& problem,
                                       const RidgeLassoStart& start);

/// The variance that is best for a sum of squared residuals: the root of 4 v^2 + T v = R.
double best_variance(double rows, double residual_sum);

}  // namespace thaw::predict
