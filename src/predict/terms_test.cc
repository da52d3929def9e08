// Seasonalities, holidays, regressors and limits: what Prophet's rules make of the options.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "predict/features.h"
#include "predict/forecaster.h"
#include "predict/scaling.h"
#include "predict/term_options.h"

namespace thaw::predict {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Timestamp date(const char* text) { return parse_timestamp(text).value(); }

Series days(int count) {
  Series series;
  for (int i = 0; i < count; ++i) {
    series.ds.push_back(date("2020-01-01") + i * kDay);
    series.y.push_back(10 + std::sin(i * 1.7) + i % 7);
  }
  return series;
}

void add_column(Series& series, const char* name, std::function<double(int)> value) {
  SeriesColumn column{name, {}, ""};
  for (size_t i = 0; i < series.size(); ++i) column.values.push_back(value(static_cast<int>(i)));
  series.columns.push_back(column);
}

std::string fault(const Series& series, const ForecastOptions& options) {
  const auto model = fit(series, options);
  EXPECT_FALSE(model);
  return model ? "" : model.error().message();
}

const Component* component(const Forecast& forecast, std::string_view name) {
  for (const Component& it : forecast.components) {
    if (it.name == name) return &it;
  }
  return nullptr;
}

TEST(Seasonalities, OnesOwnComeFirstAndTakeThePlaceOfTheBuiltIn) {
  ForecastOptions options;
  options.seasonalities = parse_seasonalities(
                              "weekly,period=7,fourier_order=2;monthly,period=30.5,fourier_order=1,"
                              "prior_scale=3,mode=multiplicative")
                              .value();
  options.yearly = {SeasonalitySwitch::Mode::kOn, 1};
  const Model model = fit(days(100), options).value();
  ASSERT_EQ(model.seasonalities.size(), 3u);
  EXPECT_EQ(model.seasonalities[0].name, "weekly");
  EXPECT_EQ(model.seasonalities[0].order, 2);
  EXPECT_EQ(model.seasonalities[0].prior_scale, 10);
  EXPECT_EQ(model.seasonalities[1].name, "monthly");
  EXPECT_EQ(model.seasonalities[1].mode, TermMode::kMultiplicative);
  EXPECT_EQ(model.seasonalities[1].prior_scale, 3);
  EXPECT_EQ(model.seasonalities[2].name, "yearly");
  EXPECT_EQ(model.beta.size(), 4u + 2 + 2);
}

TEST(Seasonalities, ABuiltInThatIsSwitchedOnTakesThePlaceOfOnesOwn) {
  ForecastOptions options;
  options.seasonalities =
      parse_seasonalities(
          "weekly,period=7,fourier_order=2,prior_scale=1;m,period=30,fourier_order=1")
          .value();
  options.weekly.mode = SeasonalitySwitch::Mode::kOn;
  const Model model = fit(days(100), options).value();
  ASSERT_EQ(model.seasonalities.size(), 2u);
  EXPECT_EQ(model.seasonalities[0].name, "weekly");
  EXPECT_EQ(model.seasonalities[0].order, 3);
  EXPECT_EQ(model.seasonalities[0].prior_scale, 10);
}

TEST(Seasonalities, ThatMultiplyATrendThroughZeroAreFittedFromTwoSides) {
  // Three steps, the last below zero, and a gap: the first tangent's solution leads to a maximum
  // with a noise of 0.354, short steps from the start to one of 0.248.
  Series series;
  for (int i = 0; i < 754; ++i) {
    series.ds.push_back(date("1996-10-12") + (i < 255 ? i : i + 46) * kDay);
    series.y.push_back(i < 240 ? 3 : i < 434 ? 9 : -2);
  }
  ForecastOptions options;
  options.seasonality_mode = TermMode::kMultiplicative;
  options.seasonalities = parse_seasonalities("monthly,period=30.5,fourier_order=5").value();
  options.changepoints = {date("1998-05-24"), date("1998-05-26"), date("1998-09-12")};
  const Model model = fit(series, options).value();
  EXPECT_EQ(model.facts.end, FitFacts::End::kOptimum);
  EXPECT_LT(model.sigma, 0.25);
}

TEST(Seasonalities, MayHaveHundredsOfTerms) {
  ForecastOptions options;
  options.weekly = {SeasonalitySwitch::Mode::kOn, 200};
  std::vector<double> features(400);
  const Model model = fit(days(30), options).value();
  ASSERT_EQ(model.seasonalities[0].order, 200);
  fourier_features(date("2020-01-02 07:00"), model.seasonalities[0], features.data());
  const double angle = 2 * M_PI * 200 * (18263 + 7 / 24.0) / 7;
  EXPECT_NEAR(features[398], std::sin(angle), 1e-8);
  EXPECT_NEAR(features[399], std::cos(angle), 1e-8);
}

TEST(Seasonalities, AConditionIsOneOrZeroAndSwitchesTheSeasonality) {
  Series series = days(60);
  add_column(series, "open", [](int i) { return i % 2; });
  ForecastOptions options;
  options.seasonalities =
      parse_seasonalities("w,period=7,fourier_order=1,condition_name=open").value();
  options.weekly.mode = SeasonalitySwitch::Mode::kOff;
  const Model model = fit(series, options).value();
  EXPECT_THAT(needed_columns(model), ElementsAre("open"));
  const Forecast forecast = predict(model, series, {.samples = 0}).value();
  EXPECT_EQ(component(forecast, "w")->values[2], 0);
  EXPECT_NE(component(forecast, "w")->values[3], 0);
  series.columns[0].values[4] = 0.5;
  EXPECT_EQ(fault(series, options),
            "column 'open': 2020-01-05 has 0.5: a condition is 0 or 1, false or true");
  series.columns.clear();
  EXPECT_EQ(fault(series, options), "no column 'open': besides ds and y there is none");
}

TEST(Holidays, MakeAFeaturePerOffsetSortedByName) {
  ForecastOptions options;
  options.holidays = parse_holidays(
                         "holiday,ds,lower_window,upper_window,prior_scale\n"
                         "easter,2020-04-12,-1,1,5\n"
                         "carnival,2020-02-24,,,\n"
                         "easter,2021-04-04,-1,0,5\n")
                         .value();
  const Series series = days(150);
  const Model model = fit(series, options).value();
  std::vector<std::string> names;
  for (const HolidayFeature& it : model.holidays) names.push_back(it.name);
  EXPECT_THAT(names, ElementsAre("carnival_delim_+0", "easter_delim_+0", "easter_delim_+1",
                                 "easter_delim_-1"));
  EXPECT_EQ(model.holidays[0].prior_scale, 10);
  EXPECT_EQ(model.holidays[1].prior_scale, 5);
  const std::vector<double> x = features_of(model, series, 100, 105);  // from 2020-04-10
  const size_t first = x.size() - 4 * 5;
  EXPECT_THAT(std::vector<double>(x.begin() + static_cast<std::ptrdiff_t>(first) + 5, x.end()),
              ElementsAre(0, 0, 1, 0, 0, /*+1*/ 0, 0, 0, 1, 0, /*-1*/ 0, 1, 0, 0, 0));
  const Forecast forecast = predict(model, series, {.samples = 0}).value();
  EXPECT_NE(component(forecast, "easter")->values[103], 0);
  EXPECT_EQ(component(forecast, "easter")->values[104], 0);
  EXPECT_EQ(component(forecast, "holidays")->values[103],
            component(forecast, "easter")->values[103]);
}

TEST(Holidays, OfCountriesAreThoseAskedForThatTheHistorysYearsHave) {
  ForecastOptions options;
  options.holidays = parse_holidays(
                         "country,ds,holiday\nXA,2020-02-03,A\nXA,2021-02-03,A\n"
                         "XA,2021-06-01,New\nXB,2020-02-05,B\n,2020-02-07,Own\n")
                         .value();
  options.country_holidays = {"XA"};
  ASSERT_TRUE(keep_countries(options));
  const Model model = fit(days(60), options).value();
  ASSERT_EQ(model.holidays.size(), 2u);
  EXPECT_EQ(model.holidays[0].holiday, "A");
  EXPECT_EQ(model.holidays[0].days.size(), 2u);
  EXPECT_EQ(model.holidays[1].holiday, "Own");
  options.country_holidays = {"XC"};
  EXPECT_THAT(keep_countries(options).error().message(), HasSubstr("none of the country 'XC'"));
}

TEST(Holidays, MayBeMonthsLong) {
  ForecastOptions options;
  options.holidays =
      parse_holidays("holiday,ds,lower_window,upper_window\nlockdown,2020-03-21,0,110\n").value();
  const Model model = fit(days(200), options).value();
  EXPECT_EQ(model.holidays.size(), 111u);
  std::string many = "holiday,ds,lower_window,upper_window\n";
  for (int i = 0; i < 4; ++i) many += fmt::format("h{},2020-03-21,-400,400\n", i);
  options.holidays = parse_holidays(many).value();
  EXPECT_THAT(fault(days(200), options), HasSubstr("3204 is not in 0 to 3000"));
  std::string often = "holiday,ds,lower_window,upper_window\n";
  for (int i = 0; i < 1000; ++i) often += "h,2020-03-21,-1000,1000\n";
  options.holidays = parse_holidays(often).value();
  EXPECT_THAT(fault(days(200), options), HasSubstr("of all rows"));
}

TEST(Holidays, APriorScaleThatIsTheDefaultMayBeLeftOutOnSomeDays) {
  ForecastOptions options;
  options.holidays_prior_scale = 4;
  options.holidays =
      parse_holidays("holiday,ds,prior_scale\nfair,2020-01-05,4\nfair,2020-02-05,\n").value();
  EXPECT_EQ(fit(days(60), options).value().holidays[0].prior_scale, 4);
  options.holidays_prior_scale = 5;
  EXPECT_THAT(fault(days(60), options), HasSubstr("'fair' has two prior scales"));
}

TEST(Holidays, FaultsNameTheLine) {
  const std::pair<const char*, const char*> cases[] = {
      {"holiday,ds\nx,soon\n", "line 2: ds: 'soon' is no date"},
      {"holiday\nx\n", "line 2: ds is missing"},
      {"holiday,ds,lower_window\nx,2020-01-01,-1\n", "line 2: lower_window and upper_window"},
      {"holiday,ds,lower_window,upper_window\nx,2020-01-01,a,1\n", "'a' is no whole number"},
      {"holiday,ds\nx\n", "line 2: 1 values where the header has 2 columns"},
      {R"([{"holiday":"x","ds":"2020-01-01","window":1}])", "holidays[0]: no key 'window'"},
      {R"([{"ds":"2020-01-01"}])", "holidays[0]: holiday is missing"},
  };
  for (const auto& [text, reason] : cases) {
    const auto parsed = parse_holidays(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.error().message(), HasSubstr(reason));
  }
  ForecastOptions options;
  options.holidays =
      parse_holidays("holiday,ds,prior_scale\nx,2020-01-01,1\nx,2020-01-02,2\n").value();
  EXPECT_THAT(fault(days(60), options), HasSubstr("two prior scales"));
  options.holidays = parse_holidays("holiday,ds\ntrend,2020-01-01\n").value();
  EXPECT_THAT(fault(days(60), options), HasSubstr("'trend' is a column that every forecast has"));
}

TEST(Regressors, AreStandardisedUnlessTheyAreOnlyZeroAndOne) {
  Series series = days(60);
  add_column(series, "flag", [](int i) { return i % 3 == 0; });
  add_column(series, "heat", [](int i) { return i % 5; });
  add_column(series, "same", [](int) { return 4; });
  ForecastOptions options;
  options.regressors = parse_regressors("flag;heat,prior_scale=2,mode=multiplicative;same").value();
  const Model model = fit(series, options).value();
  EXPECT_EQ(model.regressors[0].mean, 0);
  EXPECT_EQ(model.regressors[0].deviation, 1);
  EXPECT_EQ(model.regressors[1].mean, 2);
  EXPECT_NEAR(model.regressors[1].deviation, std::sqrt(120.0 / 59), 1e-12);
  EXPECT_EQ(model.regressors[2].deviation, 1);
  const Forecast forecast = predict(model, series, {.samples = 0}).value();
  EXPECT_EQ(component(forecast, "heat")->values,
            component(forecast, "multiplicative_terms")->values);
  EXPECT_EQ(component(forecast, "extra_regressors_multiplicative")->mode,
            TermMode::kMultiplicative);
  for (size_t i = 0; i < 5; ++i) {
    const double shown = forecast.trend[i] * (1 + component(forecast, "heat")->values[i]) +
                         component(forecast, "additive_terms")->values[i];
    EXPECT_NEAR(forecast.yhat[i], shown, 1e-9);
  }
}

TEST(Regressors, CoefficientsAreInTheirOwnUnitsAndThoseOfY) {
  Series series = days(60);
  add_column(series, "price", [](int i) { return 100 + i % 5; });
  add_column(series, "promo", [](int i) { return i % 9 == 0; });
  for (size_t i = 0; i < series.size(); ++i) {
    series.y[i] = 50 + 2.5 * series.columns[0].values[i] + (i % 9 == 0 ? 40 : 0);
  }
  ForecastOptions options;
  options.weekly.mode = SeasonalitySwitch::Mode::kOff;
  options.regressors = parse_regressors("price;promo,mode=multiplicative").value();
  const Model model = fit(series, options).value();
  const auto coefficients = regressor_coefficients(model);
  ASSERT_EQ(coefficients.size(), 2u);
  EXPECT_EQ(coefficients[0].regressor, "price");
  EXPECT_NEAR(coefficients[0].center, 102, 1e-9);
  EXPECT_NEAR(coefficients[0].coef, 2.5, 0.01);
  EXPECT_EQ(coefficients[1].mode, TermMode::kMultiplicative);
  EXPECT_EQ(coefficients[1].center, 0);
  EXPECT_NEAR(coefficients[1].coef, 40 / 305.0, 0.001);  // of the trend, price apart
}

TEST(Terms, WrongListsAreRefusedWithTheirPlace) {
  EXPECT_THAT(parse_seasonalities("monthly,period=30").error().message(),
              HasSubstr("seasonalities[0]: fourier_order is missing"));
  EXPECT_THAT(parse_seasonalities("m,period=x,fourier_order=1").error().message(),
              HasSubstr("period: 'x' is no number"));
  EXPECT_THAT(parse_seasonalities("m,period=30,fourier_order=1.5").error().message(),
              HasSubstr("fourier_order: '1.5' is no whole number"));
  EXPECT_THAT(parse_seasonalities("m,period=30,fourier_ordr=1").error().message(),
              HasSubstr("did you mean 'fourier_order'?"));
  EXPECT_THAT(parse_regressors("a,mode=both").error().message(),
              HasSubstr("regressors[0]: mode: 'both' is not additive or multiplicative"));
  EXPECT_THAT(parse_regressors("[7]").error().message(), HasSubstr("regressors[0] is no object"));
  EXPECT_TRUE(parse_regressors("").value().empty());
  ForecastOptions options;
  options.regressors = parse_regressors("a;a").value();
  EXPECT_THAT(validate(options).error().message(), HasSubstr("the name of two terms"));
  options.regressors = parse_regressors("x_delim_y").value();
  EXPECT_THAT(validate(options).error().message(), HasSubstr("may not hold '_delim_'"));
  options.regressors.clear();
  options.seasonalities = parse_seasonalities("m,period=0,fourier_order=1").value();
  EXPECT_THAT(validate(options).error().message(), HasSubstr("seasonalities: m: period"));
}

TEST(Limits, AFloorScalesByTheDistanceFromIt) {
  Series series = days(60);
  add_column(series, "floor", [](int i) { return i < 30 ? 1 : 2; });
  ForecastOptions options;
  options.growth = Growth::kLogistic;
  options.cap = 30;
  const Model model = fit(series, options).value();
  double largest = 0;
  for (size_t i = 0; i < 60; ++i) {
    largest = std::max(largest, series.y[i] - series.columns[0].values[i]);
  }
  EXPECT_DOUBLE_EQ(model.y_scale, largest);
  EXPECT_EQ(model.last_floor, 2);
  options.scaling = Scaling::kMinMax;
  const Model ranged = fit(series, options).value();
  EXPECT_EQ(ranged.floor, 1);
  EXPECT_EQ(ranged.y_scale, 29);
  const Forecast forecast = predict(model, {date("2025-01-01")}, {.samples = 200});
  EXPECT_GT(forecast.trend[0], 2);
  EXPECT_LT(forecast.trend[0], 30);
  EXPECT_GE(forecast.trend_lower[0], 2);
  EXPECT_LE(forecast.trend_upper[0], 30);
}

TEST(Limits, AreColumnsOfTheForecast) {
  Series series = days(60);
  add_column(series, "cap", [](int) { return 40; });
  add_column(series, "floor", [](int) { return 2; });
  const Model model = fit(series, {.growth = Growth::kLogistic}).value();
  const Forecast forecast = predict(model, {date("2020-03-05")}, {.samples = 0});
  EXPECT_THAT(forecast.cap, ElementsAre(40));
  EXPECT_THAT(forecast.floor, ElementsAre(2));
}

TEST(Limits, ACapMustBeThereAndOverTheFloor) {
  Series series = days(60);
  ForecastOptions options;
  options.growth = Growth::kLogistic;
  EXPECT_THAT(fault(series, options), HasSubstr("give the option cap"));
  options.cap = 0;
  EXPECT_THAT(fault(series, options), HasSubstr("cap: 2020-01-01 has 0, which is not over"));
  options.cap.reset();
  add_column(series, "cap", [](int i) { return i == 0 ? NAN : 30; });
  EXPECT_THAT(fault(series, options), HasSubstr("cap: 2020-01-01 has no value"));
  series.columns[0].values[0] = 30;
  series.columns[0].values[5] = NAN;  // as the row before
  EXPECT_EQ(fit(series, options).value().last_cap, 30);
}

TEST(Limits, AConstantSeriesIsFittedUnderACapToo) {
  Series series = days(60);
  for (double& y : series.y) y = 5;
  ForecastOptions options;
  options.growth = Growth::kLogistic;
  options.cap = 10;
  const Model model = fit(series, options).value();
  EXPECT_NEAR(predict(model, {date("2020-03-05")}, {.samples = 0}).yhat[0], 5, 0.01);
}

}  // namespace
}  // namespace thaw::predict
