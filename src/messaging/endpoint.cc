#include "messaging/endpoint.h"
#include "http/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace thaw::messaging {

std::string Endpoint::authority() const {
  return port == 80 ? host : fmt::format("{}:{}", host, port);
}

Result<Endpoint> parse_endpoint(std::string_view url, uint16_t default_port) {
  const auto fault = [&](std::string_view what) {
    return Error(Code::kInvalidArgument,
                 fmt::format("pushConfig.pushEndpoint: '{:.200}' {}", url, what));
  };
  if (url.starts_with("https://")) {
    return fault("is an https:// URL; Thaw pushes to http:// endpoints only");
  }
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) return fault("is no http:// URL");
  std::string_view rest = url.substr(kScheme.size());
  const bool has_controls = std::any_of(rest.begin(), rest.end(), [](char c) {
    return static_cast<unsigned char>(c) <= ' ' || c == '\x7f' || c == '#';
  });
  if (has_controls) return fault("has a blank, a control character or a #");
  const size_t end = std::min(rest.find_first_of("/?"), rest.size());
  std::string_view authority = rest.substr(0, end);
  Endpoint endpoint;
  endpoint.port = default_port;
  if (end < rest.size()) endpoint.target = rest.substr(end);
  if (endpoint.target[0] == '?') endpoint.target.insert(0, "/");
  if (authority.find('@') != std::string_view::npos) return fault("has a user name");
  const size_t bracket = authority.rfind(']');
  const size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    const std::string_view port = authority.substr(colon + 1);
    const auto [stop, error] =
        std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
    if (error != std::errc() || stop != port.data() + port.size() || endpoint.port == 0) {
      return fault("has a port that is none");
    }
    authority = authority.substr(0, colon);
  }
  if (authority.empty()) return fault("has no host");
  endpoint.host = http::lower_case(authority);
  return endpoint;
}

}  // namespace thaw::messaging
