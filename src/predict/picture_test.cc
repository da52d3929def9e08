#include "predict/picture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "predict/chart.h"
#include "predict/forecast_command.h"
#include "predict/request.h"

namespace thaw::predict {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

/// Writes down what is drawn.
class NotedPen : public Pen {
 public:
  void area(const std::vector<Spot>& outline, const Paint&) override { look(outline); }
  void line(const std::vector<Spot>& spots, const Stroke&) override {
    look(spots);
    ++lines;
  }
  void dots(const std::vector<Spot>& spots, double, const Paint&) override {
    look(spots);
    dots_drawn += spots.size();
  }
  void text(Spot, std::string_view text, const Lettering&) override { texts.emplace_back(text); }
  void clip(const Box&) override { ++open_clips; }
  void unclip() override { --open_clips; }

  std::vector<std::string> texts;
  size_t dots_drawn = 0;
  int lines = 0, open_clips = 0;
  bool finite = true;

 private:
  void look(const std::vector<Spot>& spots) {
    for (const Spot& it : spots) finite = finite && std::isfinite(it.x) && std::isfinite(it.y);
  }
};

Timestamp at(std::string_view text) { return parse_timestamp(text).value(); }

std::vector<std::string> labels(const std::vector<AxisTick>& ticks) {
  std::vector<std::string> texts;
  for (const AxisTick& it : ticks) {
    texts.push_back(it.second.empty() ? it.label : it.label + "|" + it.second);
  }
  return texts;
}

std::string daily(int rows) {
  std::string text = "ds,y,promo\n";
  for (int i = 0; i < rows; ++i) {
    text += format_timestamp(at("2022-01-01") + i * kDay, ClockPart::kShortest) + "," +
            std::to_string(100 + 0.1 * i + i * 7 % 11 + 5 * (i % 13 == 0)) + "," +
            (i % 13 == 0 ? "1\n" : "0\n");
  }
  return text;
}

TEST(ValueTicks, AreRoundAndHoldTheRange) {
  EXPECT_THAT(labels(value_ticks(3, 97, 5, "")), ElementsAre("0", "20", "40", "60", "80", "100"));
  EXPECT_THAT(labels(value_ticks(-0.3, 0.5, 4, " %")),
              ElementsAre("-0.4 %", "-0.2 %", "0.0 %", "0.2 %", "0.4 %", "0.6 %"));
  EXPECT_THAT(labels(value_ticks(0, 12'000, 3, "")), ElementsAre("0", "5,000", "10,000", "15,000"));
  EXPECT_GE(value_ticks(7, 7, 5, "").size(), 2u);  // one value only
  // Equal values with the least uncertainty that there is: no axis of equal labels.
  EXPECT_THAT(labels(value_ticks(5 - 1e-7, 5 + 2e-7, 5, "")), ElementsAre("2", "4", "6", "8"));
  EXPECT_THAT(labels(value_ticks(1e12 + 1e7, 1e12 + 2e7, 2, "")),
              ElementsAre("1.00001e+12", "1.000015e+12", "1.00002e+12"));
}

TEST(DateTicks, AreStartsOfWhatCalendarsKnow) {
  EXPECT_THAT(labels(date_ticks(at("2020-06-01"), at("2024-06-01"), 6)),
              ElementsAre("2021", "2022", "2023", "2024"));
  EXPECT_THAT(labels(date_ticks(at("2023-10-15"), at("2024-03-15"), 6)),
              ElementsAre("Nov|2023", "Dec", "Jan|2024", "Feb", "Mar"));
  EXPECT_THAT(labels(date_ticks(at("2024-01-03"), at("2024-01-30"), 5)),
              ElementsAre("8 Jan|2024", "15 Jan", "22 Jan", "29 Jan"));  // Mondays
  EXPECT_THAT(labels(date_ticks(at("2024-01-01 20:00"), at("2024-01-02 02:00"), 7)),
              ElementsAre("20:00|1 Jan 2024", "21:00", "22:00", "23:00", "00:00|2 Jan 2024",
                          "01:00", "02:00"));
}

TEST(Picture, ShowsTheHistoryTheForecastAndItsInterval) {
  const ForecastRequest request = parse_request("text/csv", daily(60)).value();
  ForecastRequest whole = request;
  whole.horizon.include_history = true;
  const ForecastAnswer answered = answer(whole).value();
  NotedPen pen;
  draw_forecast(pen, request.history, answered.model, answered.forecast, {"Forecast of x", 0.9});
  EXPECT_THAT(pen.texts, Contains("Forecast of x"));
  EXPECT_THAT(pen.texts, Contains("90 % interval"));
  EXPECT_THAT(pen.texts, Contains("2022-01-01 to 2022-03-01, then 28 steps"));
  EXPECT_THAT(pen.texts, Not(Contains("trend and its changes")));
  EXPECT_GE(pen.dots_drawn, 60u);
  EXPECT_EQ(pen.open_clips, 0);
  EXPECT_TRUE(pen.finite);
}

TEST(Picture, ShowsTheLimitsOfLogisticGrowth) {
  ForecastRequest request = parse_request("text/csv", daily(60)).value();
  request.horizon.include_history = true;
  request.model.growth = Growth::kLogistic;
  request.model.cap = 1000;  // far away: told, but no room is made for it
  const ForecastAnswer far = answer(request).value();
  NotedPen pen;
  draw_forecast(pen, request.history, far.model, far.forecast, {"Forecast of x", 0.9});
  EXPECT_THAT(pen.texts, Contains("cap"));
  EXPECT_THAT(pen.texts, Not(Contains("1,000")));
  request.model.floor = 0;
  const ForecastAnswer both = answer(request).value();
  NotedPen second;
  draw_forecast(second, request.history, both.model, both.forecast, {"Forecast of x", 0.9});
  EXPECT_THAT(second.texts, Contains("cap and floor"));
  EXPECT_EQ(second.lines, pen.lines + 1);
}

TEST(Picture, OfComponentsHasAPanelForEach) {
  ForecastRequest request = parse_request("text/csv", daily(800)).value();
  ASSERT_TRUE(set_option(request, "regressors", std::string_view("promo,mode=multiplicative")));
  request.model.seasonalities.push_back({"monthly", 30.5, 3});
  request.horizon.include_history = true;
  ASSERT_TRUE(set_future(request, "ds,promo\n2024-06-01,1\n"));
  const ForecastAnswer answered = answer(request).value();
  NotedPen pen;
  draw_components(pen, answered.model, answered.forecast, {"Components"});
  for (const char* title : {"trend", "monthly", "yearly", "weekly", "promo, % of the trend"}) {
    EXPECT_THAT(pen.texts, Contains(title));
  }
  EXPECT_THAT(pen.texts, Contains("Wed"));
  EXPECT_THAT(pen.texts, Contains("day 10"));
  EXPECT_TRUE(pen.finite);
  EXPECT_GT(components_size(answered.model).height, 5 * 150);
}

TEST(Picture, MillionsOfPointsAreThinnedBeforeTheyAreDrawn) {
  NotedPen pen;
  ChartFrame frame{{0, 0, 500, 300}, 0, 1, {}, value_ticks(0, 1, 5, ""), ""};
  Chart chart(pen, frame);
  Chart::Points points;
  for (int i = 0; i < 1'000'000; ++i) points.push_back({i / 1e6, (i % 10) / 10.0});
  chart.dots(points, 1, kInk);
  EXPECT_LE(pen.dots_drawn, 1000u * 600u / 50u);
}

ForecastPrinted plotted(const std::string& picture, const std::string& components) {
  static const std::string text = daily(60);
  ForecastCommand command;
  command.source = "dir/x.csv";
  command.text = text;
  command.plot = ForecastCommand::Plot::kNone;
  command.picture = picture;
  command.components_picture = components;
  return run_forecast(command);
}

TEST(Picture, TheNameSaysTheForm) {
  const ForecastPrinted printed = plotted("a.PNG", "b.svg");
  const std::string fault = printed.error ? printed.error->message() : "";
  if (fault.find("libcairo2") != std::string::npos) GTEST_SKIP() << fault;
  ASSERT_EQ(printed.exit_code, 0) << fault;
  ASSERT_EQ(printed.files.size(), 2u);
  EXPECT_EQ(printed.files[0].first, "a.PNG");
  EXPECT_THAT(printed.files[0].second, StartsWith("\x89PNG\r\n"));
  EXPECT_THAT(printed.files[1].second, StartsWith("<?xml"));
  EXPECT_THAT(printed.files[1].second, HasSubstr("<svg "));
}

TEST(Picture, AnotherFormIsRefusedBeforeAnythingIsFitted) {
  const ForecastPrinted printed = plotted("a.pdf", "");
  EXPECT_EQ(printed.exit_code, 2);
  ASSERT_TRUE(printed.error);
  EXPECT_EQ(printed.error->message(), "plot: 'a.pdf' ends neither in .png nor in .svg");
  EXPECT_TRUE(printed.files.empty());
}

}  // namespace
}  // namespace thaw::predict
