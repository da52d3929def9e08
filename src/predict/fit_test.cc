#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "predict/forecaster.h"
#include "predict/future.h"

namespace thaw::predict {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Mode = SeasonalitySwitch::Mode;

constexpr double kMissing = std::numeric_limits<double>::quiet_NaN();

Timestamp date(const char* text) { return parse_timestamp(text).value(); }

/// `count` rows from 2020-01-01, `step` apart, with y from the row's number.
template <class Value>
Series make_series(int count, std::chrono::microseconds step, Value value) {
  Series series;
  for (int i = 0; i < count; ++i) {
    series.ds.push_back(date("2020-01-01") + i * step);
    series.y.push_back(value(i));
  }
  return series;
}

double bumpy(int i) { return 10 + std::sin(i * 1.7) + (i * 7 % 5) * 0.3; }

std::vector<std::string> seasonalities(const Series& series, const ForecastOptions& options = {}) {
  const Model model = fit(series, options).value();
  std::vector<std::string> names;
  for (const Seasonality& it : model.seasonalities) names.push_back(it.name);
  return names;
}

std::string fault(const Series& series, const ForecastOptions& options = {}) {
  const auto model = fit(series, options);
  EXPECT_FALSE(model);
  return model ? "" : model.error().message();
}

TEST(Fit, SwitchesSeasonalitiesOnByTheLengthOfTheHistory) {
  using std::chrono::hours;
  EXPECT_THAT(seasonalities(make_series(731, kDay, bumpy)), ElementsAre("yearly", "weekly"));
  EXPECT_THAT(seasonalities(make_series(730, kDay, bumpy)), ElementsAre("weekly"));
  EXPECT_THAT(seasonalities(make_series(15, kDay, bumpy)), ElementsAre("weekly"));
  EXPECT_THAT(seasonalities(make_series(14, kDay, bumpy)), ElementsAre());
  EXPECT_THAT(seasonalities(make_series(40, 7 * kDay, bumpy)), ElementsAre());
  EXPECT_THAT(seasonalities(make_series(49, hours(1), bumpy)), ElementsAre("daily"));
  EXPECT_THAT(seasonalities(make_series(48, hours(1), bumpy)), ElementsAre());
  EXPECT_THAT(seasonalities(make_series(400, hours(1), bumpy)), ElementsAre("weekly", "daily"));
}

TEST(Fit, SeasonalitiesObeyTheirSwitchesAndOrders) {
  ForecastOptions options;
  options.yearly = {Mode::kOn, 2};
  options.weekly = {Mode::kOff, std::nullopt};
  options.daily = {Mode::kOn, std::nullopt};
  const Model model = fit(make_series(50, kDay, bumpy), options).value();
  ASSERT_EQ(model.seasonalities.size(), 2u);
  EXPECT_EQ(model.seasonalities[0].name, "yearly");
  EXPECT_EQ(model.seasonalities[0].order, 2);
  EXPECT_EQ(model.seasonalities[1].order, 4);
  EXPECT_EQ(model.beta.size(), 12u);
}

TEST(Fit, PlacesChangepointsOverTheFirstPartOfTheHistory) {
  const Model model = fit(make_series(100, kDay, bumpy), {.n_changepoints = 3}).value();
  // Rows round(i * 79 / 3): 26, 53, 79.
  EXPECT_THAT(model.changepoints,
              ElementsAre(date("2020-01-27"), date("2020-02-23"), date("2020-03-20")));
  EXPECT_EQ(fit(make_series(10, kDay, bumpy), {}).value().changepoints.size(), 7u);
  EXPECT_EQ(fit(make_series(2, kDay, bumpy), {}).value().changepoints.size(), 0u);
}

TEST(Fit, HalvesGoToTheEvenRow) {
  // 11 rows of the first 0.8 * 14; rows i * 10 / 4 = 2.5, 5, 7.5, 10.
  const Model model = fit(make_series(14, kDay, bumpy), {.n_changepoints = 4}).value();
  EXPECT_THAT(model.changepoints, ElementsAre(date("2020-01-03"), date("2020-01-06"),
                                              date("2020-01-09"), date("2020-01-11")));
}

TEST(Fit, GivenChangepointsMustLieWithinTheHistory) {
  ForecastOptions options;
  options.changepoints = {date("2020-01-20"), date("2020-01-10")};
  const Model model = fit(make_series(30, kDay, bumpy), options).value();
  EXPECT_THAT(model.changepoints, ElementsAre(date("2020-01-10"), date("2020-01-20")));
  options.changepoints = {date("2021-01-01")};
  EXPECT_EQ(fault(make_series(30, kDay, bumpy), options),
            "changepoints: 2021-01-01 is not within the history, 2020-01-01 to 2020-01-30");
}

TEST(Fit, WithoutChangepointsTheTrendIsOneLine) {
  ForecastOptions options;
  options.changepoints.emplace();
  const Model model =
      fit(make_series(60, kDay, [](int i) { return 5 + i + bumpy(i); }), options).value();
  EXPECT_TRUE(model.delta.empty());
  EXPECT_EQ(model.facts.end, FitFacts::End::kOptimum);
  const Forecast forecast = predict(model, model.history_dates, {});
  const double step = forecast.trend[1] - forecast.trend[0];
  EXPECT_NEAR(step, 1, 0.05);
  EXPECT_NEAR(forecast.trend[59] - forecast.trend[0], 59 * step, 1e-9);
  const auto later = future_dates(model, {.periods = 5}).value().dates;
  const Forecast after = predict(model, later, {});
  EXPECT_EQ(after.trend_lower, after.trend);
}

TEST(Fit, OrderOfRowsDoesNotMatter) {
  Series sorted = make_series(40, kDay, bumpy);
  Series shuffled;
  for (size_t i = 0; i < 40; ++i) {
    shuffled.ds.push_back(sorted.ds[i * 17 % 40]);
    shuffled.y.push_back(sorted.y[i * 17 % 40]);
  }
  const Model a = fit(sorted, {}).value(), b = fit(shuffled, {}).value();
  EXPECT_EQ(a.beta, b.beta);
  EXPECT_EQ(a.history_dates, b.history_dates);
}

TEST(Fit, MissingValuesAreNotFittedButTheirDatesAreHistory) {
  Series series = make_series(40, kDay, bumpy);
  series.y[39] = kMissing;
  series.y[0] = kMissing;
  const Model model = fit(series, {}).value();
  EXPECT_EQ(model.history_t.size(), 38u);
  EXPECT_EQ(model.history_dates.size(), 40u);
  EXPECT_EQ(model.start, series.ds[1]);
  const auto horizon = future_dates(model, {.periods = 1}).value();
  EXPECT_EQ(horizon.dates[0], date("2020-02-10"));
}

TEST(Fit, DatesMayRepeat) {
  Series series = make_series(30, kDay, bumpy);
  series.ds[5] = series.ds[4];
  const Model model = fit(series, {}).value();
  EXPECT_EQ(model.history_t.size(), 30u);
  EXPECT_EQ(model.history_dates.size(), 29u);
  EXPECT_EQ(model.facts.end, FitFacts::End::kOptimum);
}

TEST(Fit, ConstantValuesAreForecastAsTheyAre) {
  for (Scaling scaling : {Scaling::kAbsMax, Scaling::kMinMax}) {
    for (double value : {5.0, 0.0, -3.0}) {
      const Model model =
          fit(make_series(30, kDay, [&](int) { return value; }), {.scaling = scaling}).value();
      EXPECT_EQ(model.facts.end, FitFacts::End::kConstantSeries);
      const Forecast forecast = predict(model, future_dates(model, {}).value().dates, {});
      for (double yhat : forecast.yhat) EXPECT_DOUBLE_EQ(yhat, value);
      EXPECT_NEAR(forecast.yhat_upper[27] - forecast.yhat_lower[27], 0, 1e-6);
    }
  }
}

TEST(Fit, AStraightLineGoesOnStraight) {
  const Model model = fit(make_series(50, kDay, [](int i) { return 3.0 + 2 * i; }), {}).value();
  EXPECT_EQ(model.facts.end, FitFacts::End::kExactData);
  const Forecast forecast = predict(model, future_dates(model, {}).value().dates, {});
  EXPECT_NEAR(forecast.yhat[27], 3 + 2 * 77, 1e-3);
}

TEST(Fit, ValuesOfAnySizeGiveTheSameCurve) {
  const Series plain = make_series(60, kDay, bumpy);
  const Model model = fit(plain, {}).value();
  for (double factor : {1e-150, 1e-6, 1e12, 1e150}) {
    Series scaled = plain;
    for (double& y : scaled.y) y *= factor;
    const Model other = fit(scaled, {}).value();
    EXPECT_NEAR(other.sigma, model.sigma, 1e-9) << factor;
    EXPECT_NEAR(predict(other, plain.ds, {}).yhat[7] / factor, predict(model, plain.ds, {}).yhat[7],
                1e-6);
  }
}

TEST(Fit, LittleNoiseOnLargeValuesIsNotTakenForRounding) {
  // Changes of 1e-7 of the values: a sum of squares of the values has no digits left for them.
  const auto value = [](int i) { return 623e6 + 40 * i + 30 * bumpy(i); };
  const Model large = fit(make_series(70, kDay, value), {}).value();
  EXPECT_EQ(large.facts.end, FitFacts::End::kOptimum);
  EXPECT_LT(large.facts.gradient, 1e-5);
  EXPECT_LT(large.facts.slope_at_zero, 1 + 1e-5);
  const double noise = large.sigma * large.y_scale;
  EXPECT_GT(noise, 5);
  EXPECT_LT(noise, 30);  // that of 30 bumpy values
}

TEST(Fit, ACurveThatTheFirstTangentMeetsIsGoneOnWith) {
  // Five parameters' worth of noise: the tangent of the logistic curve passes through all points.
  Series series = make_series(30, kDay, [](int i) { return 10 + 0.2 * i + 1e-4 * bumpy(i); });
  ForecastOptions options{.growth = Growth::kLogistic};
  options.cap = 17;
  options.yearly = {Mode::kOn, {}};
  const Model model = fit(series, options).value();
  EXPECT_LT(model.sigma * model.y_scale, 0.01);
  for (size_t i = 0; i < series.size(); ++i) {
    const double yhat = predict(model, {series.ds[i]}, {.samples = 0}).yhat[0];
    EXPECT_NEAR(yhat, series.y[i], 0.05);
  }
}

TEST(Fit, RefusesWhatCannotBeFitted) {
  EXPECT_EQ(fault({}), "the history has 0 rows with a value of y: at least 2 are needed");
  EXPECT_THAT(fault(make_series(5, kDay, [](int i) { return i == 2 ? 1.0 : kMissing; })),
              HasSubstr("has 1 rows with a value"));
  EXPECT_THAT(fault(make_series(5, kDay * 0, bumpy)), HasSubstr("of one date, 2020-01-01"));
  EXPECT_THAT(fault(make_series(5, kDay, [](int i) { return i * 1e300; })),
              HasSubstr("too large or too small"));
  const Series series = make_series(5, kDay, bumpy);
  EXPECT_EQ(fault(series, {.n_changepoints = -1}), "n_changepoints: -1 is not in 0 to 200");
  EXPECT_THAT(fault(series, {.changepoint_range = 1.5}), HasSubstr("changepoint_range: 1.5"));
  EXPECT_THAT(fault(series, {.changepoint_prior_scale = 0}), HasSubstr("changepoint_prior_scale"));
  EXPECT_THAT(fault(series, {.changepoint_prior_scale = NAN}), HasSubstr("nan"));
  EXPECT_THAT(fault(series, {.yearly = {Mode::kOn, 1001}}), HasSubstr("yearly_seasonality: 1001"));
}

TEST(Fit, RefusesMoreCellsThanItsLimit) {
  ForecastOptions options;
  options.n_changepoints = 200;
  const Series series = make_series(100'000, std::chrono::minutes(5), bumpy);
  EXPECT_THAT(fault(series, options), HasSubstr("100000 rows and the model's 216 columns"));
}

TEST(Predict, TermsAddUpToTheForecast) {
  const Model model = fit(make_series(800, kDay, bumpy), {.scaling = Scaling::kMinMax}).value();
  const Forecast forecast =
      predict(model, future_dates(model, {.include_history = true}).value().dates, {});
  EXPECT_EQ(forecast.history_rows, 800u);
  ASSERT_EQ(forecast.components.size(), 4u);
  EXPECT_EQ(forecast.components[0].name, "additive_terms");
  EXPECT_EQ(forecast.components[3].name, "multiplicative_terms");  // zeros, as in Prophet
  EXPECT_EQ(forecast.components[3].values, std::vector<double>(forecast.ds.size(), 0));
  for (size_t i = 0; i < forecast.ds.size(); ++i) {
    const double terms = forecast.components[1].values[i] + forecast.components[2].values[i];
    EXPECT_NEAR(forecast.components[0].values[i], terms, 1e-12);
    EXPECT_NEAR(forecast.yhat[i], forecast.trend[i] + terms, 1e-12);
  }
}

TEST(Predict, FlatGrowthHasALevelTrend) {
  const Model model = fit(make_series(60, kDay, bumpy), {.growth = Growth::kFlat}).value();
  const Forecast forecast = predict(model, future_dates(model, {}).value().dates, {});
  for (size_t i = 0; i < forecast.ds.size(); ++i) {
    EXPECT_EQ(forecast.trend[i], forecast.trend[0]);
    EXPECT_EQ(forecast.trend_lower[i], forecast.trend_upper[i]);
  }
}

TEST(Fit, EndsAtTheNextStepWhenNobodyWantsItAnyMore) {
  Series series;
  for (int i = 0; i < 400; ++i) {
    series.ds.push_back(parse_timestamp("2022-01-01").value() + i * kDay);
    series.y.push_back(10 + i % 7 + i * 0.1 + (i * 31 % 11));
  }
  for (const auto mode : {TermMode::kAdditive, TermMode::kMultiplicative}) {
    ForecastOptions options;
    options.seasonality_mode = mode;
    int asked = 0;
    ASSERT_TRUE(fit(series, options, [&] { return ++asked > 0; }));
    const int whole = asked;
    EXPECT_GT(whole, 5);
    for (const int last : {0, 1, whole / 2}) {
      asked = 0;
      const auto stopped = fit(series, options, [&] { return ++asked <= last; });
      ASSERT_FALSE(stopped);
      EXPECT_EQ(stopped.error().code(), Code::kCancelled);
      EXPECT_LT(asked, whole) << "each search ends with the next question";
    }
  }
}

TEST(Fit, ACapFarBeyondAllValuesIsRefused) {
  Series series;
  for (int i = 0; i < 100; ++i) {
    series.ds.push_back(parse_timestamp("2022-01-01").value() + i * kDay);
    series.y.push_back(i % 2 == 0 ? 8 : 10);
  }
  ForecastOptions options;
  options.growth = Growth::kLogistic;
  options.cap = 20;
  EXPECT_TRUE(fit(series, options));
  for (const double cap : {1.01e10, 1e308}) {
    options.cap = cap;
    const auto refused = fit(series, options);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message().find("over 1e+09 times the largest value of y"),
              std::string::npos)
        << refused.error().message();
  }
}

TEST(Fit, ThatWouldTakeMinutesIsRefused) {
  Series series;
  ForecastOptions options;
  for (int i = 0; i < 3000; ++i) {
    series.ds.push_back(parse_timestamp("2015-01-01").value() + i * kDay);
    series.y.push_back(i % 7);
  }
  options.seasonalities = {{"wild", 365.25, 1000, {}, {}, ""}};
  const auto refused = fit(series, options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), Code::kInvalidArgument);
  EXPECT_NE(refused.error().message().find("are more than can be fitted"), std::string::npos);
}

}  // namespace
}  // namespace thaw::predict
