// LogLine: one line of a service's log, from its instances or from the platform.
//
// As JSON: {"timestamp", "severity", "service", "revision", "instance", "stream", "message"},
// "jsonPayload" for a structured line, and the fields of Cloud Logging's entries that it has
// ("httpRequest", "trace", ...); docs/formats/logs.md.
// **Thread**: any. **Owner**: values. **Limits**: a message over 64 KiB is cut.
#pragma once

#include <string>
#include <string_view>

#include "base/id.h"
#include "base/json.h"
#include "base/result.h"
#include "base/time.h"

namespace thaw::telemetry {

/// What stands in names of logs and traces: there is one project, and one place.
inline constexpr std::string_view kLogProject = "thaw";
inline constexpr std::string_view kLogLocation = "local";

struct LogLine {
  enum class Stream { kStdout, kStderr, kPlatform, kRequests };

  WallTime time;
  std::string severity = "DEFAULT";  // Cloud Logging's: DEFAULT DEBUG INFO NOTICE WARNING ERROR ...
  ServiceId service;
  RevisionId revision;
  InstanceId instance;  // empty: about the service or revision
  Stream stream = Stream::kPlatform;
  std::string message;
  Json payload;  // the object of a structured line without severity and message; null otherwise
  Json entry;    // other fields of its entry: "httpRequest", "trace", "labels"...; null: none

  bool operator==(const LogLine&) const = default;
};

/// 0 for DEFAULT up to 8 for EMERGENCY, in Cloud Logging's order; -1 for other words.
int severity_rank(std::string_view severity);

/// Makes a line of what an instance printed: an object with "severity", "message" or one of the
/// special fields ("logging.googleapis.com/trace"...) is taken apart as Cloud Logging's agents do
/// with JSON on its streams; all else is text.
LogLine line_of_output(std::string_view text, LogLine::Stream stream);

Json to_json(const LogLine& line);
/// The same with what every entry of Cloud Logging says besides: "logName", "resource" and
/// "labels.instanceId".
Json to_log_entry(const LogLine& line);
Result<LogLine> log_line_from_json(const Json& json);

}  // namespace thaw::telemetry
