// Timestamp: a date with a time of day and no timezone, as forecasting series carry it.
//
// Not an instant: nothing here knows of zones or of now; base/time.h has those.
// Thread: any. Owner: values. Limits: years 0001 to 9999, microseconds.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace thaw::predict {

using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;

inline constexpr std::chrono::microseconds kDay = std::chrono::days(1);

/// Reads `YYYY-MM-DD`, then maybe ` ` or `T` and `HH:MM[:SS[.f]]` with one to nine digits of
/// fraction (cut to microseconds); spaces around are dropped. kInvalidArgument says what is wrong
/// with which text; a timezone (`Z`, `+01:00`) is one of the errors, as Prophet has it.
Result<Timestamp> parse_timestamp(std::string_view text);

/// `YYYY-MM-DD HH:MM:SS[.ffffff]`, or only the date when the time of day is midnight and
/// `kShortest` is asked for.
enum class ClockPart { kShortest, kAlways };
std::string format_timestamp(Timestamp at, ClockPart clock);

/// Days since 1970-01-01, with fraction.
inline double days_since_epoch(Timestamp at) {
  return static_cast<double>(at.time_since_epoch().count()) / 86400e6;
}
inline double seconds_between(Timestamp from, Timestamp to) {
  return static_cast<double>((to - from).count()) / 1e6;
}

Timestamp earliest_timestamp();  // 0001-01-01
Timestamp latest_timestamp();    // 9999-12-31 23:59:59.999999

}  // namespace thaw::predict
