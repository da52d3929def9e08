// Challenges: what the gateway says to an ACME server that asks whether a domain is ours.
//
// Thread: the loop's. Owner: outlives the gateway.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace thaw::gateway {

class Challenges {
 public:
  /// To GET /.well-known/acme-challenge/TOKEN (RFC 8555, 8.3); nothing: it is for the service.
  virtual std::optional<std::string> answer(std::string_view token) = 0;

 protected:
  ~Challenges() = default;
};

}  // namespace thaw::gateway
