#include "predict/picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "predict/chart.h"

namespace thaw::predict {
namespace {

constexpr double kTitleSize = 16, kLegendSize = 11;

struct Range {
  double low = INFINITY, high = -INFINITY;
  void add(const std::vector<double>& values) {
    for (double it : values) {
      if (std::isnan(it)) continue;
      low = std::min(low, it);
      high = std::max(high, it);
    }
  }
};

Chart::Points points_of(const std::vector<Timestamp>& ds, const std::vector<double>& y) {
  Chart::Points points;
  for (size_t i = 0; i < ds.size(); ++i) {
    if (!std::isnan(y[i])) points.push_back({days_since_epoch(ds[i]), y[i]});
  }
  std::stable_sort(points.begin(), points.end(),
                   [](const Spot& a, const Spot& b) { return a.x < b.x; });
  return points;
}

/// A row of samples with their names above the plotting area, set to the right.
class Legend {
 public:
  Legend(Pen& pen, double right, double y) : pen_(pen), x_(right), y_(y) {}

  void line(std::string_view name, const Stroke& stroke) {
    const double left = start(name);
    pen_.line({{left, y_ - 4}, {left + kSample, y_ - 4}}, stroke);
  }
  void area(std::string_view name, const Paint& paint) {
    const double left = start(name);
    pen_.area({{left, y_ - 9}, {left + kSample, y_ - 9}, {left + kSample, y_ + 1}, {left, y_ + 1}},
              paint);
  }
  void dot(std::string_view name, double radius, const Paint& paint) {
    const double left = start(name);
    pen_.dots({{left + kSample - 6, y_ - 4}}, radius, paint);
  }

 private:
  static constexpr double kSample = 22, kGap = 16, kLetter = kLegendSize * 0.57;

  /// Writes the name at the right of what is left and answers where its sample begins.
  double start(std::string_view name) {
    pen_.text({x_, y_}, name, {kFaintInk, kLegendSize, Lettering::Anchor::kRight});
    const double left = x_ - static_cast<double>(name.size()) * kLetter - kSample - 6;
    x_ = left - kGap;
    return left;
  }

  Pen& pen_;
  double x_, y_;
};

ChartFrame frame_of(const Forecast& forecast, Box box, const Range& range, int y_ticks) {
  ChartFrame frame;
  frame.box = box;
  Timestamp from = forecast.ds.front(), to = forecast.ds.back();
  if (from == to) to += kDay;
  const double span = days_since_epoch(to) - days_since_epoch(from);
  constexpr double kMargin = 0.01;
  frame.left = days_since_epoch(from) - kMargin * span;
  frame.right = days_since_epoch(to) + kMargin * span;
  frame.x = date_ticks(from, to, static_cast<int>(box.width() / 75));
  frame.y = value_ticks(range.low, range.high, y_ticks, "");
  return frame;
}

/// Limits of logistic growth; they widen the picture only if the values come near them.
void add_limits(const Forecast& forecast, Range& range) {
  Range limits;
  limits.add(forecast.cap);
  limits.add(forecast.floor);
  const double room = range.high - range.low;
  if (limits.high > range.high && limits.high - range.high <= room) range.high = limits.high;
  if (limits.low < range.low && range.low - limits.low <= room) range.low = limits.low;
}

Stroke limit_stroke() { return {faded(kInk, 0.6), 1, Stroke::Kind::kDashed}; }

void draw_limits(Chart& chart, const Forecast& forecast) {
  if (!forecast.cap.empty()) chart.curve(points_of(forecast.ds, forecast.cap), limit_stroke());
  if (!forecast.floor.empty()) chart.curve(points_of(forecast.ds, forecast.floor), limit_stroke());
}

void draw_changepoints(Chart& chart, const Model& model, const Forecast& forecast) {
  chart.curve(points_of(forecast.ds, forecast.trend), {kOrange, 1.4});
  for (size_t i = 0; i < model.changepoints.size(); ++i) {
    if (std::abs(model.delta[i]) < 0.01) continue;  // as Prophet's own threshold
    chart.divider(days_since_epoch(model.changepoints[i]),
                  {faded(kOrange, 0.7), 1, Stroke::Kind::kDashed});
  }
}

std::string counted(const Forecast& forecast) {
  return fmt::format("{} to {}, then {} steps",
                     format_timestamp(forecast.ds.front(), ClockPart::kShortest),
                     format_timestamp(forecast.ds[forecast.history_rows - 1], ClockPart::kShortest),
                     forecast.ds.size() - forecast.history_rows);
}

}  // namespace

void draw_forecast(Pen& pen, const Series& history, const Model& model, const Forecast& forecast,
                   const PictureFacts& facts) {
  const Box box{84, 84, kForecastPicture.width - 24, kForecastPicture.height - 52};
  Range range;
  range.add(history.y);
  range.add(forecast.yhat);
  range.add(forecast.yhat_lower);
  range.add(forecast.yhat_upper);
  add_limits(forecast, range);
  pen.text({24, 34}, facts.title,
           {kInk, kTitleSize, Lettering::Anchor::kLeft, Lettering::Weight::kBold});
  if (forecast.history_rows > 0) pen.text({24, 54}, counted(forecast), {kFaintInk, kLegendSize});
  ChartFrame frame = frame_of(forecast, box, range, 7);
  frame.title = "y";
  Chart chart(pen, frame);
  const bool bounded = !forecast.yhat_lower.empty();
  const Paint shade = faded(kBlue, 0.2);
  if (bounded) {
    chart.band(points_of(forecast.ds, forecast.yhat_lower),
               points_of(forecast.ds, forecast.yhat_upper), shade);
  }
  draw_limits(chart, forecast);
  const double radius = history.size() > 3000 ? 1.1 : history.size() > 600 ? 1.5 : 2;
  const bool shows_changepoints = facts.changepoints == PictureFacts::Changepoints::kShown;
  const double width = std::clamp(900.0 / static_cast<double>(forecast.ds.size()), 0.6, 1.5);
  chart.curve(points_of(forecast.ds, forecast.yhat), {kBlue, width});
  chart.dots(points_of(history.ds, history.y), radius, faded(kInk, 0.7));
  if (shows_changepoints) draw_changepoints(chart, model, forecast);
  if (forecast.history_rows > 0 && forecast.history_rows < forecast.ds.size()) {
    chart.divider(days_since_epoch(forecast.ds[forecast.history_rows - 1]),
                  {kFaintInk, 1, Stroke::Kind::kDashed});
  }
  Legend legend(pen, box.right, 72);
  if (bounded) legend.area(fmt::format("{:.4g} % interval", facts.interval_width * 100), shade);
  if (shows_changepoints) legend.line("trend and its changes", {kOrange, 1.4});
  if (!forecast.cap.empty()) {
    legend.line(forecast.floor.empty() ? "cap" : "cap and floor", limit_stroke());
  }
  legend.line("forecast", {kBlue, 1.5});
  legend.dot("observed", 2, kInk);
}

}  // namespace thaw::predict
