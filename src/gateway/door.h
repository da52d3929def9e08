// Door: who decides whether a request may go to a service at all.
//
// Thread: the loop's. Owner: outlives the gateway.
#pragma once

#include <optional>
#include <string_view>

#include "gateway/replies.h"
#include "gateway/route_table.h"

namespace thaw::gateway {

struct Credentials {
  std::string_view host;           // normalized
  std::string_view authorization;  // X-Serverless-Authorization, or else Authorization
};

class Door {
 public:
  /// Whether all may pass, so that nobody's credentials are looked at.
  virtual bool is_open(const ServiceId& service) const = 0;
  /// The answer to a request that may not pass.
  virtual std::optional<Reply> refuse(const ServiceId& service, const Credentials& credentials) = 0;

 protected:
  ~Door() = default;
};

}  // namespace thaw::gateway
