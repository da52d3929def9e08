#include "predict/uncertainty.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "predict/future.h"
#include "predict/random.h"

namespace thaw::predict {
namespace {

Model bent_model() {
  Series series;
  for (int i = 0; i < 300; ++i) {
    series.ds.push_back(parse_timestamp("2020-01-01").value() + i * kDay);
    series.y.push_back(10 + std::abs(i - 150) * 0.1 + std::sin(i * 2.3));
  }
  return fit(series, {}).value();
}

std::vector<double> widths(const std::vector<double>& lower, const std::vector<double>& upper) {
  std::vector<double> result;
  for (size_t i = 0; i < lower.size(); ++i) result.push_back(upper[i] - lower[i]);
  return result;
}

TEST(Random, HasTheMomentsOfItsDistributions) {
  Random random(42);
  constexpr int kDraws = 200'000;
  double uniform = 0, normal = 0, normal2 = 0, exponential = 0, laplace = 0, size = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double u = random.uniform(), n = random.normal(), l = random.laplace();
    ASSERT_TRUE(u > 0 && u < 1);
    uniform += u;
    normal += n;
    normal2 += n * n;
    exponential += random.exponential();
    laplace += l;
    size += std::abs(l);
  }
  EXPECT_NEAR(uniform / kDraws, 0.5, 0.005);
  EXPECT_NEAR(normal / kDraws, 0, 0.01);
  EXPECT_NEAR(normal2 / kDraws, 1, 0.02);
  EXPECT_NEAR(exponential / kDraws, 1, 0.02);
  EXPECT_NEAR(laplace / kDraws, 0, 0.02);
  EXPECT_NEAR(size / kDraws, 1, 0.02);
}

TEST(Random, GivesTheSameNumbersForASeedEverywhere) {
  Random random(1);
  const uint64_t first = random.bits();
  EXPECT_EQ(first, 0xcfc5d07f6f03c29b);
  EXPECT_EQ(Random(1).bits(), first);
  EXPECT_NE(Random(2).bits(), first);
}

TEST(NormalQuantile, MatchesTheTables) {
  EXPECT_NEAR(normal_quantile(0.5), 0, 1e-15);
  EXPECT_NEAR(normal_quantile(0.9), 1.2815515655446004, 1e-13);
  EXPECT_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-13);
  EXPECT_NEAR(normal_quantile(0.001), -3.090232306167813, 1e-12);
  EXPECT_NEAR(normal_quantile(1e-10), -6.361340902404056, 1e-11);
}

TEST(Bounds, AreTheSameForASeedAndOthersForAnother) {
  const Model model = bent_model();
  const auto dates = future_dates(model, {}).value().dates;
  const Forecast a = predict(model, dates, {.seed = 5}), b = predict(model, dates, {.seed = 5});
  EXPECT_EQ(a.yhat_lower, b.yhat_lower);
  EXPECT_EQ(a.trend_upper, b.trend_upper);
  EXPECT_NE(a.yhat_lower, predict(model, dates, {.seed = 6}).yhat_lower);
}

TEST(Bounds, EncloseTheForecastAndGrowWithTheHorizonAndTheWidth) {
  const Model model = bent_model();
  const auto dates = future_dates(model, {.periods = 200}).value().dates;
  const Forecast narrow = predict(model, dates, {.width = 0.5});
  const Forecast wide = predict(model, dates, {.width = 0.95});
  for (size_t i = 0; i < dates.size(); ++i) {
    EXPECT_LT(wide.yhat_lower[i], narrow.yhat_lower[i]);
    EXPECT_LT(narrow.yhat_lower[i], narrow.yhat[i]);
    EXPECT_LT(narrow.yhat[i], narrow.yhat_upper[i]);
    EXPECT_LT(narrow.yhat_upper[i], wide.yhat_upper[i]);
  }
  const auto trend = widths(wide.trend_lower, wide.trend_upper);
  EXPECT_GT(trend[199], 3 * trend[50]);
  EXPECT_GT(trend[50], 0);
}

TEST(Bounds, OfTheHistoryAreThoseOfTheNoise) {
  const Model model = bent_model();
  const Forecast forecast = predict(model, model.history_dates, {});
  const double width = 2 * 1.2815515655446004 * model.sigma * model.y_scale;
  for (double it : widths(forecast.yhat_lower, forecast.yhat_upper)) EXPECT_NEAR(it, width, 1e-9);
  EXPECT_EQ(forecast.trend_lower, forecast.trend);
  EXPECT_EQ(forecast.trend_upper, forecast.trend);
}

TEST(Bounds, DoNotDependOnHowFinelyTheFutureIsCut) {
  // The same end date, reached in 200 steps or in one: the trend's spread there is the same.
  const Model model = bent_model();
  const auto dates = future_dates(model, {.periods = 200}).value().dates;
  const IntervalOptions many{.samples = 10'000};
  const Forecast fine = predict(model, dates, many);
  const Forecast coarse = predict(model, {dates.back()}, many);
  const double fine_width = fine.trend_upper.back() - fine.trend_lower.back();
  const double coarse_width = coarse.trend_upper.back() - coarse.trend_lower.back();
  EXPECT_NEAR(coarse_width / fine_width, 1, 0.1);
}

TEST(Bounds, AreLeftOutWithoutSamples) {
  const Model model = bent_model();
  const Forecast forecast = predict(model, model.history_dates, {.samples = 0});
  EXPECT_TRUE(forecast.yhat_lower.empty() && forecast.trend_upper.empty());
  EXPECT_EQ(forecast.yhat.size(), 300u);
}

TEST(Bounds, OneSampleIsItsOwnQuantile) {
  const Model model = bent_model();
  const Forecast forecast = predict(model, future_dates(model, {}).value().dates, {.samples = 1});
  EXPECT_EQ(forecast.yhat_lower, forecast.yhat_upper);
}

}  // namespace
}  // namespace thaw::predict
