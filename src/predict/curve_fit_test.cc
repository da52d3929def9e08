#include "predict/curve_fit.h"

#include <gtest/gtest.h>

#include <cmath>

namespace thaw::predict {
namespace {

constexpr size_t kRows = 300;

/// Deterministic noise between -1 and 1.
double noise(size_t i) { return std::sin(static_cast<double>(i * i % 1009) * 12.9898); }

/// A bent trend with a weekly wave in and a monthly one on it.
CurveProblem problem_of(Growth growth) {
  CurveProblem problem;
  problem.growth = growth;
  problem.bends = {0.2, 0.4, 0.6, 0.8};
  const auto rows = static_cast<double>(kRows);
  std::vector<double> weekly, monthly;
  for (size_t i = 0; i < kRows; ++i) {
    const double t = static_cast<double>(i) / (rows - 1), day = static_cast<double>(i);
    weekly.push_back(std::sin(day * 2 * M_PI / 7));
    monthly.push_back(std::cos(day * 2 * M_PI / 30.5));
    const double line = 4 * (t - 0.3) + (t > 0.6 ? -6 * (t - 0.6) : 0);
    double trend = 0.7;
    if (growth == Growth::kLinear) trend = 0.3 + 0.1 * line;
    if (growth == Growth::kLogistic) trend = 0.9 / (1 + std::exp(-line));
    problem.t.push_back(t);
    problem.cap.push_back(0.9);
    problem.y.push_back(trend * (1 + 0.3 * weekly.back()) + 0.1 * monthly.back() + 0.02 * noise(i));
  }
  problem.features = weekly;
  problem.features.insert(problem.features.end(), monthly.begin(), monthly.end());
  problem.kinds = {{TermMode::kMultiplicative, 10}, {TermMode::kAdditive, 10}};
  problem.start_m = growth == Growth::kFlat ? 0.7 : 0.3;
  problem.start_k = 1;
  return problem;
}

/// Minus the log posterior, written down once more from the model's definition.
double objective(const CurveProblem& problem, const CurveSolution& at) {
  double sum = 0;
  for (size_t i = 0; i < kRows; ++i) {
    const double t = problem.t[i];
    const bool logistic = problem.growth == Growth::kLogistic;
    double line = logistic ? at.k * (t - at.m) : at.k * t + at.m;
    for (size_t j = 0; j < at.delta.size(); ++j) {
      line += at.delta[j] * std::max(0.0, t - problem.bends[j]);
    }
    const double trend = logistic ? problem.cap[i] / (1 + std::exp(-line)) : line;
    const double mean =
        trend * (1 + at.beta[0] * problem.features[i]) + at.beta[1] * problem.features[kRows + i];
    sum += (problem.y[i] - mean) * (problem.y[i] - mean);
  }
  const double sigma = at.facts.sigma;
  double result = static_cast<double>(kRows) * std::log(sigma) + sum / (2 * sigma * sigma) +
                  2 * sigma * sigma + (at.k * at.k + at.m * at.m) / 50;
  for (double it : at.delta) result += std::abs(it) / problem.bend_prior_scale;
  for (double it : at.beta) result += it * it / 200;
  return result;
}

class EveryGrowth : public testing::TestWithParam<Growth> {};

TEST_P(EveryGrowth, EndsWhereNoSmallChangeOfAnyParameterIsBetter) {
  const CurveProblem problem = problem_of(GetParam());
  CurveSolution best = fit_curve(problem);
  EXPECT_EQ(best.facts.end, RidgeLassoSolution::End::kOptimum);
  EXPECT_NEAR(best.beta[0], 0.3, 0.02);
  EXPECT_NEAR(best.beta[1], 0.1, 0.01);
  EXPECT_LT(best.facts.sigma, 0.02);
  EXPECT_LT(best.linear_steps, 30);
  const double reached = objective(problem, best);
  EXPECT_NEAR(-best.facts.log_posterior, reached, 1e-9 * std::abs(reached));
  std::vector<double*> parameters = {&best.m, &best.facts.sigma, &best.beta[0], &best.beta[1]};
  if (GetParam() != Growth::kFlat) {
    parameters.push_back(&best.k);
    for (double& it : best.delta) parameters.push_back(&it);
  }
  for (double* parameter : parameters) {
    const double at = *parameter;
    for (double change : {-1e-5, 1e-5}) {
      *parameter = at + change;
      EXPECT_GE(objective(problem, best), reached - 1e-9) << at;
    }
    *parameter = at;
  }
}

INSTANTIATE_TEST_SUITE_P(CurveFit, EveryGrowth,
                         testing::Values(Growth::kLinear, Growth::kLogistic, Growth::kFlat));

TEST(CurveFit, OneStepIsEnoughWhereTheMeanIsLinear) {
  CurveProblem problem = problem_of(Growth::kLinear);
  problem.kinds[0].mode = TermMode::kAdditive;
  EXPECT_EQ(fit_curve(problem).linear_steps, 1);
}

TEST(CurveFit, FindsItsWayFromAPoorStart) {
  CurveProblem problem = problem_of(Growth::kLogistic);
  const double best = fit_curve(problem).facts.log_posterior;
  problem.start_k = -8;
  problem.start_m = 0.9;
  EXPECT_NEAR(fit_curve(problem).facts.log_posterior, best, 1e-6);
}

}  // namespace
}  // namespace thaw::predict
