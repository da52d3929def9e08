#include "gateway/route_table.h"

#include <algorithm>
#include <utility>

namespace thaw::gateway {

std::string normalize_host(std::string_view host) {
  const size_t bracket = host.rfind(']');  // of an IPv6 address, which has colons of its own
  const size_t colon = host.rfind(':');
  const bool has_port = colon != host.npos && (bracket == host.npos || colon > bracket);
  if (has_port) host = host.substr(0, colon);
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  std::string result(host);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
  return result;
}

const Target* Route::choose(uint64_t random) const {
  if (targets.empty()) return nullptr;
  if (targets.size() == 1) return &targets.front();
  auto left = static_cast<int>(random % 100);
  for (const Target& target : targets) {
    left -= target.percent;
    if (left < 0) return &target;
  }
  return nullptr;  // shares of less than 100 %: the rest leads nowhere
}

bool Route::has_affinity() const {
  return std::any_of(targets.begin(), targets.end(),
                     [](const Target& target) { return target.affinity == Affinity::kSession; });
}

RouteTable::RouteTable(std::string_view base, std::vector<Route> routes) {
  for (Route& route : routes) {
    std::string name = route.tag;
    if (!name.empty()) name += "---";
    name += route.service.str();
    name += '.';
    name += base;
    const std::vector<Domain> domains = std::exchange(route.domains, {});
    for (const Domain& domain : domains) {
      Route mapped = route;
      mapped.https_port = domain.https_port;
      routes_.insert_or_assign(normalize_host(domain.name), std::move(mapped));
    }
    routes_.insert_or_assign(normalize_host(name), std::move(route));
  }
}

const Route* RouteTable::find(std::string_view host) const {
  const auto found = routes_.find(normalize_host(host));
  return found == routes_.end() ? nullptr : &found->second;
}

std::vector<std::string> RouteTable::names(size_t limit) const {
  std::vector<std::string> names;
  for (const auto& [name, route] : routes_) {
    if (route.tag.empty()) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  if (names.size() > limit) names.resize(limit);
  return names;
}

}  // namespace thaw::gateway
