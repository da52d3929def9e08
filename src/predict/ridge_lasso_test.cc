#include "predict/ridge_lasso.h"

#include <gtest/gtest.h>

#include <cmath>

#include "predict/random.h"

namespace thaw::predict {
namespace {

using Kind = CoefficientPrior::Kind;
using End = RidgeLassoSolution::End;

/// The log posterior as its definition has it, term by term.
double log_posterior(const RidgeLassoProblem& problem, const std::vector<double>& theta,
                     double sigma) {
  double value = -static_cast<double>(problem.rows) * std::log(sigma) - 2 * sigma * sigma;
  for (size_t i = 0; i < problem.rows; ++i) {
    double mu = 0;
    for (size_t j = 0; j < theta.size(); ++j) mu += problem.x[j * problem.rows + i] * theta[j];
    value -= (problem.y[i] - mu) * (problem.y[i] - mu) / (2 * sigma * sigma);
  }
  for (size_t j = 0; j < theta.size(); ++j) {
    const double scale = problem.priors[j].scale;
    value -= problem.priors[j].kind == Kind::kNormal ? theta[j] * theta[j] / (2 * scale * scale)
                                                     : std::abs(theta[j]) / scale;
  }
  return value;
}

RidgeLassoProblem random_problem(uint64_t seed, size_t rows, size_t normal, size_t laplace) {
  Random random(seed);
  RidgeLassoProblem problem;
  problem.rows = rows;
  for (size_t j = 0; j < normal + laplace; ++j) {
    problem.priors.push_back(j < normal ? CoefficientPrior{Kind::kNormal, 5}
                                        : CoefficientPrior{Kind::kLaplace, 0.05});
    for (size_t i = 0; i < rows; ++i) problem.x.push_back(random.normal());
  }
  for (size_t i = 0; i < rows; ++i) {
    problem.y.push_back(problem.x[i] - 0.5 * problem.x[(normal + laplace - 1) * rows + i] +
                        0.3 * random.normal());
  }
  return problem;
}

TEST(RidgeLasso, NoSmallMoveOfAnyCoefficientOrOfSigmaIsBetter) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    const RidgeLassoProblem problem = random_problem(seed, 20 + seed, 3, 6);
    const RidgeLassoSolution solution = solve_ridge_lasso(problem);
    ASSERT_EQ(solution.end, End::kOptimum) << seed;
    const double best = log_posterior(problem, solution.theta, solution.sigma);
    EXPECT_NEAR(solution.log_posterior, best, 1e-9 * std::abs(best));
    EXPECT_LT(solution.gradient, 1e-9);
    EXPECT_LE(solution.slope_at_zero, 1 + 1e-8);
    for (double step : {1e-3, -1e-3, 1e-5, -1e-5, 0.1, -0.1}) {
      for (size_t j = 0; j < solution.theta.size(); ++j) {
        std::vector<double> moved = solution.theta;
        moved[j] += step;
        EXPECT_LT(log_posterior(problem, moved, solution.sigma), best) << seed << " " << j;
      }
      EXPECT_LT(log_posterior(problem, solution.theta, solution.sigma * (1 + step)), best);
    }
  }
}

TEST(RidgeLasso, SetsCoefficientsThatDoNotHelpToZeroExactly) {
  RidgeLassoProblem problem = random_problem(3, 60, 2, 10);
  for (size_t j = 2; j < 12; ++j) problem.priors[j].scale = 0.01;
  const RidgeLassoSolution solution = solve_ridge_lasso(problem);
  size_t zeros = 0;
  for (double theta : solution.theta) zeros += theta == 0;
  EXPECT_GE(zeros, 5u);
  EXPECT_LT(solution.theta.back(), -0.3);  // the one that y was made with
}

TEST(RidgeLasso, WithoutLaplaceColumnsItIsRidgeRegression) {
  // One column of ones: theta = sum(y) / (T + sigma^2 / s^2).
  RidgeLassoProblem problem;
  problem.rows = 4;
  problem.x = {1, 1, 1, 1};
  problem.y = {1, 2, 3, 6};
  problem.priors = {{Kind::kNormal, 0.5}};
  const RidgeLassoSolution solution = solve_ridge_lasso(problem);
  EXPECT_NEAR(solution.theta[0], 12 / (4 + solution.sigma * solution.sigma / 0.25), 1e-12);
  EXPECT_EQ(solution.end, End::kOptimum);
}

TEST(RidgeLasso, EqualAndEmptyColumnsDoNoHarm) {
  RidgeLassoProblem problem = random_problem(7, 40, 2, 3);
  const size_t last = problem.x.size() - problem.rows;
  const std::vector<double> copy(problem.x.begin() + static_cast<std::ptrdiff_t>(last),
                                 problem.x.end());
  problem.x.insert(problem.x.end(), copy.begin(), copy.end());
  problem.x.insert(problem.x.end(), problem.rows, 0.0);
  problem.priors.insert(problem.priors.end(), 2, {Kind::kLaplace, 0.05});
  const RidgeLassoSolution doubled = solve_ridge_lasso(problem);
  const RidgeLassoSolution single = solve_ridge_lasso(random_problem(7, 40, 2, 3));
  EXPECT_EQ(doubled.end, End::kOptimum);
  EXPECT_NEAR(doubled.log_posterior, single.log_posterior, 1e-9);
  EXPECT_EQ(doubled.theta.back(), 0);
}

TEST(RidgeLasso, DataThatAreMetExactlyEndWithASmallSigma) {
  RidgeLassoProblem problem = random_problem(5, 30, 2, 4);
  for (size_t i = 0; i < problem.rows; ++i) problem.y[i] = 0.7 * problem.x[i];
  const RidgeLassoSolution solution = solve_ridge_lasso(problem);
  EXPECT_EQ(solution.end, End::kExactData);
  EXPECT_LT(solution.sigma, 1e-4);
  EXPECT_GT(solution.sigma, 0);
  EXPECT_NEAR(solution.theta[0], 0.7, 1e-6);
}

TEST(RidgeLasso, MoreColumnsThanRowsStillEndAtNumbers) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    const RidgeLassoSolution solution = solve_ridge_lasso(random_problem(seed, 5, 8, 20));
    EXPECT_NE(solution.end, End::kStepLimit) << seed;
    for (double theta : solution.theta) EXPECT_TRUE(std::isfinite(theta)) << seed;
    EXPECT_TRUE(solution.sigma > 0 && std::isfinite(solution.log_posterior)) << seed;
  }
}

TEST(RidgeLasso, ColumnsThatOnlyTheirPriorsTellApartDoNotEndTheSearch) {
  // Two equal columns and noise of 1e-6: the products of the rows have no digits left for it.
  RidgeLassoProblem problem;
  problem.rows = 200;
  std::vector<double> line, wave;
  for (int i = 0; i < 200; ++i) {
    line.push_back(1 + i / 200.0);
    wave.push_back(std::sin(i * 0.7));
    problem.y.push_back(0.4 * line.back() + 0.1 * wave.back() + 1e-6 * std::sin(i * i * 1.3));
  }
  for (const auto* column : {&line, &wave, &wave}) {
    problem.x.insert(problem.x.end(), column->begin(), column->end());
    problem.priors.push_back({CoefficientPrior::Kind::kNormal, 10});
  }
  const RidgeLassoSolution solution = solve_ridge_lasso(problem);
  EXPECT_EQ(solution.end, RidgeLassoSolution::End::kOptimum);
  EXPECT_NEAR(solution.sigma, 1e-6 / std::sqrt(2), 1e-7);
  EXPECT_NEAR(solution.theta[1], solution.theta[2], 1e-6);
}

}  // namespace
}  // namespace thaw::predict
