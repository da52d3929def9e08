// AccessRecord: the facts of one answered request, for the request log and the metrics.
// Thread: the loop's. Owner: views live during the call.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/id.h"
#include "base/time.h"

namespace thaw::gateway {

struct AccessRecord {
  const ServiceId* service = nullptr;    // null: no service has that host
  const RevisionId* revision = nullptr;  // null: none was chosen
  const InstanceId* instance = nullptr;  // null: none was reached
  std::string_view host;
  std::string_view method;
  std::string_view target;
  std::string_view user_agent;
  std::string_view peer;        // the client's IP address
  std::string_view trace_id;    // 32 hex digits
  int status = 0;               // 499: the client left before the answer
  Duration latency{0};          // from the head's arrival to the answer's last byte
  uint64_t request_bytes = 0;   // of the body
  uint64_t response_bytes = 0;  // of the body
  bool waited_for_start = false;
};

class AccessObserver {
 public:
  virtual void on_request(const AccessRecord& record) = 0;

 protected:
  ~AccessObserver() = default;
};

}  // namespace thaw::gateway
