#include "http/trailers.h"

#include <utility>

#include "base/check.h"
#include "http/body.h"
#include "http/header_id.h"
#include "http/text.h"

namespace thaw::http {

bool may_be_trailer(std::string_view name) {
  switch (header_id(name)) {
    case HeaderId::kConnection:
    case HeaderId::kContentLength:
    case HeaderId::kExpect:
    case HeaderId::kForwarded:
    case HeaderId::kHost:
    case HeaderId::kKeepAlive:
    case HeaderId::kProxyAuthenticate:
    case HeaderId::kProxyAuthorization:
    case HeaderId::kProxyConnection:
    case HeaderId::kSetCookie:
    case HeaderId::kTe:
    case HeaderId::kTrailer:
    case HeaderId::kTransferEncoding:
    case HeaderId::kUpgrade:
    case HeaderId::kXForwardedFor:
    case HeaderId::kXForwardedProto:
    case HeaderId::kXGoogle:
      return false;
    default:
      return !equals_ignoring_case(name, "authorization") &&
             !equals_ignoring_case(name, "x-serverless-authorization");
  }
}

std::optional<Headers> parse_trailers(std::string_view lines) {
  Headers trailers;
  while (!lines.empty()) {
    const size_t end = lines.find("\r\n");
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(end + 2);
    if (line.empty()) break;
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trim(line.substr(colon + 1));
    if (!is_token(name) || !is_field_value(value)) return std::nullopt;
    if (may_be_trailer(name)) trailers.add(std::string(name), std::string(value));
  }
  return trailers;
}

void append_last_chunk(std::string& out, const Headers& trailers) {
  out += "0\r\n";
  for (const Headers::Header& trailer : trailers) {
    if (!is_token(trailer.name) || !is_field_value(trailer.value)) {
      BUG("a trailer is malformed and was left out");
      continue;
    }
    out += trailer.name;
    out += ": ";
    out += trailer.value;
    out += "\r\n";
  }
  out += "\r\n";
}

}  // namespace thaw::http
