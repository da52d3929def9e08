// Forwarding: the heads that a proxy sends on, in both directions. Pure.
//
// Hop-by-hop headers are taken out (RFC 9110, 7.6.1), those of the contract are added (1.6).
// Thread: any. Owner: views die at return.
#pragma once

#include <string>
#include <string_view>

#include "gateway/trace.h"
#include "http/head.h"

namespace thaw::gateway {

struct RequestFacts {
  std::string_view peer_ip;
  std::string_view scheme = "http";
  Trace trace;
  /// In small letters: its token's signature is taken out, so that the service cannot use it.
  std::string_view signed_header = {};
};

/// Only WebSockets: an upgrade to h2c would carry requests past all that is checked here.
bool wants_websocket(const http::RequestHead& head);

/// Whether its client takes trailers (RFC 9110, 6.5.1).
bool wants_trailers(const http::RequestHead& head);
/// The end of a chunked body whose trailers came as `lines`; may be a view of `buffer`.
std::string_view last_chunk(std::string_view lines, std::string& buffer);

/// The head for the instance, appended to `out`. The body goes with `head.framing`.
void append_request_head(std::string& out, const http::RequestHead& head,
                         const RequestFacts& facts);

enum class Connection { kKeepAlive, kClose };

struct ResponseFacts {
  int client_minor_version = 1;
  Connection connection = Connection::kKeepAlive;
  http::Framing framing = http::Framing::kNone;  // towards the client
  std::string_view session_cookie = {};          // the value of a Set-Cookie of ours; empty: none
};

/// The head for the client, appended to `out`.
void append_response_head(std::string& out, const http::ResponseHead& head,
                          const ResponseFacts& facts);

}  // namespace thaw::gateway
