#include "api/guard.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace thaw::api {
namespace {

/// "Demo.Localhost:8081" -> "demo.localhost", "[::1]:80" -> "[::1]".
std::string name_of(std::string_view host) {
  const size_t bracket = host.find(']');
  const size_t colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
  std::string name(host.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  });
  if (name.ends_with('.')) name.pop_back();
  return name;
}

/// Names that no public DNS can point here, and addresses.
bool is_local(const std::string& name) {
  if (name == "localhost" || name.ends_with(".localhost") || name.ends_with(".local")) return true;
  if (name.starts_with('[')) return true;
  return !name.empty() && name.find_first_not_of("0123456789.") == std::string::npos;
}

}  // namespace

Status admit(const http::Request& request) {
  if (const auto origin = request.headers.find("Origin"); origin && *origin != "null") {
    const size_t at = origin->find("://");
    const auto host = at == std::string_view::npos ? *origin : origin->substr(at + 3);
    if (!is_local(name_of(host))) {
      return Error(Code::kPermissionDenied, "Origin: '" + std::string(*origin) +
                                                "': web pages of other sites may not call this API");
    }
  } else if (origin) {
    return Error(Code::kPermissionDenied, "Origin: 'null': pages without a site may not call this API");
  }
  if (!is_local(name_of(request.host))) {
    return Error(Code::kPermissionDenied,
                 "Host: '" + request.host +
                     "': this API answers only to IP addresses, localhost, *.localhost and *.local");
  }
  return {};
}

}  // namespace thaw::api
