// Which dates come after a history: frequencies, how they are spelt, and how one is found.
//
// The words are those of pandas, a number before them multiplies: D, H, min (or T), S; W or
// W-MON ... W-SUN (W is W-SUN); B (Monday to Friday); MS, ME (or M), QS, QE (or Q), YS, YE (or Y):
// first or last day of a month, quarter, year; AS and A are YS and YE. Months of QS, QE, YS, YE may
// be named: YS-JUL. One that pandas has no word for: MD-15, the 15th of each month (MD-31: its last
// where it is shorter).
// Thread: any. Owner: values. Limits: multiples up to 10000; dates up to year 9999.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "predict/forecast_options.h"
#include "predict/forecaster.h"

namespace thaw::predict {

struct Frequency {
  enum class Unit { kFixed, kWeek, kBusinessDay, kMonthStart, kMonthEnd, kMonthDay };
  Unit unit = Unit::kFixed;
  std::chrono::microseconds step = kDay;  // kFixed only
  int count = 1;                          // all others: that many weeks, business days, months
  // kWeek: 0 Sunday .. 6; kMonthStart and kMonthEnd: 1..12 a month that is hit, 0 any; kMonthDay:
  // the day, 1..31, of a shorter month its last.
  unsigned anchor = 0;
  unsigned cycle = 1;  // kMonthStart and kMonthEnd: months between two hits, from the anchor on;
                       // 3 quarters, 12 years
};

/// kInvalidArgument names the words that would be right.
Result<Frequency> parse_frequency(std::string_view text);
std::string frequency_name(const Frequency& frequency);

/// The frequency of sorted, distinct dates (at least two):
/// 1. all on the first of a month: the commonest number of months between two, as MS;
/// 2. all on the last of a month: likewise, as ME;
/// 3. three dates or more in as many months, all on one day of the month, or on its last where it
///    is shorter: likewise, as MD-15, MD-31;
/// 4. ten dates or more, commonly a day apart, none on a weekend: B;
/// 5. otherwise the commonest step, the shortest of equally common ones.
/// In 1 to 3 all dates must have the same time of day.
Frequency infer_frequency(const std::vector<Timestamp>& dates);

/// `periods` dates after `last`, as pandas' date_range lays them: on the frequency's own grid.
/// kOutOfRange when they would pass the year 9999.
Result<std::vector<Timestamp>> dates_after(Timestamp last, const Frequency& frequency, int periods);

struct Horizon {
  Frequency frequency;
  std::vector<Timestamp> dates;  // sorted
};

/// The dates that `options` asks for, after the model's history (rows with missing y count).
Result<Horizon> future_dates(const Model& model, const HorizonOptions& options);

/// The rows that are forecast, sorted by date, with the columns that the model needs.
/// 1. `future`, if it is given: rows as a person made them; then options.periods is not looked at.
/// 2. If the model needs columns: the rows of `history` after its last value of y.
/// 3. Else the dates of future_dates(). A cap or floor goes on as the history's last.
/// With include_history the first row of each date of the history comes before them.
/// kInvalidArgument: the model needs columns and there are no such rows.
struct FutureRows {
  Frequency frequency;
  Series rows;
};
Result<FutureRows> future_rows(const Model& model, const Series& history, const Series* future,
                               const HorizonOptions& options);

}  // namespace thaw::predict
