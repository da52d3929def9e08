#include "predict/saved_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/json.h"
#include "predict/forecast_command.h"
#include "predict/request.h"
#include "predict/server.h"

namespace thaw::predict {
namespace {

using testing::HasSubstr;

/// A small model as Prophet writes it: weekly season, one changepoint, 20 days from 2020-01-01.
Json small_model() {
  Json dates = Json::array(), rows = Json::array();
  const Timestamp start = parse_timestamp("2020-01-01").value();
  for (int i = 0; i < 20; ++i) {
    const std::string ds =
        format_timestamp(start + i * kDay, ClockPart::kShortest) + "T00:00:00.000Z";
    dates.push_back(ds);
    rows.push_back(Json::object(
        {{"ds", ds}, {"y", i}, {"floor", 0}, {"t", i / 19.0}, {"y_scaled", i / 19.0}}));
  }
  Json bends = Json::array();
  bends.push_back("2020-01-11T00:00:00.000Z");
  const Json history = Json::object({{"data", std::move(rows)}});
  Json model = Json::parse(R"({"growth":"linear","changepoint_prior_scale":0.05,"mcmc_samples":0,
      "seasonality_mode":"additive","y_scale":19.0,"logistic_floor":false,"country_holidays":null,
      "start":1577836800.0,"t_scale":1641600.0,"holidays":null,"extra_regressors":[[],{}],
      "changepoints_t":[0.526315789473684],
      "seasonalities":[["weekly"],{"weekly":{"period":7,"fourier_order":1,"prior_scale":10.0,
      "mode":"additive","condition_name":null}}],
      "params":{"k":[[1.0]],"m":[[0.1]],"delta":[[0.5]],"sigma_obs":[[0.01]],
      "beta":[[0.0,0.2]]}})")
                   .value();
  model.set("history", history.dump());
  model.set("history_dates", Json::object({{"data", std::move(dates)}}).dump());
  model.set("changepoints", Json::object({{"data", std::move(bends)}}).dump());
  return model;
}

double yhat_after(const SavedModel& saved, int days) {
  return predict(saved.model, {saved.model.start + (19 + days) * kDay}, {.samples = 0}).yhat[0];
}

TEST(SavedModel, IsForecastByItsParameters) {
  const SavedModel saved = parse_saved_model(small_model().dump()).value();
  const double t = 20 / 19.0, bend = 10 / 19.0;
  const double season = 0.2 * std::cos(2 * M_PI * (18262 + 20) / 7);  // 2020-01-01 is day 18262
  EXPECT_NEAR(yhat_after(saved, 1), 19 * (t + 0.1 + 0.5 * (t - bend) + season), 1e-6);
  EXPECT_EQ(saved.model.facts.end, FitFacts::End::kImported);
  EXPECT_EQ(saved.history.size(), 20u);
}

TEST(SavedModel, MayBeATextOfJsonInJson) {
  const std::string nested = Json(small_model().dump()).dump();
  EXPECT_TRUE(parse_saved_model(nested));
}

TEST(SavedModel, FaultsNameTheKey) {
  const std::pair<const char*, Json> faults[] = {
      {"growth", "cubic"},
      {"mcmc_samples", 300},
      {"country_holidays", "US"},
      {"y_scale", 0},
      {"y_scale", 1e201},
      {"y_scale", 1e-201},
      {"t_scale", -1},
      {"t_scale", 1e-308},
      {"start", "x"},
      {"seasonalities", 3},
      {"history", "{"},
      {"history", "{\"data\":[]}"},
      {"changepoints_t", Json::array()},
      {"params", Json::object()},
      {"holidays", "{\"data\":3}"},
      {"extra_regressors", Json::array()},
  };
  for (const auto& [key, value] : faults) {
    Json broken = small_model();
    broken.set(key, value);
    const auto saved = parse_saved_model(broken.dump());
    ASSERT_FALSE(saved) << key;
    EXPECT_FALSE(saved.error().message().empty());
  }
  Json broken = small_model();
  broken.set("params", Json::parse(R"({"k":[[1]],"m":[[1]],"delta":[[0]],"sigma_obs":[[1]],
                                       "beta":[[1]]})")
                           .value());
  EXPECT_THAT(
      parse_saved_model(broken.dump()).error().message(),
      HasSubstr("beta has 1 values where the seasonalities, holidays and regressors have 2"));
  EXPECT_THAT(parse_saved_model("{}").error().message(), HasSubstr("no fitted model"));
}

TEST(SavedModel, NumbersThatWouldMakeForecastsEndlessOrInfiniteAreRefused) {
  for (const char* key : {"k", "m", "delta", "sigma_obs", "beta"}) {
    Json broken = small_model();
    Json params = broken["params"];
    Json list = params[key];
    list.as_array()[0].as_array()[0] = 1e51;
    params.set(key, list);
    broken.set("params", params);
    const auto saved = parse_saved_model(broken.dump());
    ASSERT_FALSE(saved) << key;
    EXPECT_EQ(saved.error().message(), "params: 1e+51 is over 1e+50") << key;
  }
  Json many = small_model();
  Json dates = Json::array(), times = Json::array();
  for (int i = 0; i < 5001; ++i) {
    dates.push_back("2020-01-11T00:00:00.000Z");
    times.push_back(0.5);
  }
  many.set("changepoints", Json::object({{"data", std::move(dates)}}));
  many.set("changepoints_t", times);
  EXPECT_EQ(parse_saved_model(many.dump()).error().message(), "changepoints: 5001 are over 5000");

  SavedModel large = parse_saved_model(small_model().dump()).value();
  large.model.k = 1e50;
  large.model.y_scale = 1e300;
  Series rows;
  rows.ds = {large.model.start + 40 * kDay};
  rows.y = {NAN};
  const auto forecast = predict(large.model, rows, {.samples = 10});
  ASSERT_FALSE(forecast);
  EXPECT_THAT(forecast.error().message(), HasSubstr("the forecast of 2020-02-10 is not finite"));
}

TEST(SavedModel, KeepsMicrosecondsOfItsDates) {
  ForecastRequest request =
      parse_request("text/csv",
                    "ds,y\n2024-01-01 00:00:00.000001,1\n2024-01-01 00:00:00.25,2\n"
                    "2024-01-01 00:00:01,4\n")
          .value();
  const Model model = fit(request.history, {}).value();
  const std::string text = save_model(model, request.history, {});
  EXPECT_THAT(text, HasSubstr("2024-01-01T00:00:00.000001"));
  EXPECT_THAT(text, HasSubstr("2024-01-01T00:00:00.250\\"));
  EXPECT_THAT(text, HasSubstr("2024-01-01T00:00:01.000\\"));
  EXPECT_EQ(parse_saved_model(text).value().history.ds, request.history.ds);
}

TEST(SavedModel, IsDrawnWithItsHistory) {
  const auto saved = std::make_shared<SavedModel>(parse_saved_model(small_model().dump()).value());
  http::Request request{.method = "POST"};
  request.path = "/predict";
  request.headers.add("accept", "text/plain;charset=us-ascii");
  const std::string drawn = respond(request, saved).body;
  const std::string picture = drawn.substr(0, drawn.find("* history"));
  EXPECT_THAT(picture, HasSubstr("*")) << drawn;
}

std::string rich_csv() {
  std::string text = "ds,y,promo,cap,floor\n";
  const Timestamp start = parse_timestamp("2022-01-01").value();
  for (int i = 0; i < 200; ++i) {
    text += format_timestamp(start + i * kDay, ClockPart::kShortest) + "," +
            std::to_string(20 + 0.05 * i + i * 7 % 5 + 3 * (i % 9 == 0)) + "," +
            std::to_string(i % 9) + ",60,5\n";
  }
  return text;
}

TEST(SavedModel, WrittenAndReadForecastsTheSame) {
  for (const char* growth : {"linear", "logistic", "flat"}) {
    ForecastRequest request = parse_request("text/csv", rich_csv()).value();
    ASSERT_TRUE(set_option(request, "growth", std::string_view(growth)));
    ASSERT_TRUE(set_option(request, "regressors", std::string_view("promo,mode=multiplicative")));
    ASSERT_TRUE(set_option(request, "holidays",
                           std::string_view("holiday,ds,lower_window,upper_window\n"
                                            "fair,2022-03-01,-1,1\nfair,2022-07-25,-1,1\n")));
    ASSERT_TRUE(set_future(request, "ds,promo,cap,floor\n2022-07-25,3,60,5\n2022-08-01,1,60,5\n"));
    request.intervals.samples = 50;
    const ForecastAnswer before = answer(request).value();
    const SavedModel saved =
        parse_saved_model(save_model(before.model, request.history, request.intervals)).value();
    const Forecast after = predict(saved.model, *request.future, request.intervals).value();
    for (size_t i = 0; i < after.yhat.size(); ++i) {
      EXPECT_NEAR(after.yhat[i], before.forecast.yhat[i], 1e-9) << growth;
      EXPECT_NEAR(after.yhat_upper[i], before.forecast.yhat_upper[i], 1e-9) << growth;
    }
  }
}

TEST(SavedModel, MayHaveAnyOtherColumnsInItsHistory) {
  Json model = small_model();
  Json history = Json::parse(model["history"].as_string()).value();
  Json rows = Json::array();
  for (const Json& it : history["data"].as_array()) {
    Json row = it;
    row.set("date", "a text");
    row.set("Y", "another");
    rows.push_back(std::move(row));
  }
  model.set("history", Json::object({{"data", std::move(rows)}}).dump());
  const auto saved = parse_saved_model(model.dump());
  ASSERT_TRUE(saved) << saved.error().message();
  EXPECT_EQ(saved->history.y[3], 3);
}

TEST(SavedModel, KeepsChangepointsInTheOrderThatTheyWereGivenIn) {
  Json model = small_model();
  model.set("changepoints", R"({"data":["2020-01-11T00:00:00.000Z","2020-01-06T00:00:00.000Z"]})");
  model.set("changepoints_t", Json::parse("[0.2631578947368421,0.526315789473684]").value());
  model.set("params", Json::parse(R"({"k":[[1]],"m":[[0.1]],"delta":[[0,0.5]],"sigma_obs":[[0.01]],
                                      "beta":[[0,0.2]]})")
                          .value());
  const SavedModel saved = parse_saved_model(model.dump()).value();
  EXPECT_LT(saved.model.changepoints[0], saved.model.changepoints[1]);
  EXPECT_NEAR(yhat_after(saved, 1), yhat_after(parse_saved_model(small_model().dump()).value(), 1),
              1e-9);
}

TEST(SavedModel, NamesTheColumnsOfItsTablesForPandas) {
  ForecastRequest request = parse_request("text/csv", rich_csv()).value();
  ASSERT_TRUE(set_option(request, "growth", std::string_view("logistic")));
  ASSERT_TRUE(set_option(request, "regressors", std::string_view("promo")));
  ASSERT_TRUE(set_option(request, "holidays",
                         std::string_view("holiday,ds,prior_scale\nfair,2022-03-01,3\n")));
  const Model model = fit(request.history, request.model).value();
  const Json saved = Json::parse(save_model(model, request.history, {})).value();
  for (const char* key : {"history", "holidays"}) {
    const Json table = Json::parse(saved[key].as_string()).value();
    std::vector<std::string> named, there;
    for (const Json& it : table["schema"]["fields"].as_array()) {
      named.push_back(it.string_or("name"));
    }
    for (const auto& [name, value] : table["data"].as_array()[0].as_object()) {
      there.push_back(name);
    }
    EXPECT_THAT(named, testing::UnorderedElementsAreArray(there)) << key;
  }
}

TEST(SavedModel, KeepsTheIntervalsOfItsForecasts) {
  ForecastRequest request = parse_request("text/csv", rich_csv()).value();
  request.intervals.width = 0.95;
  request.intervals.samples = 70;
  const ForecastAnswer first = answer(request).value();
  const std::string text = save_model(first.model, request.history, request.intervals);
  const auto saved = std::make_shared<SavedModel>(parse_saved_model(text).value());
  EXPECT_EQ(saved->intervals.width, 0.95);
  EXPECT_EQ(saved->intervals.samples, 70);
  // Of a body without options, and with one.
  EXPECT_EQ(parse_request("", "", saved).value().intervals.width, 0.95);
  const ForecastRequest narrower =
      parse_request("application/json", R"({"interval_width":0.5})", saved).value();
  EXPECT_EQ(narrower.intervals.width, 0.5);
  EXPECT_EQ(narrower.intervals.samples, 70);
  // Of the command.
  ForecastCommand command;
  command.source = "model.json";
  command.model_text = text;
  command.saved_model = "again.json";
  const ForecastPrinted printed = run_forecast(command);
  ASSERT_EQ(printed.files.size(), 1u) << printed.notes;
  EXPECT_EQ(parse_saved_model(printed.files[0].second).value().intervals.width, 0.95);
}

TEST(SavedModel, IntervalsThatCannotBeAreToldByTheirKey) {
  Json model = small_model();
  model.set("uncertainty_samples", 50'000);
  EXPECT_EQ(parse_saved_model(model.dump()).value().intervals.samples, 10'000);
  model.set("uncertainty_samples", false);
  EXPECT_EQ(parse_saved_model(model.dump()).value().intervals.samples, 0);
  model.set("uncertainty_samples", -1);
  EXPECT_THAT(parse_saved_model(model.dump()).error().message(), HasSubstr("uncertainty_samples"));
  model.set("uncertainty_samples", nullptr);
  model.set("interval_width", 1.5);
  EXPECT_THAT(parse_saved_model(model.dump()).error().message(), HasSubstr("interval_width"));
  model.set("interval_width", "wide");
  EXPECT_THAT(parse_saved_model(model.dump()).error().message(), HasSubstr("interval_width"));
}

TEST(SavedModel, OfTheCommandNeedsNoHistory) {
  const std::string model = small_model().dump();
  ForecastCommand command;
  command.source = "model.json";
  command.model_text = model;
  command.options = {{"periods", "3"}};
  command.output = ForecastCommand::Output::kCsv;
  command.plot = ForecastCommand::Plot::kNone;
  command.saved_model = "again.json";
  const ForecastPrinted printed = run_forecast(command);
  ASSERT_EQ(printed.exit_code, 0) << printed.notes;
  EXPECT_THAT(printed.output, HasSubstr("\n2020-01-23,"));
  ASSERT_EQ(printed.files.size(), 1u);
  EXPECT_TRUE(parse_saved_model(printed.files[0].second));
}

}  // namespace
}  // namespace thaw::predict
