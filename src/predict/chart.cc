#include "predict/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace thaw::predict {
namespace {

constexpr double kLabelSize = 11, kTitleSize = 13;

std::string grouped(std::string digits) {
  const size_t end = std::min(digits.find('.'), digits.size());
  const size_t begin = digits[0] == '-' ? 1 : 0;
  for (size_t at = end; at > begin + 3;) digits.insert(at -= 3, ",");
  return digits;
}

/// `most`: the largest value of the axis, so that all its labels have as many digits as tell them
/// apart.
std::string value_label(double value, double step, double most) {
  const double size = std::max(std::abs(value), step);
  if (size >= 1e9 || step < 1e-6) {
    const int digits = static_cast<int>(std::ceil(std::log10(most / step) + 1e-9)) + 1;
    return fmt::format("{:.{}g}", value, std::clamp(digits, 6, 15));
  }
  const int decimals = std::max(0, -static_cast<int>(std::floor(std::log10(step) + 1e-9)));
  std::string text = fmt::format("{:.{}f}", value, decimals);
  if (text.find_first_not_of("-0.") == std::string::npos && text[0] == '-') text.erase(0, 1);
  return grouped(text);
}

/// Points thinned to the lowest and highest of each half point of the picture.
std::vector<Spot> thinned(const std::vector<Spot>& spots, double width) {
  if (static_cast<double>(spots.size()) < 8 * width) return spots;
  std::vector<Spot> kept;
  for (size_t begin = 0; begin < spots.size();) {
    const double column = std::floor(spots[begin].x * 2);
    size_t end = begin, low = begin, high = begin;
    for (; end < spots.size() && std::floor(spots[end].x * 2) == column; ++end) {
      if (spots[end].y < spots[low].y) low = end;
      if (spots[end].y > spots[high].y) high = end;
    }
    std::set<size_t> chosen = {begin, low, high, end - 1};
    for (size_t i : chosen) kept.push_back(spots[i]);
    begin = end;
  }
  return kept;
}

}  // namespace

Paint faded(Paint paint, double opacity) {
  paint.opacity = opacity;
  return paint;
}

std::vector<AxisTick> value_ticks(double low, double high, int most, std::string_view suffix) {
  // Less is what Prophet's least uncertainty makes of equal values.
  constexpr double kFlat = 1e-6;
  const double size = std::max(std::abs(low), std::abs(high));
  if (!(high / 2 - low / 2 > size * kFlat)) {
    const double room = size > 0 ? size / 2 : 1;
    low -= room;
    high += room;
  }
  const double rough = high / most - low / most;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (double factor : {5.0, 2.0, 1.0}) {
    if (factor * power >= rough * (1 - 1e-9)) step = factor * power;
  }
  std::vector<AxisTick> ticks;
  const double first = std::floor(low / step + 1e-9), last = std::ceil(high / step - 1e-9);
  for (double i = first; i <= last; ++i) {
    const double largest = std::max(std::abs(first), std::abs(last)) * step;
    ticks.push_back({i * step, value_label(i * step, step, largest) + std::string(suffix), ""});
  }
  return ticks;
}

Chart::Chart(Pen& pen, const ChartFrame& frame) : pen_(pen), frame_(frame) {
  low_ = frame.y.front().at;
  high_ = frame.y.back().at;
  const Box& box = frame.box;
  for (const AxisTick& it : frame.y) {
    const double y = place({frame.left, it.at}).y;
    const bool zero = it.at == 0 && low_ < 0;
    pen.line({{box.left, y}, {box.right, y}}, {zero ? faded(kFaintInk, 0.7) : kGrid, 1});
    pen.text({box.left - 8, y + kLabelSize * 0.36}, it.label,
             {kFaintInk, kLabelSize, Lettering::Anchor::kRight});
  }
  for (const AxisTick& it : frame.x) {
    const double x = place({it.at, low_}).x;
    pen.line({{x, box.top}, {x, box.bottom}}, {kGrid, 1});
    pen.line({{x, box.bottom}, {x, box.bottom + 4}}, {kFaintInk, 1});
    pen.text({x, box.bottom + 18}, it.label, {kFaintInk, kLabelSize, Lettering::Anchor::kMiddle});
    pen.text({x, box.bottom + 33}, it.second,
             {kInk, kLabelSize, Lettering::Anchor::kMiddle, Lettering::Weight::kBold});
  }
  pen.line({{box.left, box.bottom}, {box.right, box.bottom}}, {kFaintInk, 1});
  pen.text({box.left, box.top - 12}, frame.title,
           {kInk, kTitleSize, Lettering::Anchor::kLeft, Lettering::Weight::kBold});
}

Spot Chart::place(const Spot& point) const {
  const Box& box = frame_.box;
  const double x = (point.x - frame_.left) / (frame_.right - frame_.left);
  const double y = (point.y - low_) / (high_ - low_);
  return {box.left + x * box.width(), box.bottom - y * box.height()};
}

std::vector<Spot> Chart::places(const Points& points) const {
  std::vector<Spot> spots;
  spots.reserve(points.size());
  for (const Spot& it : points) spots.push_back(place(it));
  return thinned(spots, frame_.box.width());
}

void Chart::curve(const Points& points, const Stroke& stroke) {
  pen_.clip(frame_.box);
  pen_.line(places(points), stroke);
  pen_.unclip();
}

void Chart::dots(const Points& points, double radius, const Paint& paint) {
  std::set<std::pair<int, int>> inked;
  std::vector<Spot> spots;
  for (const Spot& it : points) {
    const Spot spot = place(it);
    const int x = static_cast<int>(spot.x * 2), y = static_cast<int>(spot.y * 2);
    if (inked.emplace(x, y).second) spots.push_back(spot);
  }
  pen_.dots(spots, radius, paint);
}

void Chart::band(const Points& lower, const Points& upper, const Paint& paint) {
  std::vector<Spot> outline = places(upper);
  const std::vector<Spot> back = places(lower);
  outline.insert(outline.end(), back.rbegin(), back.rend());
  pen_.clip(frame_.box);
  pen_.area(outline, paint);
  pen_.unclip();
}

void Chart::divider(double x, const Stroke& stroke) {
  const double at = place({x, low_}).x;
  pen_.line({{at, frame_.box.top}, {at, frame_.box.bottom}}, stroke);
}

}  // namespace thaw::predict
