#include "gateway/forwarding.h"

#include <fmt/format.h>

#include "http/body.h"
#include "http/status.h"
#include "http/text.h"
#include "http/trailers.h"

namespace thaw::gateway {
namespace {

using http::HeaderId;
using http::HeaderView;

void append_header(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  out += value;
  out += "\r\n";
}

bool is_hop_by_hop(HeaderId id) {
  switch (id) {
    case HeaderId::kConnection:
    case HeaderId::kKeepAlive:
    case HeaderId::kProxyAuthenticate:
    case HeaderId::kProxyAuthorization:
    case HeaderId::kProxyConnection:
    case HeaderId::kTe:
    case HeaderId::kTrailer:
    case HeaderId::kTransferEncoding:
    case HeaderId::kUpgrade:
      return true;
    default:
      return false;
  }
}

/// Whether a Connection header names `header` as meant for one hop. Those that frame or route the
/// message cannot be taken out that way.
bool is_named_by_connection(const http::Head& head, const HeaderView& header) {
  if (header.id == HeaderId::kHost || header.id == HeaderId::kContentLength) return false;
  for (const HeaderView& other : head.headers) {
    if (other.id == HeaderId::kConnection && http::list_has(other.value, header.name)) return true;
  }
  return false;
}

/// Whether any Connection header says more than the usual words.
bool connection_names_headers(const http::Head& head) {
  bool names = false;
  for (const HeaderView& header : head.headers) {
    if (header.id != HeaderId::kConnection) continue;
    http::for_each_element(header.value, [&](std::string_view element) {
      names = names || !(http::equals_ignoring_case(element, "keep-alive") ||
                         http::equals_ignoring_case(element, "close") ||
                         http::equals_ignoring_case(element, "upgrade"));
    });
  }
  return names;
}

/// `name: what the client's headers of that kind said, last`.
void append_list(std::string& out, const http::Head& head, HeaderId id, std::string_view name,
                 std::string_view last) {
  out += name;
  out += ": ";
  for (const HeaderView& header : head.headers) {
    if (header.id != id || header.value.empty()) continue;
    out += header.value;
    out += ", ";
  }
  out += last;
  out += "\r\n";
}

void append_forwarding_headers(std::string& out, const http::RequestHead& head,
                               const RequestFacts& facts) {
  append_list(out, head, HeaderId::kXForwardedFor, "X-Forwarded-For", facts.peer_ip);
  append_header(out, "X-Forwarded-Proto", facts.scheme);
  const bool is_v6 = facts.peer_ip.find(':') != std::string_view::npos;
  std::string element = is_v6 ? "for=\"[" : "for=";
  element += facts.peer_ip;
  element += is_v6 ? "]\";proto=" : ";proto=";
  element += facts.scheme;
  append_list(out, head, HeaderId::kForwarded, "Forwarded", element);
  out += "X-Cloud-Trace-Context: ";
  facts.trace.append_cloud_context(out);
  out += "\r\ntraceparent: ";
  facts.trace.append_traceparent(out);
  out += "\r\n";
}

bool is_replaced_in_request(HeaderId id) {
  switch (id) {
    case HeaderId::kExpect:  // answered here
    case HeaderId::kForwarded:
    case HeaderId::kTraceparent:
    case HeaderId::kXCloudTraceContext:
    case HeaderId::kXForwardedFor:
    case HeaderId::kXForwardedProto:
    case HeaderId::kXGoogle:  // dropped: only the platform may say these
    case HeaderId::kHost:     // written first
      return true;
    default:
      return is_hop_by_hop(id);
  }
}

/// A token up to its second dot (contract 1.6).
std::string_view without_signature(std::string_view value) {
  return value.substr(0, value.rfind('.') == std::string_view::npos ? 0 : value.rfind('.') + 1);
}

}  // namespace

bool wants_websocket(const http::RequestHead& head) {
  return head.method == "GET" && head.minor_version == 1 && head.framing == http::Framing::kNone &&
         http::list_has(head.upgrade, "websocket");
}

bool wants_trailers(const http::RequestHead& head) {
  const HeaderView* const te = head.find(HeaderId::kTe);
  return te != nullptr && http::list_has(te->value, "trailers");
}

std::string_view last_chunk(std::string_view lines, std::string& buffer) {
  if (lines.size() <= 2) return http::kLastChunk;
  http::append_last_chunk(buffer, http::parse_trailers(lines).value_or(http::Headers{}));
  return buffer;
}

void append_request_head(std::string& out, const http::RequestHead& head,
                         const RequestFacts& facts) {
  out += head.method;
  out += ' ';
  const std::string_view target = head.origin_form();
  if (target.front() == '?') out += '/';
  out += target;
  out += " HTTP/1.1\r\n";
  append_header(out, "Host", head.host);
  const bool names_headers = connection_names_headers(head);
  for (const HeaderView& header : head.headers) {
    if (is_replaced_in_request(header.id)) continue;
    if (names_headers && is_named_by_connection(head, header)) continue;
    const bool is_signed = !facts.signed_header.empty() &&
                           http::equals_ignoring_case(header.name, facts.signed_header);
    append_header(out, header.name, is_signed ? without_signature(header.value) : header.value);
  }
  if (head.framing == http::Framing::kChunked) out += "Transfer-Encoding: chunked\r\n";
  if (wants_websocket(head)) out += "Upgrade: websocket\r\nConnection: Upgrade\r\n";
  append_forwarding_headers(out, head, facts);
  out += "\r\n";
}

void append_response_head(std::string& out, const http::ResponseHead& head,
                          const ResponseFacts& facts) {
  out += "HTTP/1.1 ";
  out += fmt::format_int(head.status).c_str();
  out += ' ';
  out += head.reason.empty() ? http::reason_phrase(head.status) : head.reason;
  out += "\r\n";
  const bool sets_cookie =
      head.find(HeaderId::kSetCookie) != nullptr || !facts.session_cookie.empty();
  const bool names_headers = connection_names_headers(head);
  for (const HeaderView& header : head.headers) {
    if (is_hop_by_hop(header.id)) continue;
    // RFC 9110, 8.6: these have none, whatever the instance says.
    const bool has_no_length = head.status == 204 || head.status < 200;
    if (has_no_length && header.id == HeaderId::kContentLength) continue;
    if (sets_cookie && header.id == HeaderId::kCacheControl) continue;
    if (names_headers && is_named_by_connection(head, header)) continue;
    append_header(out, header.name, header.value);
  }
  if (!facts.session_cookie.empty()) append_header(out, "Set-Cookie", facts.session_cookie);
  if (sets_cookie) out += "Cache-Control: private\r\n";
  if (facts.framing == http::Framing::kChunked) out += "Transfer-Encoding: chunked\r\n";
  if (head.status == 101) {
    append_header(out, "Upgrade", head.upgrade);
    out += "Connection: Upgrade\r\n";
  } else if (facts.connection == Connection::kClose) {
    out += "Connection: close\r\n";
  } else if (facts.client_minor_version == 0) {
    out += "Connection: keep-alive\r\n";
  }
  out += "\r\n";
}

}  // namespace thaw::gateway
