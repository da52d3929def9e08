#include "predict/future.h"

#include <fmt/format.h>

#include <algorithm>

namespace thaw::predict {
namespace {

using std::chrono::days;
using std::chrono::sys_days;
using std::chrono::year_month;
using std::chrono::year_month_day;
using Unit = Frequency::Unit;

bool is_business_day(sys_days day) {
  const std::chrono::weekday weekday{day};
  return weekday != std::chrono::Saturday && weekday != std::chrono::Sunday;
}

year_month month_of(sys_days day) {
  const year_month_day date{day};
  return date.year() / date.month();
}

sys_days grid_day(year_month month, const Frequency& frequency) {
  const sys_days last = month / std::chrono::last;
  if (frequency.unit == Unit::kMonthEnd) return last;
  const sys_days first = month / 1;
  if (frequency.unit == Unit::kMonthStart) return first;
  return std::min(first + days(frequency.anchor - 1), last);
}

/// The first day of the frequency's grid that is not before `day`.
sys_days roll_forward(sys_days day, const Frequency& frequency) {
  switch (frequency.unit) {
    case Unit::kFixed:
      break;
    case Unit::kWeek:
      return day + (std::chrono::weekday(frequency.anchor) - std::chrono::weekday(day));
    case Unit::kBusinessDay:
      while (!is_business_day(day)) day += days(1);
      break;
    case Unit::kMonthStart:
    case Unit::kMonthEnd:
    case Unit::kMonthDay: {
      year_month month = month_of(day);
      const unsigned anchor = frequency.unit == Unit::kMonthDay ? 0 : frequency.anchor;
      while (grid_day(month, frequency) < day ||
             (anchor != 0 && (unsigned(month.month()) + 12 - anchor) % frequency.cycle != 0)) {
        month += std::chrono::months(1);
      }
      return grid_day(month, frequency);
    }
  }
  return day;
}

/// The next day of the grid after `day`, which is on it.
sys_days step_forward(sys_days day, const Frequency& frequency) {
  switch (frequency.unit) {
    case Unit::kFixed:
      break;
    case Unit::kWeek:
      return day + days(7 * frequency.count);
    case Unit::kBusinessDay:
      for (int left = frequency.count; left > 0; --left) {
        do day += days(1);
        while (!is_business_day(day));
      }
      return day;
    case Unit::kMonthStart:
    case Unit::kMonthEnd:
    case Unit::kMonthDay:
      return grid_day(month_of(day) + std::chrono::months(frequency.count), frequency);
  }
  return day;
}

}  // namespace

Result<std::vector<Timestamp>> dates_after(Timestamp last, const Frequency& frequency,
                                           int periods) {
  const sys_days last_day = std::chrono::floor<days>(last);
  const auto clock = last - last_day;
  std::vector<Timestamp> dates;
  Timestamp at = last;
  while (static_cast<int>(dates.size()) < periods) {
    if (frequency.unit == Unit::kFixed) {
      at += frequency.step;
    } else {
      const sys_days day = std::chrono::floor<days>(at);
      const sys_days rolled = roll_forward(day, frequency);
      at = (dates.empty() && rolled > day ? rolled : step_forward(rolled, frequency)) + clock;
    }
    if (at > latest_timestamp()) {
      return Error(
          Code::kOutOfRange,
          fmt::format("periods: {} steps of {} after {} pass the year 9999", periods,
                      frequency_name(frequency), format_timestamp(last, ClockPart::kShortest)));
    }
    dates.push_back(at);
  }
  return dates;
}

Result<Horizon> future_dates(const Model& model, const HorizonOptions& options) {
  RETURN_IF_ERROR(validate(options));
  Horizon horizon;
  if (options.freq) {
    ASSIGN_OR_RETURN(horizon.frequency, parse_frequency(*options.freq));
  } else {
    horizon.frequency = infer_frequency(model.history_dates);
  }
  ASSIGN_OR_RETURN(const auto after,
                   dates_after(model.history_dates.back(), horizon.frequency, options.periods));
  if (options.include_history) horizon.dates = model.history_dates;
  horizon.dates.insert(horizon.dates.end(), after.begin(), after.end());
  return horizon;
}

}  // namespace thaw::predict
