#include "predict/timestamp.h"

#include <fmt/format.h>

#include <cctype>
#include <optional>

#include "predict/text.h"

namespace thaw::predict {
namespace {

using std::chrono::microseconds;

constexpr const char* kFormats = "write YYYY-MM-DD or YYYY-MM-DD HH:MM[:SS]";

/// Takes fixed-width numbers and signs off the front of a text.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  std::optional<int> number(size_t width) {
    if (rest_.size() < width) return std::nullopt;
    int value = 0;
    for (char c : rest_.substr(0, width)) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + (c - '0');
    }
    rest_.remove_prefix(width);
    return value;
  }
  bool accept(char c) {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  /// One to nine digits after the point, as microseconds.
  std::optional<microseconds> fraction() {
    int64_t value = 0;
    size_t count = 0;
    for (; count < rest_.size() && rest_[count] >= '0' && rest_[count] <= '9'; ++count) {
      if (count < 6) value = value * 10 + (rest_[count] - '0');
    }
    if (count == 0 || count > 9) return std::nullopt;
    for (size_t i = count; i < 6; ++i) value *= 10;
    rest_.remove_prefix(count);
    return microseconds(value);
  }
  bool at_end() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

Error bad_date(std::string_view text, std::string_view why) {
  return Error(Code::kInvalidArgument, fmt::format("{} {}", quoted_value(text), why));
}

bool is_half_of_day(std::string_view rest) {
  const std::string low = lower_case(trim(rest));
  return low == "am" || low == "pm" || low == "a.m." || low == "p.m.";
}

/// "+01:00", "Z", "CET", "Europe/Berlin", "[UTC]".
bool looks_like_zone(std::string_view rest) {
  rest = trim(rest);
  if (rest.empty()) return false;
  constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  const bool named = rest.size() >= 3 && kLetters.find(rest[0]) != std::string_view::npos &&
                     kLetters.find(rest[1]) != std::string_view::npos &&
                     rest.find_first_not_of("0123456789_/+-:", 0) != std::string_view::npos &&
                     rest.find(' ') == std::string_view::npos && !is_half_of_day(rest);
  const bool offset = (rest[0] == '+' || rest[0] == '-') && rest.size() >= 3 &&
                      std::isdigit(static_cast<unsigned char>(rest[1]));
  return offset || named || rest[0] == '[' || rest == "Z" || rest == "z";
}

}  // namespace

Result<Timestamp> parse_timestamp(std::string_view text) {
  Scanner scan(trim(text));
  const auto not_a_date = [&] { return bad_date(text, fmt::format("is no date: {}", kFormats)); };
  const auto year = scan.number(4);
  const bool dash1 = scan.accept('-');
  const auto month = scan.number(2);
  const bool dash2 = scan.accept('-');
  const auto day = scan.number(2);
  if (!year || !month || !day || !dash1 || !dash2) return not_a_date();
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (*year < 1 || !date.ok()) return bad_date(text, "is a date that no calendar has");
  Timestamp at = std::chrono::sys_days(date);
  if (!scan.at_end() && !looks_like_zone(scan.rest())) {
    if (!scan.accept(' ') && !scan.accept('T') && !scan.accept('t')) return not_a_date();
    const auto hour = scan.number(2);
    const bool colon = scan.accept(':');
    const auto minute = scan.number(2);
    if (!hour || !colon || !minute) return not_a_date();
    int second = 0;
    microseconds fraction{0};
    if (scan.accept(':')) {
      const auto read = scan.number(2);
      if (!read) return not_a_date();
      second = *read;
      if (scan.accept('.')) {
        const auto digits = scan.fraction();
        if (!digits) return not_a_date();
        fraction = *digits;
      }
    }
    if (*hour > 23 || *minute > 59 || second > 59) {
      return bad_date(text, "has a time of day past 23:59:59");
    }
    at += std::chrono::hours(*hour) + std::chrono::minutes(*minute) + std::chrono::seconds(second) +
          fraction;
  }
  if (is_half_of_day(scan.rest())) {
    return bad_date(text, "has AM or PM: write hours from 00 to 23");
  }
  if (looks_like_zone(scan.rest())) {
    return bad_date(text, "has a timezone: write all dates in one zone, without naming it");
  }
  if (!scan.at_end()) return not_a_date();
  return at;
}

std::string format_timestamp(Timestamp at, ClockPart clock) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{day};
  std::string text = fmt::format("{:04}-{:02}-{:02}", int(date.year()), unsigned(date.month()),
                                 unsigned(date.day()));
  const std::chrono::hh_mm_ss time(at - day);
  if (clock == ClockPart::kShortest && at == Timestamp(day)) return text;
  text += fmt::format(" {:02}:{:02}:{:02}", time.hours().count(), time.minutes().count(),
                      time.seconds().count());
  if (time.subseconds().count() != 0) text += fmt::format(".{:06}", time.subseconds().count());
  return text;
}

Timestamp earliest_timestamp() {
  return std::chrono::sys_days(std::chrono::year(1) / std::chrono::January / 1);
}

Timestamp latest_timestamp() {
  return Timestamp(std::chrono::sys_days(std::chrono::year(9999) / std::chrono::December / 31)) +
         kDay - microseconds(1);
}

}  // namespace thaw::predict
