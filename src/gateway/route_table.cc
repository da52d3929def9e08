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

RouteTable::RouteTable(std::string base, std::vector<Route> routes) : base_(std::move(base)) {
  for (Route& route : routes) add(std::move(route));
}

void RouteTable::add(Route route) {
  std::string name = route.tag;
  if (!name.empty()) name += "---";
  name += route.service.str();
  name += '.';
  name += base_;
  const std::vector<Domain> domains = std::exchange(route.domains, {});
  for (const Domain& domain : domains) {
    Route mapped = route;
    mapped.https_port = domain.https_port;
    add(domain.name, std::move(mapped));
  }
  add(name, std::move(route));
}

void RouteTable::add(std::string_view host, Route route) {
  std::string name = normalize_host(host);
  names_[route.service].push_back(name);
  routes_.insert_or_assign(std::move(name), std::make_shared<const Route>(std::move(route)));
}

void RouteTable::set(const ServiceId& service, std::vector<Route> routes) {
  if (const auto old = names_.extract(service)) {
    for (const std::string& name : old.mapped()) {
      const auto found = routes_.find(name);
      // A domain may lead to another service by now.
      if (found != routes_.end() && found->second->service == service) routes_.erase(found);
    }
  }
  for (Route& route : routes) add(std::move(route));
}

std::shared_ptr<const Route> RouteTable::find(std::string_view host) const {
  const auto found = routes_.find(normalize_host(host));
  return found == routes_.end() ? nullptr : found->second;
}

std::vector<std::string> RouteTable::names(size_t limit) const {
  std::vector<std::string> names;
  for (const auto& [name, route] : routes_) {
    if (route->tag.empty()) names.push_back(name);
  }
  const auto kept = static_cast<ptrdiff_t>(std::min(limit, names.size()));
  std::partial_sort(names.begin(), names.begin() + kept, names.end());
  names.resize(static_cast<size_t>(kept));
  return names;
}

}  // namespace thaw::gateway
