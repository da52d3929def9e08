// The curve of a CurveProblem for any parameters: its value, its tangent, its bending.
//
// theta is k, m, a delta per bend, a beta per feature; of a flat trend m and the betas. Knows no
// search: curve_fit.h has it.
// Thread: any. Owner: the problem must outlive it. Limits: those of ridge_lasso.h.
#pragma once

#include <vector>

#include "predict/curve_fit.h"

namespace thaw::predict {

/// Below this the noise is rounding: the curve meets all points. No variance is smaller, so that
/// there is a best curve among those that do.
inline constexpr double kSmallestCurveVariance = 1e-22;

/// A curve for some parameters.
struct Curve {
  std::vector<double> trend;
  std::vector<double> trend_slope;  // by the trend's line
  std::vector<double> factor;       // 1 + the multiplicative terms
  std::vector<double> mean;
  double variance = 1;  // the best for the residuals
  double objective =
      0;  // minus the log posterior, with that variance; INFINITY where there is none
};

class CurveModel {
 public:
  explicit CurveModel(const CurveProblem& problem);

  const CurveProblem& problem() const { return in_; }
  size_t rows() const { return rows_; }
  size_t size() const { return priors_.size(); }
  bool has_slope() const { return bent_; }             // k and deltas are parameters
  size_t first_delta() const { return first_delta_; }  // where in theta; m is before it
  size_t first_beta() const { return first_beta_; }
  const std::vector<CoefficientPrior>& priors() const { return priors_; }
  /// Whether the mean is linear in theta.
  bool is_linear() const;
  /// Prophet's: a line or a logistic curve through the first and the last value.
  std::vector<double> start() const;

  Curve curve_at(const std::vector<double>& theta) const;
  /// What the prior takes from the log posterior.
  double penalty(const std::vector<double>& theta) const;
  /// Sets `linear` to the problem whose mean is the curve's tangent at theta.
  void linearise(const std::vector<double>& theta, const Curve& curve,
                 RidgeLassoProblem& linear) const;
  /// The derivative of the trend's line by parameter `j` before first_beta(), in row i.
  double line_slope(const std::vector<double>& theta, size_t j, size_t i) const;

 private:
  void set_trend(const std::vector<double>& theta, Curve& curve) const;

  const CurveProblem& in_;
  const size_t rows_;
  const bool bent_;
  const size_t first_delta_;
  const size_t first_beta_;
  std::vector<CoefficientPrior> priors_;
};

/// Newton steps from `theta`, each to the best point of the objective's own quadratic and the
/// Laplace priors, for as long as the posterior rises. The tangent alone ends slowly where the
/// residuals are large or terms and trend can nearly stand for one another.
std::vector<double> polish_curve(const CurveModel& model, std::vector<double> theta);

}  // namespace thaw::predict
