#include "predict/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "predict/canvas.h"

namespace thaw::predict {
namespace {

constexpr double kHistoryPerForecast = 3;  // how much more of the history is shown

/// What is drawn: points in time order, seconds after the first.
struct Scene {
  struct Point {
    double x, y, lower, upper;
  };
  std::vector<Point> history, forecast;
  Timestamp start;
  double end_x = 1;
  double low = 0, high = 1;
  double tick = 1;  // between two labelled values

  double x_part(double x) const { return x / end_x; }
  double y_part(double y) const { return (y - low) / (high - low); }
};

/// The smallest of 1, 2, 5 times a power of ten that is at least `size`.
double round_step(double size) {
  const double power = std::pow(10, std::floor(std::log10(size)));
  for (double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= size * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

/// Takes the range of values outward to whole ticks.
void set_range(Scene& scene, int rows) {
  constexpr int kRowsPerTick = 4;
  scene.low = INFINITY;
  scene.high = -INFINITY;
  for (const auto* points : {&scene.history, &scene.forecast}) {
    for (const Scene::Point& it : *points) {
      scene.low = std::min({scene.low, it.y, it.lower});
      scene.high = std::max({scene.high, it.y, it.upper});
    }
  }
  const double size = std::max(std::abs(scene.low), std::abs(scene.high));
  constexpr double kFlat = 1e-6;  // one value only, or none
  if (!(scene.high / 2 - scene.low / 2 > size * kFlat)) {
    const double room = size > 0 ? size / 2 : 1;
    scene.low -= room;
    scene.high += room;
  }
  const int ticks = std::max(2, rows / kRowsPerTick);
  scene.tick = round_step((scene.high / ticks - scene.low / ticks));
  scene.low = std::floor(scene.low / scene.tick) * scene.tick;
  scene.high = std::ceil(scene.high / scene.tick) * scene.tick;
}

Scene make_scene(const Series& history, const Forecast& forecast, int rows) {
  const Timestamp first_future = forecast.ds[forecast.history_rows];
  const Timestamp last = forecast.ds.back();
  const std::vector<size_t> order = order_by_date(history);
  Scene scene;
  const Timestamp history_end = order.empty() ? first_future : history.ds[order.back()];
  const double span = std::max(1.0, seconds_between(history_end, last)) * kHistoryPerForecast;
  scene.start = history_end;
  for (size_t i : order) {
    if (seconds_between(history.ds[i], history_end) > span || std::isnan(history.y[i])) continue;
    if (scene.history.empty()) scene.start = history.ds[i];
    const double y = history.y[i];
    scene.history.push_back({seconds_between(scene.start, history.ds[i]), y, y, y});
  }
  const bool bounded = !forecast.yhat_lower.empty();
  for (size_t i = forecast.history_rows; i < forecast.ds.size(); ++i) {
    scene.forecast.push_back({seconds_between(scene.start, forecast.ds[i]), forecast.yhat[i],
                              bounded ? forecast.yhat_lower[i] : forecast.yhat[i],
                              bounded ? forecast.yhat_upper[i] : forecast.yhat[i]});
  }
  scene.end_x = std::max(1.0, seconds_between(scene.start, last));
  set_range(scene, rows);
  return scene;
}

void draw_points(Canvas& canvas, const Scene& scene, const std::vector<Scene::Point>& points,
                 Canvas::Ink ink) {
  for (size_t i = 0; i < points.size(); ++i) {
    const Scene::Point& from = points[i == 0 ? 0 : i - 1];
    canvas.line(scene.x_part(from.x), scene.y_part(from.y), scene.x_part(points[i].x),
                scene.y_part(points[i].y), ink);
  }
}

/// Shades between the bounds, which are interpolated at each column's middle.
void draw_interval(Canvas& canvas, const Scene& scene) {
  const auto& points = scene.forecast;
  size_t next = 0;
  for (int column = 0; column < canvas.columns(); ++column) {
    const double x = (column + 0.5) / canvas.columns() * scene.end_x;
    const double half = scene.end_x / canvas.columns() / 2;
    while (next < points.size() && points[next].x < x) ++next;
    if (next == 0 && points[0].x > x + half) continue;
    const Scene::Point& right = points[std::min(next, points.size() - 1)];
    const Scene::Point& left = points[next == 0 ? 0 : next - 1];
    const double gap = right.x - left.x;
    const double part = gap > 0 ? std::clamp((x - left.x) / gap, 0.0, 1.0) : 0;
    canvas.shade(column, scene.y_part(left.lower + part * (right.lower - left.lower)),
                 scene.y_part(left.upper + part * (right.upper - left.upper)));
  }
}

std::string value_label(double value, double tick) {
  if (std::abs(value) < tick / 2) return "0";
  if (std::abs(value) >= 1e7 || tick < 1e-4) return fmt::format("{:.4g}", value);
  return fmt::format("{:.{}f}", value,
                     std::max(0, static_cast<int>(std::ceil(-std::log10(tick) - 1e-9))));
}

/// As much of a date as the length of the drawing calls for.
std::string date_label(Timestamp at, double span_s) {
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{day};
  const char* month = kMonths[unsigned(date.month()) - 1];
  if (span_s > 3 * 365.25 * 86400) return fmt::format("{} {}", month, int(date.year()));
  if (span_s > 5 * 86400) return fmt::format("{} {}", month, unsigned(date.day()));
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(at - day));
  if (span_s < 600) {
    return fmt::format("{:02}:{:02}:{:02}", clock.hours().count(), clock.minutes().count(),
                       clock.seconds().count());
  }
  return fmt::format("{} {} {:02}:{:02}", month, unsigned(date.day()), clock.hours().count(),
                     clock.minutes().count());
}

/// The horizontal axis and, under it, dates at evenly spaced marks.
std::string date_axis(const Scene& scene, int columns, size_t margin, bool unicode) {
  const size_t longest = date_label(scene.start, scene.end_x).size() + 2;
  const int marks = std::max(2, columns / static_cast<int>(longest + 4));
  std::string axis = std::string(margin, ' ') + (unicode ? "└" : "+");
  std::vector<std::string> line(static_cast<size_t>(columns), unicode ? "─" : "-");
  std::string labels(margin + 1 + static_cast<size_t>(columns), ' ');
  for (int mark = 0; mark < marks; ++mark) {
    const int column = mark * (columns - 1) / (marks - 1);
    line[static_cast<size_t>(column)] = unicode ? "┬" : "+";
    const auto offset =
        std::chrono::microseconds(static_cast<int64_t>(scene.end_x * 1e6 * column / (columns - 1)));
    const std::string label = date_label(scene.start + offset, scene.end_x);
    size_t at = margin + 1 + static_cast<size_t>(column);
    at -= std::min(at, label.size() / 2);
    at = std::min(at, labels.size() - std::min(labels.size(), label.size()));
    labels.replace(at, label.size(), label);
  }
  for (const std::string& piece : line) axis += piece;
  labels.erase(labels.find_last_not_of(' ') + 1);
  return axis + '\n' + labels + '\n';
}

std::string legend(const PlotOptions& options, bool bounded) {
  const bool unicode = options.charset == PlotOptions::Charset::kUnicode;
  const bool colour = options.colour == PlotOptions::Colour::kAnsi;
  const auto in = [&](const char* code, std::string text) {
    return colour ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : text;
  };
  std::string text = unicode ? fmt::format("{} history  {} forecast", "⠤⠒", in("1;36", "⠤⠒"))
                             : fmt::format("* history  {} forecast", in("1;36", "o"));
  if (bounded) {
    text += fmt::format("  {} {:g} % interval", in("36", unicode ? "░" : ":"),
                        std::round(options.interval_width * 1000) / 10);
  }
  return text + (unicode ? "  ┊ end of the history" : "  | end of the history");
}

}  // namespace

std::string plot_forecast(const Series& history, const Forecast& forecast,
                          const PlotOptions& options) {
  if (forecast.history_rows >= forecast.ds.size()) return "";
  const bool unicode = options.charset == PlotOptions::Charset::kUnicode;
  const int rows = std::clamp(options.height, 6, 60);
  const Scene scene = make_scene(history, forecast, rows);
  std::vector<std::string> labels(static_cast<size_t>(rows));
  size_t margin = 0;
  for (double value = scene.low; value <= scene.high + scene.tick / 2; value += scene.tick) {
    const auto row = std::lround((1 - scene.y_part(value)) * (rows - 1));
    std::string& label = labels[static_cast<size_t>(std::clamp<long>(row, 0, rows - 1))];
    label = value_label(value, scene.tick);
    margin = std::max(margin, label.size());
  }
  margin += 1;
  const int columns = std::clamp(options.width, 40, 300) - static_cast<int>(margin) - 1;
  Canvas canvas(columns, rows, options.charset, options.colour);
  const double end = scene.history.empty() ? 0 : scene.history.back().x;
  const double middle = scene.x_part((end + scene.forecast.front().x) / 2);
  canvas.divider(std::clamp(static_cast<int>(middle * columns), 0, columns - 1));
  if (!forecast.yhat_lower.empty()) draw_interval(canvas, scene);
  draw_points(canvas, scene, scene.history, Canvas::Ink::kHistory);
  draw_points(canvas, scene, scene.forecast, Canvas::Ink::kForecast);
  std::string text;
  for (int row = 0; row < rows; ++row) {
    const std::string& label = labels[static_cast<size_t>(row)];
    const char* axis = label.empty() ? (unicode ? "│" : "|") : (unicode ? "┤" : "+");
    text += fmt::format("{:>{}} {}{}\n", label, margin - 1, axis, canvas.row(row));
  }
  text += date_axis(scene, columns, margin, unicode);
  return text + std::string(margin + 1, ' ') + legend(options, !forecast.yhat_lower.empty()) + '\n';
}

}  // namespace thaw::predict
