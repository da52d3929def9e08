// Refusal: why a request gets no instance.
//
// **Thread**: any. **Owner**: a value. **Limits**: none.
#pragma once

#include <string>

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

}  // namespace thaw::serving
