#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <span>

#include "predict/future.h"
#include "predict/text.h"

namespace thaw::predict {
namespace {

using std::chrono::days;
using std::chrono::microseconds;
using Unit = Frequency::Unit;

constexpr int kMaxMultiple = 10'000;
constexpr std::string_view kWeekdays[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};
constexpr std::string_view kMonths[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                        "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};

struct Word {
  std::string_view name;
  Unit unit;
  microseconds step;  // kFixed
  int count;          // others
  unsigned anchor;
};

constexpr Word kWords[] = {
    {"D", Unit::kFixed, days(1), 1, 0},
    {"H", Unit::kFixed, std::chrono::hours(1), 1, 0},
    {"min", Unit::kFixed, std::chrono::minutes(1), 1, 0},
    {"T", Unit::kFixed, std::chrono::minutes(1), 1, 0},
    {"S", Unit::kFixed, std::chrono::seconds(1), 1, 0},
    {"W", Unit::kWeek, {}, 1, 0},
    {"B", Unit::kBusinessDay, {}, 1, 0},
    {"MS", Unit::kMonthStart, {}, 1, 0},
    {"ME", Unit::kMonthEnd, {}, 1, 0},
    {"M", Unit::kMonthEnd, {}, 1, 0},
    {"MD", Unit::kMonthDay, {}, 1, 0},
    {"QS", Unit::kMonthStart, {}, 3, 1},
    {"QE", Unit::kMonthEnd, {}, 3, 12},
    {"Q", Unit::kMonthEnd, {}, 3, 12},
    {"YS", Unit::kMonthStart, {}, 12, 1},
    {"YE", Unit::kMonthEnd, {}, 12, 12},
    {"Y", Unit::kMonthEnd, {}, 12, 12},
    {"AS", Unit::kMonthStart, {}, 12, 1},
    {"A", Unit::kMonthEnd, {}, 12, 12},
};

/// The word itself; small letters only where pandas of some age allows them (d, h, min, t, s).
const Word* find_word(std::string_view name) {
  for (const Word& word : kWords) {
    if (word.name == name) return &word;
    if (word.unit == Unit::kFixed && lower_case(word.name) == name) return &word;
  }
  return nullptr;
}

std::optional<unsigned> index_in(std::span<const std::string_view> names, std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<unsigned>(found - names.begin());
}

Error bad_frequency(std::string_view text) {
  return Error(Code::kInvalidArgument,
               fmt::format("freq: {} is not known: use D, H, min, S, W, B, MS, ME, QS, QE, YS or "
                           "YE, with a number before it if wanted (5min, 2W), or W-MON, YS-JUL, "
                           "MD-15 (the 15th of each month)",
                           quoted_value(text)));
}

bool on_month_start(Timestamp at) {
  return std::chrono::year_month_day(std::chrono::floor<days>(at)).day() == std::chrono::day(1);
}

int64_t month_number(Timestamp at) {
  const std::chrono::year_month_day date{std::chrono::floor<days>(at)};
  return int64_t{int(date.year())} * 12 + unsigned(date.month()) - 1;
}

unsigned day_of_month(Timestamp at) {
  return unsigned(std::chrono::year_month_day(std::chrono::floor<days>(at)).day());
}

/// The day of the month on which all dates are, each in a month of its own; of a month that is
/// shorter its last. 0 where there is none.
unsigned common_day_of_month(const std::vector<Timestamp>& dates) {
  unsigned day = 0;
  for (const Timestamp at : dates) day = std::max(day, day_of_month(at));
  for (size_t i = 0; i < dates.size(); ++i) {
    if (i > 0 && month_number(dates[i]) == month_number(dates[i - 1])) return 0;
    if (day_of_month(dates[i]) != day && !on_month_start(dates[i] + kDay)) return 0;
  }
  return day;
}

bool on_weekend(Timestamp at) {
  const std::chrono::weekday day{std::chrono::floor<days>(at)};
  return day == std::chrono::Saturday || day == std::chrono::Sunday;
}

bool same_time_of_day(const std::vector<Timestamp>& dates) {
  const auto clock = [](Timestamp at) { return at - std::chrono::floor<days>(at); };
  return std::all_of(dates.begin(), dates.end(),
                     [&](Timestamp at) { return clock(at) == clock(dates[0]); });
}

/// The commonest of the values that `between` gives for neighbours; the smallest of several.
template <class Between>
int64_t commonest(const std::vector<Timestamp>& dates, Between between) {
  std::map<int64_t, size_t> counts;
  for (size_t i = 1; i < dates.size(); ++i) ++counts[between(dates[i - 1], dates[i])];
  return std::max_element(counts.begin(), counts.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

std::string times(int64_t count, std::string_view word) {
  return count == 1 ? std::string(word) : fmt::format("{}{}", count, word);
}

/// "3MS", "2QE-DEC", "YS-JAN": the edge is S or E.
std::string month_name(const Frequency& frequency, std::string_view edge) {
  if (frequency.anchor == 0) return times(frequency.count, fmt::format("M{}", edge));
  const auto cycle = static_cast<int>(frequency.cycle);
  return fmt::format("{}{}-{}", times(frequency.count / cycle, cycle == 12 ? "Y" : "Q"), edge,
                     kMonths[frequency.anchor - 1]);
}

}  // namespace

Result<Frequency> parse_frequency(std::string_view text) {
  std::string_view rest = trim(text);
  int multiple = 1;
  if (!rest.empty() && rest[0] >= '0' && rest[0] <= '9') {
    const auto [end, fault] = std::from_chars(rest.data(), rest.data() + rest.size(), multiple);
    if (fault != std::errc() || multiple < 1 || multiple > kMaxMultiple) {
      return Error(Code::kInvalidArgument, fmt::format("freq: the number in {} is not in 1 to {}",
                                                       quoted_value(text), kMaxMultiple));
    }
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
  }
  const size_t dash = rest.find('-');
  const Word* word = find_word(rest.substr(0, dash));
  if (!word) return bad_frequency(text);
  Frequency frequency{word->unit, word->step * multiple, word->count * multiple, word->anchor,
                      word->anchor == 0 ? 1 : static_cast<unsigned>(word->count)};
  if (word->unit == Unit::kMonthDay && dash == std::string_view::npos) return bad_frequency(text);
  if (dash != std::string_view::npos) {
    const std::string_view anchor = rest.substr(dash + 1);
    if (word->unit == Unit::kMonthDay) {
      const auto [end, fault] =
          std::from_chars(anchor.data(), anchor.data() + anchor.size(), frequency.anchor);
      if (fault != std::errc() || end != anchor.data() + anchor.size() || frequency.anchor < 1 ||
          frequency.anchor > 31) {
        return bad_frequency(text);
      }
    } else if (word->unit == Unit::kWeek) {
      const auto weekday = index_in(kWeekdays, anchor);
      if (!weekday) return bad_frequency(text);
      frequency.anchor = *weekday;
    } else {
      const auto month = index_in(kMonths, anchor);
      if (!month || word->anchor == 0) return bad_frequency(text);
      frequency.anchor = *month + 1;
    }
  }
  return frequency;
}

std::string frequency_name(const Frequency& frequency) {
  switch (frequency.unit) {
    case Unit::kWeek:
      return times(frequency.count, "W-") + std::string(kWeekdays[frequency.anchor]);
    case Unit::kBusinessDay:
      return times(frequency.count, "B");
    case Unit::kMonthStart:
      return month_name(frequency, "S");
    case Unit::kMonthEnd:
      return month_name(frequency, "E");
    case Unit::kMonthDay:
      return fmt::format("{}-{}", times(frequency.count, "MD"), frequency.anchor);
    case Unit::kFixed:
      break;
  }
  const std::pair<microseconds, std::string_view> units[] = {{days(1), "D"},
                                                             {std::chrono::hours(1), "H"},
                                                             {std::chrono::minutes(1), "min"},
                                                             {std::chrono::seconds(1), "S"}};
  for (const auto& [length, word] : units) {
    if (frequency.step % length == microseconds(0)) return times(frequency.step / length, word);
  }
  return fmt::format("{}S", static_cast<double>(frequency.step.count()) / 1e6);
}

Frequency infer_frequency(const std::vector<Timestamp>& dates) {
  constexpr size_t kEnoughForMonths = 3;
  constexpr size_t kEnoughForBusinessDays = 10;
  const auto step_between = [](Timestamp a, Timestamp b) { return (b - a).count(); };
  const microseconds step(commonest(dates, step_between));
  if (same_time_of_day(dates)) {
    const auto months = [](Timestamp a, Timestamp b) { return month_number(b) - month_number(a); };
    const auto on_month_end = [](Timestamp at) { return on_month_start(at + kDay); };
    const bool starts = std::all_of(dates.begin(), dates.end(), on_month_start);
    if (starts || std::all_of(dates.begin(), dates.end(), on_month_end)) {
      return {starts ? Unit::kMonthStart : Unit::kMonthEnd,
              {},
              static_cast<int>(commonest(dates, months)),
              0,
              1};
    }
    const unsigned day = common_day_of_month(dates);
    if (dates.size() >= kEnoughForMonths && day != 0) {
      return {Unit::kMonthDay, {}, static_cast<int>(commonest(dates, months)), day, 1};
    }
    if (dates.size() >= kEnoughForBusinessDays && step == kDay &&
        std::none_of(dates.begin(), dates.end(), on_weekend)) {
      return {Unit::kBusinessDay, {}, 1, 0, 1};
    }
  }
  return {Unit::kFixed, step, 1, 0, 1};
}

}  // namespace thaw::predict
