#include "predict/request.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "predict/text.h"

namespace thaw::predict {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Mode = SeasonalitySwitch::Mode;

constexpr const char* kCsv = "ds,y\n2020-01-01,1\n2020-01-02,2\n";
constexpr const char* kList = R"([{"ds":"2020-01-01","y":1},{"ds":"2020-01-02","y":2}])";

Error option_fault(std::string_view name, std::string_view value) {
  ForecastRequest request;
  const Status status = set_option(request, name, value);
  EXPECT_FALSE(status) << name << "=" << value;
  return status ? Error(Code::kUnknown, "") : status.error();
}

TEST(Request, FormFollowsContentTypeAndIsSniffedWithoutOne) {
  EXPECT_EQ(parse_request("text/csv; charset=utf-8", kCsv).value().form, BodyForm::kCsv);
  EXPECT_EQ(parse_request("application/json", kList).value().form, BodyForm::kJsonList);
  const std::string object = std::string("\n {\"history\":") + kList + "}";
  for (const char* type :
       {"", "text/plain", "application/octet-stream", "application/x-www-form-urlencoded"}) {
    EXPECT_EQ(parse_request(type, kCsv).value().form, BodyForm::kCsv) << type;
    EXPECT_EQ(parse_request(type, kList).value().form, BodyForm::kJsonList) << type;
    EXPECT_EQ(parse_request(type, object).value().form, BodyForm::kJsonObject) << type;
  }
  EXPECT_FALSE(parse_request("application/json", kCsv));
  EXPECT_THAT(parse_request("image/png", kCsv).error().message(),
              HasSubstr("Content-Type 'image/png' is not read: send text/csv"));
}

TEST(Request, JsonMembersAreOptions) {
  const auto request = parse_request(
      "application/json",
      std::string("{\"history\":") + kList +
          R"(,"periods":3,"freq":"W","interval_width":0.95,"seed":7,"include_history":true,)"
          R"("yearly_seasonality":false,"weekly_seasonality":4,"daily_seasonality":"auto",)"
          R"("changepoints":["2020-01-01"],"growth":"flat","scaling":"minmax",)"
          R"("n_changepoints":null})");
  ASSERT_TRUE(request) << request.error().message();
  EXPECT_EQ(request->horizon.periods, 3);
  EXPECT_EQ(request->horizon.freq, "W");
  EXPECT_TRUE(request->horizon.include_history);
  EXPECT_EQ(request->intervals.width, 0.95);
  EXPECT_EQ(request->intervals.seed, 7u);
  EXPECT_EQ(request->model.yearly.mode, Mode::kOff);
  EXPECT_EQ(request->model.weekly.order, 4);
  EXPECT_EQ(request->model.daily.mode, Mode::kAuto);
  EXPECT_EQ(request->model.changepoints->size(), 1u);
  EXPECT_EQ(request->model.growth, Growth::kFlat);
  EXPECT_EQ(request->model.scaling, Scaling::kMinMax);
  EXPECT_EQ(request->model.n_changepoints, 25);
}

TEST(Request, BodiesThatAreNoRequestAreRefusedWithTheReason) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "line 1"},
      {"{", "line 1"},
      {"7", "neither a list"},
      {"{}", "no \"history\""},
      {R"({"history":5})", "history is no list"},
      {R"({"history":[],"period":3})", "no option 'period': did you mean 'periods'?"},
      {R"({"history":[],"periods":[1]})", "periods: '1' is not a text"},
      {R"({"history":[],"periods":1.5})", "periods: '1.5' is not a whole number"},
      {R"({"history":[],"seed":{}})", "seed: '{}' is not a text, number"},
  };
  for (const auto& [body, reason] : cases) {
    const auto request = parse_request("application/json", body);
    ASSERT_FALSE(request) << body;
    EXPECT_EQ(request.error().code(), Code::kInvalidArgument);
    EXPECT_THAT(request.error().message(), HasSubstr(reason)) << body;
  }
}

TEST(Options, WrongValuesAreNamedWithTheOption) {
  const std::tuple<const char*, const char*, const char*> cases[] = {
      {"periods", "", "periods: '' is not a whole number"},
      {"periods", "99999999999", "periods: '99999999999' is not a whole number"},
      {"freq", "month", "freq: 'month' is not known"},
      {"include_history", "yes", "include_history: 'yes' is not true or false"},
      {"interval_width", "wide", "interval_width: 'wide' is not a number"},
      {"interval_width", "nan", "interval_width: 'nan' is not a finite number"},
      {"seed", "-1", "seed: '-1' is not a whole number of 0 or more"},
      {"growth", "cubic", "growth: 'cubic' is not linear, logistic or flat"},
      {"scaling", "max", "scaling: 'max' is not absmax or minmax"},
      {"changepoints", "2020-01-01,soon", "changepoints: 'soon' is no date"},
      {"weekly_seasonality", "often", "weekly_seasonality: 'often' is not auto, true, false"},
  };
  for (const auto& [name, value, reason] : cases) {
    const Error error = option_fault(name, value);
    EXPECT_EQ(error.code(), Code::kInvalidArgument);
    EXPECT_THAT(error.message(), testing::StartsWith(reason));
  }
}

TEST(Options, SamplingThePosteriorIsSaidToBeMissing) {
  EXPECT_EQ(option_fault("mcmc_samples", "300").code(), Code::kUnimplemented);
  EXPECT_EQ(option_fault("mcmc_samples", "many").code(), Code::kInvalidArgument);
  ForecastRequest request;
  EXPECT_TRUE(set_option(request, "mcmc_samples", Json(0)));  // Prophet's default
}

TEST(Options, WholeNumbersMayHaveAPointAsJsonWritesThem) {
  const auto request = parse_request("application/json",
                                     std::string("{\"history\":") + kList +
                                         R"(,"periods":2.0,"seed":3.00,"weekly_seasonality":4.0})");
  ASSERT_TRUE(request) << request.error().message();
  EXPECT_EQ(request->horizon.periods, 2);
  EXPECT_EQ(request->intervals.seed, 3u);
  EXPECT_EQ(request->model.weekly.order, 4);
  for (const char* text : {"2.5", "2.", ".0", "2.0.0", "2.0x"}) option_fault("periods", text);
}

TEST(Options, ListsAreBoundedBeforeTheyAreBuilt) {
  std::string text, json = "[", countries;
  for (int i = 0; i < 101; ++i) {
    const std::string name = "r" + std::to_string(i);
    text += name + ";";
    json += (i > 0 ? ",\"" : "\"") + name + "\"";
    countries += "C" + std::to_string(i) + ",C0,";
  }
  EXPECT_EQ(option_fault("regressors", text).message(), "regressors: more than 100");
  EXPECT_EQ(option_fault("regressors", json + "]").message(), "regressors: more than 100");
  std::string zeros = "[";
  for (int i = 0; i < 10'000; ++i) zeros += "0,";
  EXPECT_THAT(option_fault("seasonalities", zeros + "0]").message(), HasSubstr("more than 1616"));
  EXPECT_EQ(option_fault("country_holidays", countries).message(),
            "country_holidays: more than 100 countries");
  ForecastRequest request;
  ASSERT_TRUE(set_option(request, "country_holidays", std::string_view("DE,AT,DE")));
  EXPECT_THAT(request.model.country_holidays, ElementsAre("DE", "AT"));
}

TEST(Options, ATableOfHolidaysIsUtf8) {
  EXPECT_EQ(option_fault("holidays", "holiday,ds\nF\xeate,2024-01-01\n").message(),
            "holidays: line 2: 'F\\xeate' is no UTF-8: save the table as UTF-8");
}

TEST(Request, AListOfPlainNumbersIsRefusedBeforeItIsHeld) {
  std::string zeros = "[";
  for (int i = 0; i < 100'000; ++i) zeros += "0,";
  EXPECT_THAT(parse_request("application/json", zeros + "0]").error().message(),
              HasSubstr("values"));
}

TEST(Request, AByteOrderMarkBeforeJsonIsPassedOver) {
  EXPECT_EQ(parse_request("", std::string("\xef\xbb\xbf") + kList).value().form,
            BodyForm::kJsonList);
}

TEST(Options, UnknownNamesGetTheNearestRightOne) {
  EXPECT_THAT(option_fault("interval_widht", "1").message(),
              HasSubstr("did you mean 'interval_width'?"));
  EXPECT_THAT(option_fault("Freq", "D").message(), HasSubstr("did you mean 'freq'?"));
  EXPECT_THAT(option_fault("colour", "red").message(), HasSubstr("there are periods, freq,"));
  EXPECT_THAT(option_fault(std::string(500, 'x'), "").message(), HasSubstr("...'"));
}

TEST(Options, NoSamplesMayBeFalse) {
  ForecastRequest request;
  EXPECT_TRUE(set_option(request, "uncertainty_samples", Json(false)));
  EXPECT_EQ(request.intervals.samples, 0);
}

TEST(Answer, ANamelessColumnOfRowNumbersIsPassedOver) {
  const auto request = parse_request("", ",ds,y,x\n0,2020-01-01,1,1\n1,2020-01-02,2,1\n").value();
  EXPECT_EQ(unused_columns(request), std::vector<std::string>{"x"});
}

TEST(Options, TermsMayBeAListOfNames) {
  ForecastRequest request;
  ASSERT_TRUE(set_option(request, "regressors", Json::parse(R"(["promo","price"])").value()));
  ASSERT_EQ(request.model.regressors.size(), 2u);
  EXPECT_EQ(request.model.regressors[1].name, "price");
  ASSERT_TRUE(set_option(request, "regressors", Json::parse("[]").value()));
  EXPECT_TRUE(request.model.regressors.empty());
}

TEST(Request, NoValueIsTheDefaultForAFittedModelToo) {
  const auto fitted = std::make_shared<SavedModel>();
  const auto request =
      parse_request("application/json", R"({"periods":3,"freq":null,"future":null})", fitted);
  ASSERT_TRUE(request) << request.error().message();
  EXPECT_EQ(request->horizon.periods, 3);
  EXPECT_FALSE(request->horizon.freq || request->future);
}

TEST(Request, IdsOfSeriesAreRefusedWhereTheModelIsOfOne) {
  const auto fitted = std::make_shared<SavedModel>();
  const std::string row = R"([{"unique_id":"a","ds":"2024-01-01"}])";
  for (const std::string& body :
       {std::string("unique_id,ds\na,2024-01-01\n"), row, "{\"future\":" + row + "}"}) {
    const auto request = parse_request("", body, fitted);
    ASSERT_FALSE(request) << body;
    EXPECT_EQ(request.error().message(), "unique_id: the model is of one series: leave it out");
  }
}

/// 60 days with a promotion every ninth day; `unknown` days at the end have no y.
std::string promotions_csv(int unknown) {
  std::string text = "ds,y,promo,shop\n";
  for (int i = 0; i < 60; ++i) {
    const Timestamp at = parse_timestamp("2024-01-01").value() + i * kDay;
    const std::string y = i < 60 - unknown ? std::to_string(10 + i % 7 + (i % 9 == 0 ? 8 : 0)) : "";
    text += fmt::format("{},{},{},north\n", format_timestamp(at, ClockPart::kShortest), y,
                        i % 9 == 0 ? "True" : "false");
  }
  return text;
}

TEST(Answer, RowsWithoutAValueAtTheEndAreForecastWhereColumnsAreNeeded) {
  ForecastRequest request = parse_request("", promotions_csv(8)).value();
  ASSERT_TRUE(set_option(request, "regressors", std::string_view("promo")));
  const ForecastAnswer answered = answer(request).value();
  ASSERT_EQ(answered.forecast.ds.size(), 8u);
  EXPECT_EQ(format_timestamp(answered.forecast.ds[0], ClockPart::kShortest), "2024-02-22");
  // Days 52 to 59, of which 54 has the promotion.
  for (size_t i = 0; i < 8; ++i) {
    const double expected = 10 + static_cast<double>((52 + i) % 7) + (i == 2 ? 8 : 0);
    EXPECT_NEAR(answered.forecast.yhat[i], expected, 0.2) << i;
  }
  EXPECT_EQ(unused_columns(request), std::vector<std::string>{"shop"});
  request.horizon.include_history = true;
  EXPECT_EQ(answer(request).value().forecast.ds.size(), 60u);
}

TEST(Answer, FutureRowsMayBeGivenByThemselves) {
  ForecastRequest request = parse_request("", promotions_csv(0)).value();
  ASSERT_TRUE(set_option(request, "regressors",
                         std::string_view(R"([{"name":"promo","mode":"additive"}])")));
  EXPECT_THAT(answer(request).error().message(), HasSubstr("need values of promo"));
  request.future =
      parse_series_csv("promo,ds\n0,2024-03-02\n1,2024-03-01\n", SeriesKind::kFuture).value();
  const Forecast forecast = answer(request).value().forecast;
  ASSERT_EQ(forecast.ds.size(), 2u);  // sorted
  EXPECT_NEAR(forecast.yhat[0], 10 + 60 % 7 + 8, 0.2);
  EXPECT_NEAR(forecast.yhat[1], 10 + 61 % 7, 0.2);
  request.future->columns[0].values[0] = NAN;
  EXPECT_EQ(answer(request).error().message(),
            "column 'promo': 2024-03-02 has no value: a regressor needs one in every row");
  request.future =
      parse_series_csv("ds,promo\n2024-03-01,\n2024-03-02,x\n", SeriesKind::kFuture).value();
  EXPECT_EQ(answer(request).error().message(), "column 'promo': line 3: 'x' is no number");
}

TEST(Answer, IsBoundedInWork) {
  ForecastRequest request = parse_request("", kCsv).value();
  request.horizon.periods = 10'000;
  request.intervals.samples = 10'000;
  EXPECT_THAT(answer(request).error().message(), HasSubstr("is over 20000000"));
  request.horizon.periods = 10'001;
  EXPECT_THAT(answer(request).error().message(), HasSubstr("periods: 10001 is not in 0 to 10000"));
  request.horizon.periods = 0;
  EXPECT_TRUE(answer(request).value().forecast.ds.empty());
  request.intervals.width = 1;
  EXPECT_THAT(answer(request).error().message(), HasSubstr("interval_width: 1 is not between"));
}

}  // namespace
}  // namespace thaw::predict
