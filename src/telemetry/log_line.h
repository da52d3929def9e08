// LogLine: one line of a service's log, from its instances or from the platform.
//
// As JSON: {"timestamp", "severity", "service", "revision", "instance", "stream", "message"} and
// "jsonPayload" for a structured line; docs/formats/logs.md.
// **Thread**: any. **Owner**: values. **Limits**: a message over 64 KiB is cut.
#pragma once

#include <string>
#include <string_view>

#include "base/id.h"
#include "base/json.h"
#include "base/result.h"
#include "base/time.h"

namespace thaw::telemetry {

struct LogLine {
  enum class Stream { kStdout, kStderr, kPlatform };

  WallTime time;
  std::string severity = "DEFAULT";  // Cloud Logging's: DEFAULT DEBUG INFO NOTICE WARNING ERROR ...
  ServiceId service;
  RevisionId revision;
  InstanceId instance;  // empty: about the service or revision
  Stream stream = Stream::kPlatform;
  std::string message;
  Json payload;  // the object of a structured line without severity and message; null otherwise

  bool operator==(const LogLine&) const = default;
};

/// 0 for DEFAULT up to 8 for EMERGENCY, in Cloud Logging's order; -1 for other words.
int severity_rank(std::string_view severity);

/// Makes a line of what an instance printed: an object with "severity" or "message" is taken apart
/// as Cloud Run does with JSON on its streams; all else is text.
LogLine line_of_output(std::string_view text, LogLine::Stream stream);

Json to_json(const LogLine& line);
Result<LogLine> log_line_from_json(const Json& json);

}  // namespace thaw::telemetry
