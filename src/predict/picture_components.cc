#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "predict/chart.h"
#include "predict/features.h"
#include "predict/picture.h"

namespace thaw::predict {
namespace {

constexpr double kWidth = 900, kPanel = 190, kHead = 56;

/// What one panel shows: a component over the dates, or a seasonality over its period.
struct Part {
  std::string title;
  const Seasonality* seasonality = nullptr;
  const std::vector<double>*values = nullptr, *lower = nullptr, *upper = nullptr;
  TermMode mode = TermMode::kAdditive;
};

const Component* component_of(const Forecast& forecast, std::string_view name) {
  for (const Component& it : forecast.components) {
    if (it.name == name) return &it;
  }
  return nullptr;
}

std::string unit_of(TermMode mode) {
  return mode == TermMode::kMultiplicative ? ", % of the trend" : "";
}

std::vector<Part> panels_of(const Model& model, const Forecast* forecast) {
  std::vector<Part> panels;
  Part trend{"trend"};
  if (forecast) {
    trend.values = &forecast->trend;
    if (!forecast->trend_lower.empty()) {
      trend.lower = &forecast->trend_lower;
      trend.upper = &forecast->trend_upper;
    }
  }
  panels.push_back(trend);
  const auto add_component = [&](const std::string& name) {
    const Component* component = forecast ? component_of(*forecast, name) : nullptr;
    Part panel{name};
    if (component) {
      panel.title += unit_of(component->mode);
      panel.values = &component->values;
      panel.mode = component->mode;
    }
    if (panels.size() < kMaxPanels) panels.push_back(panel);
  };
  if (!model.holidays.empty()) add_component("holidays");
  for (const Seasonality& it : model.seasonalities) {
    Part panel{it.name + unit_of(it.mode), &it};
    panel.mode = it.mode;
    if (!it.condition.empty()) panel.title += fmt::format(" (where {} is 1)", it.condition);
    if (panels.size() < kMaxPanels) panels.push_back(panel);
  }
  for (const Regressor& it : model.regressors) add_component(it.name);
  return panels;
}

/// How a period is labelled: from which date on, and at which days.
struct Period {
  Timestamp start;
  std::vector<AxisTick> ticks;
};

Period period_of(const Seasonality& it) {
  static constexpr const char* kWeek[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  static constexpr int kDaysBefore[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  Period period{Timestamp(std::chrono::sys_days(std::chrono::year(2017) / 1 / 1)), {}};
  if (it.period_days == 7) {
    period.start += kDay;  // a Monday
    for (int day = 0; day < 7; ++day) period.ticks.push_back({double(day), kWeek[day], ""});
  } else if (it.period_days == 365.25 || it.period_days == 365) {
    for (int i = 0; i < 12; ++i) {
      period.ticks.push_back({double(kDaysBefore[i]), kMonths[i], ""});
    }
  } else if (it.period_days == 1) {
    for (int hour = 0; hour <= 24; hour += 3) {
      period.ticks.push_back({hour / 24.0, fmt::format("{:02}:00", hour), ""});
    }
  } else {
    for (AxisTick& tick : value_ticks(0, it.period_days, 10, "")) {
      if (tick.at > it.period_days) continue;
      tick.label = fmt::format("day {}", tick.label);
      period.ticks.push_back(std::move(tick));
    }
  }
  return period;
}

/// A seasonality over one period, in days from the start and the units of y or percent.
Chart::Points season_curve(const Model& model, const Seasonality& season, Timestamp start) {
  constexpr int kSteps = 400;
  size_t first = 0;
  for (const Seasonality& it : model.seasonalities) {
    if (&it == &season) break;
    first += 2 * static_cast<size_t>(it.order);
  }
  const double unit = season.mode == TermMode::kAdditive ? model.y_scale : 100;
  std::vector<double> features(2 * static_cast<size_t>(season.order));
  Chart::Points points;
  for (int i = 0; i <= kSteps; ++i) {
    const double day = season.period_days * i / kSteps;
    const auto at = start + std::chrono::microseconds(std::llround(day * 86400e6));
    fourier_features(at, season, features.data());
    double value = 0;
    for (size_t c = 0; c < features.size(); ++c) value += features[c] * model.beta[first + c];
    points.push_back({day, value * unit});
  }
  return points;
}

void draw_season(Pen& pen, const Model& model, const Part& panel, const Box& box) {
  const Period period = period_of(*panel.seasonality);
  const Chart::Points points = season_curve(model, *panel.seasonality, period.start);
  double low = INFINITY, high = -INFINITY;
  for (const Spot& it : points) {
    low = std::min(low, it.y);
    high = std::max(high, it.y);
  }
  ChartFrame frame{box, 0, panel.seasonality->period_days, period.ticks, {}, panel.title};
  frame.y = value_ticks(low, high, 4, panel.mode == TermMode::kMultiplicative ? " %" : "");
  Chart(pen, frame).curve(points, {kBlue, 1.6});
}

Chart::Points over_dates(const Forecast& forecast, const std::vector<double>& values, double unit) {
  Chart::Points points;
  for (size_t i = 0; i < values.size(); ++i) {
    points.push_back({days_since_epoch(forecast.ds[i]), values[i] * unit});
  }
  return points;
}

void draw_dates(Pen& pen, const Forecast& forecast, const Part& panel, const Box& box) {
  if (!panel.values) return;
  const bool share = panel.mode == TermMode::kMultiplicative;
  const double unit = share ? 100 : 1;
  double low = INFINITY, high = -INFINITY;
  for (const auto* values : {panel.values, panel.lower, panel.upper}) {
    if (!values) continue;
    for (double it : *values) {
      low = std::min(low, it * unit);
      high = std::max(high, it * unit);
    }
  }
  ChartFrame frame;
  frame.box = box;
  frame.left = days_since_epoch(forecast.ds.front());
  frame.right = std::max(days_since_epoch(forecast.ds.back()), frame.left + 1e-3);
  frame.x = date_ticks(forecast.ds.front(), forecast.ds.back(), static_cast<int>(box.width() / 75));
  frame.y = value_ticks(low, high, 4, share ? " %" : "");
  frame.title = panel.title;
  Chart chart(pen, frame);
  if (panel.lower) {
    chart.band(over_dates(forecast, *panel.lower, unit), over_dates(forecast, *panel.upper, unit),
               faded(kBlue, 0.2));
  }
  chart.curve(over_dates(forecast, *panel.values, unit), {kBlue, 1.6});
}

}  // namespace

PictureSize components_size(const Model& model) {
  const auto panels = static_cast<double>(panels_of(model, nullptr).size());
  return {kWidth, kHead + panels * kPanel};
}

void draw_components(Pen& pen, const Model& model, const Forecast& forecast,
                     const PictureFacts& facts) {
  pen.text({24, 34}, facts.title, {kInk, 16, Lettering::Anchor::kLeft, Lettering::Weight::kBold});
  double top = kHead;
  for (const Part& panel : panels_of(model, &forecast)) {
    const Box box{84, top + 28, kWidth - 30, top + kPanel - 46};
    if (panel.seasonality) {
      draw_season(pen, model, panel, box);
    } else {
      draw_dates(pen, forecast, panel, box);
    }
    top += kPanel;
  }
}

}  // namespace thaw::predict
