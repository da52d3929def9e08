#include "base/time.h"

#include <fmt/format.h>

#include <cctype>
#include <charconv>
#include <cmath>

namespace thaw {
namespace {

using std::chrono::days;

/// Reads exactly `width` digits at `at`, or fails.
std::optional<int> digits(std::string_view text, size_t at, size_t width) {
  if (at + width > text.size()) return std::nullopt;
  int value = 0;
  for (char c : text.substr(at, width)) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::optional<Duration> unit_length(std::string_view unit) {
  if (unit == "ns") return std::chrono::nanoseconds(1);
  if (unit == "us") return std::chrono::microseconds(1);
  if (unit == "ms") return std::chrono::milliseconds(1);
  if (unit.empty() || unit == "s") return std::chrono::seconds(1);
  if (unit == "m") return std::chrono::minutes(1);
  if (unit == "h") return std::chrono::hours(1);
  if (unit == "d") return std::chrono::days(1);
  return std::nullopt;
}

}  // namespace

std::string format_duration(Duration value) {
  const double s = to_seconds(value);
  const double size = std::abs(s);
  if (size == 0) return "0 s";
  if (size < 1e-3) return fmt::format("{:.3g} us", s * 1e6);
  if (size < 1) return fmt::format("{:.3g} ms", s * 1e3);
  if (size < 60) return fmt::format("{:.3g} s", s);
  const auto whole = static_cast<int64_t>(s);
  if (size < 3600) return fmt::format("{} min {} s", whole / 60, std::abs(whole % 60));
  return fmt::format("{} h {} min", whole / 3600, std::abs(whole / 60 % 60));
}

std::string format_rfc3339(WallTime value) {
  const auto since = value.time_since_epoch();
  const auto day = std::chrono::floor<days>(since);
  const std::chrono::year_month_day date{std::chrono::sys_days(day)};
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::microseconds>(since - day));
  std::string text =
      fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", int(date.year()), unsigned(date.month()),
                  unsigned(date.day()), clock.hours().count(), clock.minutes().count(),
                  clock.seconds().count());
  if (clock.subseconds().count() != 0) text += fmt::format(".{:06}", clock.subseconds().count());
  return text + "Z";
}

std::optional<WallTime> parse_rfc3339(std::string_view text) {
  const auto year = digits(text, 0, 4), month = digits(text, 5, 2), day = digits(text, 8, 2);
  const auto hour = digits(text, 11, 2), minute = digits(text, 14, 2), second = digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
  if (text[4] != '-' || text[7] != '-' || (text[10] != 'T' && text[10] != 't') || text[13] != ':' ||
      text[16] != ':') {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  // 64 bits of nanoseconds reach from 1677-09-21 to 2262-04-11.
  if (*year < 1678 || *year > 2261) return std::nullopt;
  if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  Duration since = std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(*hour) +
                   std::chrono::minutes(*minute) + std::chrono::seconds(*second);
  size_t at = 19;
  if (at < text.size() && text[at] == '.') {
    int64_t unit = 100'000'000;
    const size_t first = ++at;
    for (; at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])); ++at) {
      since += Duration((text[at] - '0') * unit);
      unit /= 10;
    }
    if (at == first) return std::nullopt;
  }
  if (at + 1 == text.size() && (text[at] == 'Z' || text[at] == 'z')) return WallTime(since);
  const auto off_hour = digits(text, at + 1, 2), off_minute = digits(text, at + 4, 2);
  if (at + 6 != text.size() || !off_hour || !off_minute || text[at + 3] != ':') return std::nullopt;
  if (*off_hour > 23 || *off_minute > 59 || (text[at] != '+' && text[at] != '-')) {
    return std::nullopt;
  }
  const Duration offset = std::chrono::hours(*off_hour) + std::chrono::minutes(*off_minute);
  return WallTime(text[at] == '+' ? since - offset : since + offset);
}

std::optional<Duration> parse_duration(std::string_view text) {
  constexpr double kLongestSeconds = 100.0 * 365 * 86400;
  if (text.empty()) return std::nullopt;
  Duration total{0};
  const size_t whole = text.size();
  while (!text.empty()) {
    double amount = 0;
    const auto [end, fault] =
        std::from_chars(text.data(), text.data() + text.size(), amount, std::chars_format::fixed);
    if (fault != std::errc() || !(amount >= 0)) return std::nullopt;
    const bool is_first = text.size() == whole;
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    size_t letters = 0;
    while (letters < text.size() && std::isalpha(static_cast<unsigned char>(text[letters]))) {
      ++letters;
    }
    const auto unit = unit_length(text.substr(0, letters));
    if (!unit || amount * to_seconds(*unit) > kLongestSeconds) return std::nullopt;
    total += seconds(amount * to_seconds(*unit));
    text.remove_prefix(letters);
    // A number without a unit stands alone: "45", never "5m3".
    if (letters == 0 && (!is_first || !text.empty())) return std::nullopt;
  }
  return total;
}

}  // namespace thaw
