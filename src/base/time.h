// The three kinds of time: lengths, points on the steady clock, points on the wall clock.
//
// Chrono types, so that mixing them up does not compile. Where the points come from is
// io/clock.h; base/ has no clock. Thread: any. Owner: values.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace thaw {

using Duration = std::chrono::nanoseconds;

struct SteadyTimeline {
  using duration = Duration;
};
struct WallTimeline {
  using duration = Duration;
};

/// Monotonic, only differences mean anything; what deadlines and policies use.
using Instant = std::chrono::time_point<SteadyTimeline, Duration>;
/// Since 1970-01-01T00:00:00Z; only for showing and storing.
using WallTime = std::chrono::time_point<WallTimeline, Duration>;

constexpr Duration seconds(double value) {
  return Duration(static_cast<Duration::rep>(value * 1e9));
}
constexpr Duration milliseconds(double value) {
  return Duration(static_cast<Duration::rep>(value * 1e6));
}
constexpr double to_seconds(Duration value) { return static_cast<double>(value.count()) / 1e9; }
constexpr double to_millis(Duration value) { return static_cast<double>(value.count()) / 1e6; }

/// "1.5 ms", "12 s", "4 min 5 s": three significant digits, for people.
std::string format_duration(Duration value);

/// RFC 3339 in UTC, microseconds when not whole: "2026-11-23T01:02:03.000250Z".
std::string format_rfc3339(WallTime value);
/// nullopt for what is no time, and for years before 1678 and after 2261.
std::optional<WallTime> parse_rfc3339(std::string_view text);

/// "300ms", "10s", "5m", "1h30m" as Go and gcloud write durations; a bare number is seconds.
std::optional<Duration> parse_duration(std::string_view text);

}  // namespace thaw
