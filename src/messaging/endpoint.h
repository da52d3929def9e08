// Endpoint: a push endpoint's URL, taken apart.
// Thread: any. Owner: values. Limits: http only; no user name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace thaw::messaging {

struct Endpoint {
  std::string host;  // lower case, without port: "forecaster.localhost", "127.0.0.1", "[::1]"
  uint16_t port = 80;
  std::string target = "/";  // path and query

  /// What a Host header carries.
  std::string authority() const;
};

/// kInvalidArgument: no http URL.
Result<Endpoint> parse_endpoint(std::string_view url, uint16_t default_port = 80);

}  // namespace thaw::messaging
