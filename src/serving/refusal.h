// Refusal: why a request gets no instance.
//
// **Thread**: any. **Owner**: a value. **Limits**: none.
#pragma once

#include <string>
#include <string_view>

#include "base/time.h"

namespace thaw::serving {

/// In the words and with the status of the contract (1.6).
struct Refusal {
  enum class Reason {
    kQueueFull,        // 429
    kNoInstance,       // 429: waited too long for a free instance
    kStartFailed,      // 503: the container cannot start; message says why
    kOutOfMemory,      // 500
    kInstanceDied,     // 503: malformed response or connection
    kUnknownRevision,  // 404
    kShuttingDown,     // 503
    kDeadline,         // 504
  };
  Reason reason;
  int http_status;
  std::string message;
  Duration retry_after{0};  // 0: do not say
};

/// As metrics name it: "queue_full".
constexpr std::string_view name_of(Refusal::Reason reason) {
  switch (reason) {
    case Refusal::Reason::kQueueFull:
      return "queue_full";
    case Refusal::Reason::kNoInstance:
      return "no_instance";
    case Refusal::Reason::kStartFailed:
      return "start_failed";
    case Refusal::Reason::kOutOfMemory:
      return "out_of_memory";
    case Refusal::Reason::kInstanceDied:
      return "instance_died";
    case Refusal::Reason::kUnknownRevision:
      return "unknown_revision";
    case Refusal::Reason::kShuttingDown:
      return "shutting_down";
    case Refusal::Reason::kDeadline:
      return "deadline";
  }
  return "other";
}

}  // namespace thaw::serving
