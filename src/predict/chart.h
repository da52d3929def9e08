// Chart: one plotting area with its axes: a value axis with round numbers, a time axis with dates
// that calendars know (or days of a week, months of a year, hours of a day), a grid behind.
//
// Thread: one. Owner: the pen outlives the chart. Limits: series of any length; what would fall on
// the same spot is drawn once.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "predict/pen.h"
#include "predict/timestamp.h"

namespace thaw::predict {

/// Colours that people with colour-blindness tell apart (Okabe and Ito), and greys.
inline constexpr Paint kInk{0.13, 0.13, 0.15};
inline constexpr Paint kFaintInk{0.42, 0.42, 0.45};
inline constexpr Paint kGrid{0.90, 0.90, 0.91};
inline constexpr Paint kBlue{0, 0.447, 0.698};
inline constexpr Paint kOrange{0.835, 0.369, 0};
Paint faded(Paint paint, double opacity);

struct AxisTick {
  double at = 0;
  std::string label;
  std::string second;  // in a second line, e.g. the year; may be empty
};

/// At most about `most` ticks at round numbers that cover low..high; the first and the last are
/// the axis' ends. `suffix` follows each label, e.g. " %".
std::vector<AxisTick> value_ticks(double low, double high, int most, std::string_view suffix);

/// At most `most` ticks within from..to, in days since 1970, at starts of years, months, weeks,
/// days, hours or minutes.
std::vector<AxisTick> date_ticks(Timestamp from, Timestamp to, int most);

struct ChartFrame {
  Box box;                     // of the plotting area, labels lie around it
  double left = 0, right = 1;  // of the time axis, in days
  std::vector<AxisTick> x, y;
  std::string title;  // above the area at the left
};

class Chart {
 public:
  /// Draws grid, axes and labels.
  Chart(Pen& pen, const ChartFrame& frame);

  using Points = std::vector<Spot>;  // x in days, y in values
  void curve(const Points& points, const Stroke& stroke);
  void dots(const Points& points, double radius, const Paint& paint);
  /// Between two curves over the same x.
  void band(const Points& lower, const Points& upper, const Paint& paint);
  void divider(double x, const Stroke& stroke);

 private:
  Spot place(const Spot& point) const;
  std::vector<Spot> places(const Points& points) const;

  Pen& pen_;
  const ChartFrame& frame_;
  double low_ = 0, high_ = 1;
};

}  // namespace thaw::predict
