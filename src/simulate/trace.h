// Trace: which calls came to which service and how long each took, read from a file or made.
//
// **Thread**: any. **Owner**: values. **Limits**: kMaxCalls calls in a file; beyond it is an error.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace thaw::simulate {

struct Call {
  double at = 0;    // seconds since the trace began
  float takes = 0;  // seconds that an instance works on it
};

struct ServiceTrace {
  std::string service;
  std::vector<Call> calls;  // in order of time
};

struct Trace {
  double span = 0;  // seconds
  std::vector<ServiceTrace> services;
};

inline constexpr size_t kMaxCalls = 20'000'000;

/// Reads a trace file; its form is told from its beginning:
/// - CSV with a header: `time` (seconds, or RFC 3339), and if there `service`, `duration`
/// (seconds);
/// - an access log in the common or combined format; a number at a line's end is its duration
///   (nginx's $request_time);
/// - Cloud Logging entries, one JSON object a line: timestamp, httpRequest.latency,
///   resource.labels.service_name.
/// `takes` is used where a duration is not told. Errors name the line.
Result<Trace> read_trace(std::string_view text, std::string_view file_name, Duration takes);

enum class Pattern {
  kSteady,   // calls by chance at a rate that stays (Poisson)
  kDiurnal,  // by chance, most at noon, a tenth of it at midnight
  kBursty,   // bursts of 20 within some seconds, by chance
  kSpiky,    // by the clock, within one percent
};
inline constexpr std::string_view kPatterns = "steady|diurnal|bursty|spiky";

struct PatternOptions {
  Pattern pattern = Pattern::kSteady;
  double span = 86400;
  /// A service's mean time between two calls is drawn between these, any order as likely.
  double shortest_gap = 60;
  double longest_gap = 3 * 3600;
  double takes = 0.2;  // mean of an exponential distribution
  uint64_t seed = 1;
};

/// The calls of the `index`th service; the same for the same arguments.
ServiceTrace make_trace(const PatternOptions& options, uint32_t index);

}  // namespace thaw::simulate
