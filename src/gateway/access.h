// AccessRecord: the facts of one answered request, for the request log, spans and metrics.
// Thread: the loop's. Owner: views live during the call.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/id.h"
#include "base/time.h"
#include "gateway/trace.h"

namespace thaw::gateway {

struct AccessRecord {
  const ServiceId* service = nullptr;    // null: no service has that host
  const RevisionId* revision = nullptr;  // null: none was chosen
  const InstanceId* instance = nullptr;  // null: none was reached
  std::string_view host;
  std::string_view method;
  std::string_view target;
  std::string_view user_agent;
  std::string_view referer;
  std::string_view peer;             // the client's IP address
  std::string_view local;            // the address it called; empty: not known
  std::string_view scheme;           // "http" or "https"
  std::string_view protocol;         // "HTTP/1.1", "HTTP/1.0", "HTTP/2"
  const Trace* trace = nullptr;      // never null
  std::string_view refusal;          // why the gateway answered itself, e.g. "queue_full"; or empty
  std::string_view woken_from;       // the rung that the instance was on; empty: it was hot
  int status = 0;                    // 499: the client left before the answer
  Duration latency{0};               // from the head's arrival to the answer's last byte
  Duration queued{0};                // until it had a place in an instance, or was refused one
  std::optional<Duration> placed;    // from arrival to its (last) place; nothing: it had none
  std::optional<Duration> answered;  // from arrival to the answer's first byte from an instance
  uint64_t request_head_bytes = 0;   // as the client sent it
  uint64_t response_head_bytes = 0;  // as the client gets it; with the body where we answered
  uint64_t request_bytes = 0;        // of the body
  uint64_t response_bytes = 0;       // of the body
  bool waited_for_start = false;
};

class AccessObserver {
 public:
  virtual void on_request(const AccessRecord& record) = 0;

 protected:
  ~AccessObserver() = default;
};

}  // namespace thaw::gateway
