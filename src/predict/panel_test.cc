#include "predict/panel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/json.h"
#include "predict/forecast_command.h"
#include "predict/panel_forecast.h"
#include "predict/server.h"
#include "predict/work.h"

namespace thaw::predict {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

/// Two series of 30 days, their rows mixed, in the form of `line`.
std::string two_series(double slope_of_b = 2) {
  std::string text = "ds,unique_id,y\n";
  for (int i = 0; i < 30; ++i) {
    const std::string ds =
        format_timestamp(parse_timestamp("2024-01-01").value() + i * kDay, ClockPart::kShortest);
    text += ds + ",a," + std::to_string(i + i % 7) + "\n";
    text += ds + ",\"b,c\"," + std::to_string(slope_of_b * i) + "\n";
  }
  return text;
}

std::string one_series() {
  std::string text = "ds,y\n";
  for (int i = 0; i < 30; ++i) {
    text +=
        format_timestamp(parse_timestamp("2024-01-01").value() + i * kDay, ClockPart::kShortest) +
        "," + std::to_string(i + i % 7) + "\n";
  }
  return text;
}

ForecastPrinted run(std::string_view text, ForecastCommand::Output output) {
  ForecastCommand command;
  command.source = "many.csv";
  command.text = text;
  command.options = {{"periods", "2"}};
  command.output = output;
  command.plot = ForecastCommand::Plot::kNone;
  return run_forecast(command);
}

TEST(Panel, RowsGoToTheSeriesOfTheirId) {
  const Panel panel = parse_panel_csv(
                          "unique_id,ds,y,x\nb,2024-01-01,1,5\na,2024-01-01,2,6\n"
                          "b,2024-01-02,,7\n")
                          .value();
  ASSERT_EQ(panel.members.size(), 2u);
  EXPECT_EQ(panel.members[0].id, "b");
  EXPECT_EQ(panel.members[0].series.size(), 2u);
  EXPECT_TRUE(std::isnan(panel.members[0].series.y[1]));
  EXPECT_THAT(panel.find("a")->series.column("x")->values, ElementsAre(6));
  EXPECT_EQ(panel.find("c"), nullptr);
}

TEST(Panel, AFaultyRowIsTheFaultOfItsSeriesAlone) {
  const Panel panel =
      parse_panel_csv("unique_id,ds,y\na,2024-01-01,1\nb,2024-01-01,x\nb,2024-01-02,1\n").value();
  EXPECT_EQ(panel.find("a")->fault, "");
  EXPECT_EQ(panel.find("b")->fault, "line 3: column 'y': 'x' is no number");
}

TEST(Panel, AnIdMustBeThere) {
  EXPECT_EQ(parse_panel_csv("unique_id,ds,y\n,2024-01-01,1\n").error().message(),
            "line 2: column 'unique_id' is empty");
  EXPECT_THAT(parse_panel_json(
                  Json::parse("[{\"unique_id\":\"a\"},{\"ds\":\"2024-01-01\"}]").value(), "rows")
                  .error()
                  .message(),
              HasSubstr("rows[1]: unique_id"));
  const auto of_json = [](const char* text) {
    return parse_request("application/json", text).error().message();
  };
  EXPECT_EQ(of_json(R"([{"unique_id":"","ds":"2024-01-01","y":1}])"),
            "rows[0]: unique_id is empty");
  EXPECT_EQ(of_json(R"({"history":[{"unique_id":" ","ds":"2024-01-01","y":1}]})"),
            "history[0]: unique_id is empty");
  EXPECT_THAT(of_json(R"([{"ds":"2024-01-01","y":1},{"unique_id":"a","ds":"2024-01-02","y":1}])"),
              HasSubstr("rows[0]: unique_id is no text: give it in every row"));
}

TEST(Panel, TheColumnsOfAllSeriesTogetherAreBounded) {
  std::string header = "unique_id,ds,y", values;
  for (int i = 0; i < 250; ++i) {
    header += ",c" + std::to_string(i);
    values += ",";
  }
  std::string text = header + "\n";
  for (size_t i = 0; i <= kMaxPanelColumns / 250; ++i) {
    text += std::to_string(i) + ",2024-01-01,1" + values + "\n";
  }
  EXPECT_EQ(parse_panel_csv(text).error().message(),
            "line 16002: over 16000 series of 250 columns besides ds and y: leave out those that "
            "are not needed, or divide the file");
}

TEST(Panel, ASeriesWithAFaultIsNotKept) {
  const Panel panel = parse_panel_csv(
                          "unique_id,ds,y,x\na,2024-01-01,1,2\na,2024-01-02,odd,2\n"
                          "b,2024-01-01,1,2\n")
                          .value();
  EXPECT_EQ(panel.find("a")->series.size(), 0u);
  EXPECT_TRUE(panel.find("a")->series.columns.empty());
  ForecastRequest request;
  request.panel = panel;
  EXPECT_THAT(unused_columns(request), ElementsAre("x"));
}

TEST(Panel, SpacesAroundAnIdAreNoneOfIt) {
  const Panel panel = parse_panel_json(Json::parse(R"([
      {"unique_id":"a","ds":"2024-01-01","y":1},{"unique_id":" a ","ds":"2024-01-02","y":2}])")
                                           .value(),
                                       "rows")
                          .value();
  ASSERT_EQ(panel.members.size(), 1u) << "as in CSV";
  EXPECT_EQ(panel.members[0].series.size(), 2u);
}

TEST(PanelForecast, EachSeriesIsForecastAsIfItWereAlone) {
  const ForecastPrinted many = run(two_series(), ForecastCommand::Output::kCsv);
  const ForecastPrinted one = run(one_series(), ForecastCommand::Output::kCsv);
  EXPECT_EQ(many.exit_code, 0) << many.notes;
  const size_t header = one.output.find('\n') + 1;
  const std::string first = one.output.substr(header, one.output.find('\n', header) - header);
  EXPECT_THAT(many.output, StartsWith("unique_id,ds,yhat,"));
  EXPECT_THAT(many.output, HasSubstr("\na," + first + "\n"));
  EXPECT_THAT(many.output, HasSubstr("\n\"b,c\",2024-01-31,"));
}

TEST(PanelForecast, OneBadSeriesIsNamedAndTheOthersAreForecast) {
  const std::string text = two_series() + "2024-01-01,lone,1\n2024-01-01,bad,x\n";
  const ForecastPrinted printed = run(text, ForecastCommand::Output::kCsv);
  EXPECT_EQ(printed.exit_code, 1);
  EXPECT_THAT(printed.output, HasSubstr("\na,2024-02-01,"));
  ASSERT_TRUE(printed.error);
  EXPECT_THAT(printed.error->message(), HasSubstr("\nunique_id 'lone': the history has 1 rows"));
  EXPECT_THAT(printed.error->message(), HasSubstr("\nunique_id 'bad': line 63: column 'y'"));
  EXPECT_THAT(printed.error->message(), StartsWith("2 of 4 series failed\n"));
}

TEST(PanelForecast, JsonTellsTheModelsAndTheFailures) {
  const std::string text = two_series() + "2024-01-01,lone,1\n";
  const Json root = Json::parse(run(text, ForecastCommand::Output::kJson).output).value();
  EXPECT_EQ(root["forecast"].as_array().size(), 4u);
  EXPECT_EQ(root["forecast"].as_array()[2]["unique_id"].as_string(), "b,c");
  EXPECT_EQ(root["models"].as_array()[0]["unique_id"].as_string(), "a");
  EXPECT_EQ(root["failed"].as_array()[0]["unique_id"].as_string(), "lone");
}

TEST(PanelForecast, ATableHasTheIdFirst) {
  const ForecastPrinted printed = run(two_series(), ForecastCommand::Output::kTable);
  EXPECT_THAT(printed.output, StartsWith("unique_id  ds "));
  EXPECT_THAT(printed.output, HasSubstr("\nb,c        2024-02-01"));
}

TEST(PanelForecast, FutureRowsGoToTheirSeries) {
  ForecastRequest request = parse_request("text/csv", two_series()).value();
  ASSERT_TRUE(set_future(request, "unique_id,ds\na,2024-03-01\na,2024-03-02\n"));
  const auto forecasts = forecast_panel(request, run_in_order).value();
  EXPECT_EQ(forecasts[0].answer.forecast.ds.size(), 2u);
  EXPECT_EQ(forecasts[1].error, "the future rows have none of this unique_id");
}

TEST(PanelForecast, FutureRowsWithoutIdsAreForEverySeries) {
  ForecastRequest request = parse_request("text/csv", two_series()).value();
  ASSERT_TRUE(set_future(request, "ds\n2024-03-01\n"));
  const auto forecasts = forecast_panel(request, run_in_order).value();
  EXPECT_EQ(forecasts[0].answer.forecast.ds, forecasts[1].answer.forecast.ds);
}

TEST(PanelForecast, FutureIdsWithoutIdsInTheHistoryAreRefused) {
  ForecastRequest request = parse_request("text/csv", one_series()).value();
  const Status status = set_future(request, "unique_id,ds\na,2024-03-01\n");
  EXPECT_THAT(status.error().message(), HasSubstr("the history has none"));
}

http::Response post(std::string body, std::string_view type) {
  http::Request request;
  request.method = "POST";
  request.path = "/predict";
  request.headers.add("content-type", std::string(type));
  request.body = std::move(body);
  return respond(request);
}

TEST(PanelForecast, TheServerAnswersManySeriesInTheirForm) {
  const http::Response csv = post(two_series() + "2024-01-01,lone,1\n", "text/csv");
  EXPECT_EQ(csv.status, 200);
  EXPECT_THAT(csv.body, StartsWith("unique_id,ds,yhat"));
  EXPECT_EQ(csv.headers.get("thaw-failed-series"), "1");
  const http::Response none = post("unique_id,ds,y\nlone,2024-01-01,1\n", "text/csv");
  EXPECT_EQ(none.status, 400);
  EXPECT_THAT(none.body, HasSubstr("unique_id 'lone': the history has 1 rows"));
  const http::Response json = post(
      R"([{"unique_id":"a","ds":"2024-01-01","y":1},{"unique_id":"a","ds":"2024-01-02","y":2}])",
      "application/json");
  EXPECT_EQ(json.status, 200);
  EXPECT_EQ(Json::parse(json.body).value().as_array()[0]["unique_id"].as_string(), "a");
}

std::string short_series(int count) {
  std::string text = "unique_id,ds,y\n";
  for (int i = 0; i < count; ++i) {
    for (const char* rest : {",2024-01-01,1\n", ",2024-01-02,3\n", ",2024-01-03,2\n"}) {
      text += "s" + std::to_string(i) + rest;
    }
  }
  return text;
}

TEST(PanelForecast, TheDrawsOfAllSeriesTogetherAreBounded) {
  ForecastRequest request = parse_request("text/csv", short_series(3)).value();
  request.horizon.periods = 10;
  request.intervals.samples = 10;
  EXPECT_TRUE(forecast_panel(request, run_in_order, {.most_draws = 300}));
  const auto over = forecast_panel(request, run_in_order, {.most_draws = 299});
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code(), Code::kOutOfRange);
  EXPECT_THAT(over.error().message(), HasSubstr("30 rows to forecast of 3 series"));
  ASSERT_TRUE(set_future(request, "unique_id,ds\ns0,2024-03-01\ns1,2024-03-02\n"));
  EXPECT_TRUE(forecast_panel(request, run_in_order, {.most_draws = 20}));
  EXPECT_FALSE(forecast_panel(request, run_in_order, {.most_draws = 19}));
  ASSERT_TRUE(set_future(request, "ds\n2024-03-01\n"));
  request.future_panel.reset();
  EXPECT_TRUE(forecast_panel(request, run_in_order, {.most_draws = 30}));
  EXPECT_FALSE(forecast_panel(request, run_in_order, {.most_draws = 29}));
  request.intervals.samples = 0;
  EXPECT_TRUE(forecast_panel(request, run_in_order, {.most_draws = 0}));
}

TEST(PanelForecast, TheFitsOfAllSeriesTogetherAreBounded) {
  ForecastRequest request = parse_request("text/csv", short_series(3)).value();
  const double work = 3 * FitWork(request.model).of(request.panel->members[0].series);
  EXPECT_TRUE(forecast_panel(request, run_in_order, {.most_fit_work = work}));
  const auto over = forecast_panel(request, run_in_order, {.most_fit_work = work * 0.99});
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code(), Code::kOutOfRange);
  EXPECT_THAT(over.error().message(), HasSubstr("the fits of 3 series are 1.0 times too much"));
}

TEST(PanelForecast, RowsOfTheHistoryThatAreForecastAreDrawnToo) {
  ForecastRequest request =
      parse_request("text/csv",
                    "unique_id,ds,y,x\na,2024-01-01,1,1\na,2024-01-02,3,2\na,2024-01-03,2,3\n"
                    "a,2024-01-04,,1\na,2024-01-05,,2\na,2024-01-06,,3\n")
          .value();
  ASSERT_TRUE(set_option(request, "regressors", std::string_view("x")));
  request.horizon.periods = 1;
  request.intervals.samples = 10;
  EXPECT_TRUE(forecast_panel(request, run_in_order, {.most_draws = 30}));
  EXPECT_FALSE(forecast_panel(request, run_in_order, {.most_draws = 29}));
}

TEST(PanelForecast, KeepsNoTablesOfHolidaysBesideEachForecast) {
  ForecastRequest request = parse_request("text/csv", two_series()).value();
  request.model.holidays = {
      {"feast", "", std::chrono::sys_days(std::chrono::days(19724)), 0, 0, {}}};
  request.model.regressors.clear();
  const auto forecasts = forecast_panel(request, run_in_order).value();
  for (const PanelForecast& it : forecasts) {
    EXPECT_TRUE(it.answer.model.options.holidays.empty());
    EXPECT_TRUE(it.answer.model.holidays.empty());
    EXPECT_TRUE(std::ranges::any_of(it.answer.forecast.components,
                                    [](const Component& c) { return c.name == "feast"; }));
  }
}

http::Request panel_request(int series, http::Query query) {
  http::Request request;
  request.method = "POST";
  request.path = "/predict";
  request.headers.add("content-type", "text/csv");
  request.body = short_series(series);
  request.query = std::move(query);
  return request;
}

TEST(PanelForecast, TheServerRefusesWhatWouldDrawForMinutes) {
  const http::Response over =
      respond(panel_request(20, {{"periods", "2000"}, {"uncertainty_samples", "10000"}}));
  EXPECT_EQ(over.status, 413);
  EXPECT_THAT(over.body, HasSubstr("over 100000000"));
  EXPECT_THAT(over.body, HasSubstr("OUT_OF_RANGE"));
}

TEST(PanelForecast, TheServerGivesUpBetweenTwoSeriesWhenItsCallerLeaves) {
  int asked = 0;
  const http::Response gone = respond(panel_request(1000, {{"uncertainty_samples", "10"}}), nullptr,
                                      nullptr, [&] { return ++asked <= 3; });
  EXPECT_EQ(gone.status, 499);
  EXPECT_LE(asked, 3 + 5) << "the fit under way, and no series after it";
  const http::Response whole = respond(panel_request(3, {{"uncertainty_samples", "10"}}), nullptr,
                                       nullptr, [] { return true; });
  EXPECT_EQ(whole.status, 200);
}

TEST(SeriesCsv, Utf16WithoutAMarkIsNamedToo) {
  const std::string text("d\0s\0,\0y\0\n\0", 10);
  EXPECT_EQ(parse_series_csv(text).error().message(), "the file is UTF-16: save it as UTF-8");
}

}  // namespace
}  // namespace thaw::predict
