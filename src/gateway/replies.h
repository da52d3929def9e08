// Replies: what the gateway itself says to a client when no instance answers. Pure.
//
// Short plain text in the words of the contract (1.6). Thread: any.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "serving/refusal.h"

namespace thaw::gateway {

struct Reply {
  int status = 500;
  std::string message;  // one sentence or two, without line end
  Duration retry_after{0};
  std::string_view reason = {};  // one word for metrics, a literal
  std::string location = {};     // of a redirect
};

enum class Rest { kKeepAlive, kClose };

/// Head and body. `to_head`: the request was HEAD, so the body is left out.
std::string write_reply(const Reply& reply, Rest rest, bool to_head);

Reply from(const serving::Refusal& refusal);
Reply timed_out();
/// The instance answered nonsense.
Reply malformed_response();
Reply request_too_large(int64_t limit);
Reply response_too_large(int64_t limit);
/// `names` may be empty; then none are told.
Reply unknown_host(std::string_view host, const std::vector<std::string>& names);
Reply nothing_ready(std::string_view service);
/// As Cloud Run sends requests without TLS on; methods with a body keep it. `target`: origin form.
Reply moved_to_https(std::string_view method, std::string_view host, uint16_t port,
                     std::string_view target);
Reply shutting_down();
Reply too_many_connections();

}  // namespace thaw::gateway
