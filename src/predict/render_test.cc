#include "predict/render.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/json.h"
#include "predict/forecast_command.h"
#include "predict/panel_forecast.h"
#include "predict/plot.h"

namespace thaw::predict {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

/// 60 days with a weekly rhythm.
std::string weekly_csv() {
  std::string text = "ds,y\n";
  for (int i = 0; i < 60; ++i) {
    const Timestamp at = parse_timestamp("2024-01-01").value() + i * kDay;
    text += format_timestamp(at, ClockPart::kShortest) + "," +
            std::to_string(100 + i + (i % 7 == 6 ? 40 : i % 3)) + "\n";
  }
  return text;
}

ForecastAnswer weekly_answer(ForecastRequest& request) {
  request = parse_request("", weekly_csv()).value();
  request.horizon.periods = 14;
  return answer(request).value();
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines(1);
  for (char c : text) {
    if (c == '\n') {
      lines.emplace_back();
    } else {
      lines.back() += c;
    }
  }
  EXPECT_EQ(lines.back(), "");
  lines.pop_back();
  return lines;
}

/// Characters of a UTF-8 text.
size_t columns_in(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

TEST(RenderCsv, HasARowPerDateAndReadsBackAsASeries) {
  ForecastRequest request;
  const ForecastAnswer answered = weekly_answer(request);
  const std::string csv = forecast_csv(answered.forecast);
  const auto lines = lines_of(csv);
  ASSERT_EQ(lines.size(), 15u);
  EXPECT_EQ(lines[0],
            "ds,yhat,yhat_lower,yhat_upper,trend,trend_lower,trend_upper,"
            "additive_terms,weekly,multiplicative_terms");
  EXPECT_THAT(lines[1], StartsWith("2024-03-01,"));
  std::string as_series = csv;
  as_series.replace(0, 7, "ds,y");
  const Series series = parse_series_csv(as_series).value();
  for (size_t i = 0; i < 14; ++i) {
    EXPECT_NEAR(series.y[i], answered.forecast.yhat[i], 1e-7);
  }
}

TEST(RenderCsv, ShowsTimesOfDayWhenOneIsNotMidnight) {
  Forecast forecast;
  forecast.ds = {parse_timestamp("2024-01-01").value(),
                 parse_timestamp("2024-01-01 06:00").value()};
  forecast.yhat = {1.5, -0.0};
  EXPECT_EQ(forecast_csv(forecast), "ds,yhat\n2024-01-01 00:00:00,1.5\n2024-01-01 06:00:00,0\n");
}

TEST(RenderJson, HasTheFormOfTheRequest) {
  ForecastRequest request;
  const ForecastAnswer answered = weekly_answer(request);
  const Json list = Json::parse(forecast_json(answered, BodyForm::kJsonList)).value();
  ASSERT_TRUE(list.is_array());
  EXPECT_EQ(list.as_array().size(), 14u);
  EXPECT_EQ(list.as_array()[0]["ds"].as_string(), "2024-03-01");
  EXPECT_NEAR(list.as_array()[0]["yhat"].as_double(), answered.forecast.yhat[0], 1e-7);
  const Json object = Json::parse(forecast_json(answered, BodyForm::kJsonObject)).value();
  EXPECT_EQ(object["forecast"], list);
  EXPECT_EQ(object["model"]["fit"].as_string(), "optimum");
  EXPECT_EQ(object["model"]["freq"].as_string(), "D");
  EXPECT_EQ(object["model"]["rows"].as_int(), 60);
}

TEST(RenderJson, HasTheBytesThatJsonItselfWouldPrint) {
  PanelForecast part;
  part.id = "a \"b\"\n\xc3\xa4";
  Forecast& forecast = part.answer.forecast;
  Timestamp at = parse_timestamp("2024-01-01 12:00").value();
  for (int exponent = -12; exponent <= 18; ++exponent) {
    for (double digits : {1.0, -1.2345678912345, 9.9999999999, 7.0, 1.5}) {
      forecast.yhat.push_back(digits * std::pow(10, exponent));
    }
  }
  for (double it : {0.0, -0.0, double(NAN), double(INFINITY), 123456789012345.0, 99999999999.9}) {
    forecast.yhat.push_back(it);
  }
  forecast.trend.assign(forecast.yhat.size(), 3);
  for (size_t i = 0; i < forecast.yhat.size(); ++i) forecast.ds.push_back(at += kDay);
  forecast.components.push_back({"odd \"name\"", TermMode::kAdditive, forecast.yhat});
  PanelForecast failed;
  failed.id = "b";
  failed.error = "x";
  for (const BodyForm form : {BodyForm::kJsonList, BodyForm::kJsonObject}) {
    const std::string text = panel_json({part, failed}, form);
    const auto read = Json::parse(text);
    ASSERT_TRUE(read) << read.error().message();
    const std::string printed = read->dump() + '\n';
    const auto [here, there] =
        std::mismatch(printed.begin(), printed.end(), text.begin(), text.end());
    EXPECT_EQ(std::string(here, here + std::min<std::ptrdiff_t>(40, printed.end() - here)), "");
    EXPECT_TRUE(there == text.end());
  }
}

TEST(RenderTable, AlignsItsColumns) {
  ForecastRequest request;
  const ForecastAnswer answered = weekly_answer(request);
  const auto lines = lines_of(forecast_table(answered.forecast));
  ASSERT_EQ(lines.size(), 15u);
  for (const std::string& line : lines) EXPECT_EQ(line.size(), lines[0].size()) << line;
  EXPECT_THAT(lines[0], EndsWith("weekly"));
}

TEST(RenderTable, MovesNoCursor) {
  PanelForecast part;
  part.id =
      "a\x1b[2Jb\xc2\x9b"
      "c\xc3\xa4";
  part.answer.forecast.ds = {parse_timestamp("2024-01-01").value()};
  part.answer.forecast.yhat = {1};
  part.answer.forecast.components.push_back({"x\r", TermMode::kAdditive, {2}});
  const std::string table = panel_table({part});
  EXPECT_THAT(table, HasSubstr("a\\x1b[2Jb\\x9bc\xc3\xa4"));
  EXPECT_THAT(table, HasSubstr("x\\x0d"));
  const ForecastPrinted printed = run_forecast(
      {.source = "x", .text = "ds,y,s\x1bp\n2024-01-01,1,a\n2024-01-02,2,b\n2024-01-03,3,c\n"});
  EXPECT_THAT(printed.notes, HasSubstr("note: columns not used: s\\x1bp\n"));
}

TEST(Plot, FitsItsWidthAndHeight) {
  ForecastRequest request;
  const ForecastAnswer answered = weekly_answer(request);
  for (int width : {1, 40, 80, 133, 10'000}) {
    for (auto charset : {PlotOptions::Charset::kUnicode, PlotOptions::Charset::kAscii}) {
      const std::string plot = plot_forecast(request.history, answered.forecast,
                                             {.width = width, .height = 10, .charset = charset});
      const auto lines = lines_of(plot);
      ASSERT_EQ(lines.size(), 13u);
      for (size_t i = 0; i + 1 < lines.size(); ++i) {
        EXPECT_LE(columns_in(lines[i]), static_cast<size_t>(std::clamp(width, 40, 300)));
      }
      const bool ascii = std::all_of(plot.begin(), plot.end(), [](char c) { return c > 0; });
      EXPECT_EQ(ascii, charset == PlotOptions::Charset::kAscii);
    }
  }
}

TEST(Plot, ShowsHistoryForecastIntervalAndDates) {
  ForecastRequest request;
  const ForecastAnswer answered = weekly_answer(request);
  const std::string plot =
      plot_forecast(request.history, answered.forecast, {.charset = PlotOptions::Charset::kAscii});
  for (const char* part : {"*", "o", ":", "|", "Jan 1", "Mar 14", "80 % interval", "200 +"}) {
    EXPECT_THAT(plot, HasSubstr(part));
  }
  EXPECT_EQ(plot.find('\x1b'), std::string::npos);
  const std::string coloured =
      plot_forecast(request.history, answered.forecast, {.colour = PlotOptions::Colour::kAnsi});
  EXPECT_THAT(coloured, HasSubstr("\x1b[1;36m"));
}

TEST(Plot, SurvivesSeriesOfAnyShape) {
  const char* bodies[] = {
      "ds,y\n2024-01-01,5\n2024-01-02,5\n",
      "ds,y\n2024-01-01,0\n2024-01-02,0\n",
      "ds,y\n2024-01-01,1e150\n2024-01-02,-1e150\n2024-01-03,\n",
      "ds,y\n2024-01-01,1e-150\n2024-01-02,2e-150\n",
      "ds,y\n2024-01-01,1000000\n2024-01-02,1000000.001\n2024-01-03,1000000\n",
      "ds,y\n0001-01-01,1\n5000-01-01,2\n",
      "ds,y\n2024-01-01 00:00:00.000001,1\n2024-01-01 00:00:00.000002,2\n",
  };
  for (const char* body : bodies) {
    ForecastRequest request = parse_request("", body).value();
    request.horizon.periods = 1;
    const auto answered = answer(request);
    ASSERT_TRUE(answered) << answered.error().message();
    const std::string plot = plot_forecast(request.history, answered->forecast, {});
    EXPECT_EQ(lines_of(plot).size(), 19u) << body;
  }
}

TEST(Plot, IsEmptyWithoutAFuture) {
  ForecastRequest request;
  weekly_answer(request);
  request.horizon.periods = 0;
  EXPECT_EQ(plot_forecast(request.history, answer(request).value().forecast, {}), "");
}

TEST(ForecastCommand, PrintsHeadlinePlotAndTable) {
  const std::string text = weekly_csv();
  const ForecastPrinted printed =
      run_forecast({.source = "sales.csv", .text = text, .options = {{"periods", "7"}}});
  EXPECT_EQ(printed.exit_code, 0);
  EXPECT_EQ(printed.notes, "");
  EXPECT_THAT(printed.output, StartsWith("sales.csv: 60 rows, 2024-01-01 to 2024-02-29; linear "
                                         "trend + weekly; next 7 at D\n"));
  EXPECT_THAT(printed.output, HasSubstr("80 % interval"));
  EXPECT_THAT(printed.output, HasSubstr("\n2024-03-07  "));
}

TEST(ForecastCommand, KeepsOutputForProgramsClean) {
  const std::string text = weekly_csv();
  ForecastCommand command{.source = "x", .text = text, .output = ForecastCommand::Output::kCsv};
  EXPECT_THAT(run_forecast(command).output, StartsWith("ds,yhat,"));
  EXPECT_THAT(run_forecast(command).notes, HasSubstr("80 % interval"));
  command.output = ForecastCommand::Output::kJson;
  command.plot = ForecastCommand::Plot::kNone;
  EXPECT_TRUE(Json::parse(run_forecast(command).output));
  EXPECT_EQ(run_forecast(command).notes, "");
}

TEST(ForecastCommand, TellsBadInputFromBadOptions) {
  const ForecastPrinted input = run_forecast({.source = "x.csv", .text = "ds,y\nnever,1\n"});
  EXPECT_EQ(input.exit_code, 1);
  ASSERT_TRUE(input.error);
  EXPECT_THAT(input.error->message(), StartsWith("x.csv: line 2: column 'ds': 'never' is no date"));
  EXPECT_EQ(input.notes, "") << "which --quiet leaves out";
  EXPECT_EQ(input.output, "");
  const std::string text = weekly_csv();
  for (const auto& [name, value] : {std::pair{"periods", "-1"}, {"perids", "1"}, {"freq", "?"}}) {
    const ForecastPrinted option =
        run_forecast({.source = "x.csv", .text = text, .options = {{name, value}}});
    EXPECT_EQ(option.exit_code, 2) << name;
    ASSERT_TRUE(option.error) << name;
  }
}

TEST(ForecastCommand, NotesIgnoredColumnsAndDoubtfulFits) {
  const ForecastPrinted printed = run_forecast(
      {.source = "x", .text = "ds,y,shop\n2024-01-01,1,a\n2024-01-02,2,b\n2024-01-03,3,c\n"});
  EXPECT_EQ(printed.exit_code, 0);
  EXPECT_THAT(printed.notes, HasSubstr("note: columns not used: shop\n"));
  EXPECT_THAT(printed.notes, HasSubstr("almost exactly"));
}

}  // namespace
}  // namespace thaw::predict
