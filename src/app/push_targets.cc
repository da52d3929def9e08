#include "app/push_targets.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <array>

namespace thaw::app {
namespace {

/// "127.0.0.1" or "::1" where that is what it says; "" for names.
std::string number_of(std::string_view host) {
  if (host == "localhost") return "127.0.0.1";
  std::string text(host);
  const bool is_v6 = text.starts_with('[') && text.ends_with(']');
  if (is_v6) text = text.substr(1, text.size() - 2);
  std::array<unsigned char, 16> bytes{};
  return inet_pton(is_v6 ? AF_INET6 : AF_INET, text.c_str(), bytes.data()) == 1 ? text : "";
}

/// Where a listener on every address is reached from here.
std::string reachable(const std::string& ip) {
  if (ip == "0.0.0.0") return "127.0.0.1";
  return ip == "::" ? "::1" : ip;
}

}  // namespace

Result<messaging::PushTargets::Target> PlatformTargets::find(
    const messaging::Endpoint& endpoint) const {
  if (endpoint.host.ends_with("." + base_domain_)) {
    return Target{{reachable(gateway_.ip), gateway_.port}, switchboard_.places_of(endpoint.host)};
  }
  const std::string number = number_of(endpoint.host);
  if (!number.empty()) return Target{{number, endpoint.port}, 0};
  return Error(Code::kInvalidArgument,
               fmt::format("pushConfig.pushEndpoint: '{}': is no service of this platform and no "
                           "IP address; other names are not looked up",
                           endpoint.host));
}

}  // namespace thaw::app
