// The fit of a trend with linear terms on and in it: where the mean is not linear in the
// parameters.
//
// The mean is trend (1 + M b) + A b with the features M of multiplicative and A of additive terms,
// and the trend linear, logistic or flat. Gauss and Newton's method: the mean is linearised where
// the search stands, the resulting ridge and lasso problem is solved exactly, noise level and all
// (ridge_lasso.h), and the step towards its solution shortened until the posterior rises. Where
// that does not help, steps are kept close by (Levenberg's damping), and now and then the
// posterior's own curvature is used (curve_model.h). Where the mean is linear one step is the whole
// fit. Knows nothing of dates.
// Thread: any. Owner: values. Limits: those of ridge_lasso.h.
#pragma once

#include <vector>

#include "predict/forecast_options.h"
#include "predict/ridge_lasso.h"

namespace thaw::predict {

struct CurveFeature {
  TermMode mode = TermMode::kAdditive;
  double prior_scale = 1;
};

/// All in scaled units. The parameters are k, m, a delta per bend, a beta per feature; a flat trend
/// has only m and the betas.
struct CurveProblem {
  Growth growth = Growth::kLinear;
  std::vector<double> t;    // sorted
  std::vector<double> y;    // one per t
  std::vector<double> cap;  // one per t, logistic growth only
  std::vector<double> bends;
  double bend_prior_scale = 0.05;
  std::vector<double> features;  // column after column, one value per t each
  std::vector<CurveFeature> kinds;
  double start_k = 0, start_m = 0;
  IsWanted is_wanted = nullptr;  // asked at each step
};

struct CurveSolution {
  double k = 0, m = 0;
  std::vector<double> delta, beta;
  RidgeLassoSolution facts;  // where the search ended; kStepLimit: short of a maximum
  int linear_steps = 0;
};

CurveSolution fit_curve(const CurveProblem& problem);

}  // namespace thaw::predict
