#include "api/guard.h"
#include "http/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

namespace thaw::api {
namespace {

/// "Demo.Localhost:8081" -> "demo.localhost", "[::1]:80" -> "[::1]".
std::string name_of(std::string_view host) {
  const size_t bracket = host.find(']');
  const size_t colon = host.find(':', bracket == std::string_view::npos ? 0 : bracket);
  std::string name = http::lower_case(host.substr(0, colon));
  if (name.ends_with('.')) name.pop_back();
  return name;
}

/// Four numbers with dots; "1.2.3.4.evil.example" is none.
bool is_ipv4(std::string_view name) {
  return std::count(name.begin(), name.end(), '.') == 3 &&
         name.find_first_not_of("0123456789.") == std::string_view::npos;
}

bool is_ipv6(std::string_view name) {
  return name.size() > 2 && name.starts_with('[') && name.ends_with(']') &&
         name.find_first_not_of("0123456789abcdef:.", 1) == name.size() - 1;
}

bool is_local(std::string_view name) {
  return name == "localhost" || name.ends_with(".localhost") || name.ends_with(".local") ||
         is_ipv4(name) || is_ipv6(name);
}

/// Google's own names, which nobody else can lead anywhere: signed URLs may have been made for
/// them.
bool is_storage_name(std::string_view name) {
  constexpr std::string_view kName = "storage.googleapis.com";
  return name == kName || (name.ends_with(kName) && name[name.size() - kName.size() - 1] == '.');
}

Error denied(std::string message) { return {Code::kPermissionDenied, std::move(message)}; }

}  // namespace

Status admit(const http::Request& request) {
  RETURN_IF_ERROR(admit_host(request));
  return admit_origin(request);
}

Status admit_host(const http::Request& request) {
  if (!is_local(name_of(request.host))) {
    return denied(
        fmt::format("Host: '{}': this API answers only to IP addresses, localhost, "
                    "*.localhost and *.local",
                    request.host));
  }
  return {};
}

Status admit_storage_host(const http::Request& request) {
  return is_storage_name(name_of(request.host)) ? Status() : admit_host(request);
}

Status admit_origin(const http::Request& request) {
  for (const auto& header : request.headers) {
    const std::string name = http::lower_case(header.name);
    if (name == "origin" &&
        http::lower_case(header.value) !=
            fmt::format("{}://{}", request.scheme(), http::lower_case(request.host))) {
      return denied(fmt::format("Origin: '{}': web pages of other sites may not call this API",
                                header.value));
    }
    if (name == "sec-fetch-site" && header.value != "same-origin" && header.value != "none") {
      return denied(fmt::format(
          "Sec-Fetch-Site: '{}': web pages of other sites may not call this API", header.value));
    }
  }
  return {};
}

}  // namespace thaw::api
