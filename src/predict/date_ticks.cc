#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "predict/chart.h"

namespace thaw::predict {
namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year_month_day;

constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct Step {
  enum class Unit { kMinutes, kDays, kMonths };
  Unit unit;
  int count;
  double days() const {
    return unit == Unit::kMinutes ? count / 1440.0 : unit == Unit::kDays ? count : count * 30.44;
  }
};

/// The finest step that gives at most `most` ticks.
Step choose_step(double span_days, int most) {
  using Unit = Step::Unit;
  static constexpr Step kSteps[] = {
      {Unit::kMinutes, 1},  {Unit::kMinutes, 5},   {Unit::kMinutes, 15},  {Unit::kMinutes, 30},
      {Unit::kMinutes, 60}, {Unit::kMinutes, 180}, {Unit::kMinutes, 360}, {Unit::kMinutes, 720},
      {Unit::kDays, 1},     {Unit::kDays, 2},      {Unit::kDays, 7},      {Unit::kDays, 14},
      {Unit::kMonths, 1},   {Unit::kMonths, 2},    {Unit::kMonths, 3},    {Unit::kMonths, 6},
      {Unit::kMonths, 12},  {Unit::kMonths, 24},   {Unit::kMonths, 60},   {Unit::kMonths, 120},
      {Unit::kMonths, 240}, {Unit::kMonths, 600},  {Unit::kMonths, 1200}};
  for (const Step& it : kSteps) {
    if (span_days / it.days() <= most) return it;
  }
  return {Unit::kMonths, 12'000};
}

AxisTick minute_tick(Timestamp at, bool day_is_new) {
  const auto day = std::chrono::floor<days>(at);
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(at - day).count();
  const year_month_day date{day};
  return {days_since_epoch(at), fmt::format("{:02}:{:02}", minutes / 60, minutes % 60),
          day_is_new ? fmt::format("{} {} {}", unsigned(date.day()),
                                   kMonths[unsigned(date.month()) - 1], int(date.year()))
                     : ""};
}

AxisTick day_tick(sys_days day, const Step& step, bool year_is_new) {
  const year_month_day date{day};
  const std::string year = std::to_string(int(date.year()));
  const double at = days_since_epoch(day);
  if (step.unit == Step::Unit::kMonths && step.count >= 12) return {at, year, ""};
  const char* month = kMonths[unsigned(date.month()) - 1];
  std::string label = step.unit == Step::Unit::kMonths
                          ? std::string(month)
                          : fmt::format("{} {}", unsigned(date.day()), month);
  return {at, std::move(label), year_is_new ? year : ""};
}

std::vector<AxisTick> minute_ticks(Timestamp from, Timestamp to, const Step& step) {
  std::vector<AxisTick> ticks;
  const auto width = std::chrono::minutes(step.count);
  sys_days last_day{};
  for (Timestamp at = Timestamp((from.time_since_epoch() / width) * width); at <= to; at += width) {
    if (at < from) continue;
    const auto day = std::chrono::floor<days>(at);
    ticks.push_back(minute_tick(at, ticks.empty() || day != last_day));
    last_day = day;
  }
  return ticks;
}

std::vector<AxisTick> month_ticks(Timestamp from, Timestamp to, const Step& step) {
  std::vector<AxisTick> ticks;
  const year_month_day first{std::chrono::floor<days>(from)};
  const int origin = int(first.year()) * 12 + static_cast<int>(unsigned(first.month())) - 1;
  int last_year = 0;
  for (int month = origin / step.count * step.count;; month += step.count) {
    const std::chrono::year year(month / 12);
    if (month / 12 > 9999) break;
    const sys_days day(year / (month % 12 + 1) / 1);
    if (day > to) break;
    if (day < from) continue;
    ticks.push_back(day_tick(day, step, month / 12 != last_year));
    last_year = month / 12;
  }
  return ticks;
}

std::vector<AxisTick> whole_day_ticks(Timestamp from, Timestamp to, const Step& step) {
  constexpr int kMondayOfEpoch = 4;  // 1970-01-05
  std::vector<AxisTick> ticks;
  const auto first = std::chrono::floor<days>(from).time_since_epoch().count();
  const auto count = static_cast<int64_t>(step.count);
  auto day = (first - kMondayOfEpoch) / count * count + kMondayOfEpoch;
  int last_year = 0;
  for (; sys_days(days(day)) <= to; day += count) {
    if (sys_days(days(day)) < from) continue;
    const int year = int(year_month_day(sys_days(days(day))).year());
    ticks.push_back(day_tick(sys_days(days(day)), step, year != last_year));
    last_year = year;
  }
  return ticks;
}

}  // namespace

std::vector<AxisTick> date_ticks(Timestamp from, Timestamp to, int most) {
  const Step step = choose_step(days_since_epoch(to) - days_since_epoch(from), most);
  switch (step.unit) {
    case Step::Unit::kMinutes:
      return minute_ticks(from, to, step);
    case Step::Unit::kDays:
      return whole_day_ticks(from, to, step);
    case Step::Unit::kMonths:
      break;
  }
  return month_ticks(from, to, step);
}

}  // namespace thaw::predict
