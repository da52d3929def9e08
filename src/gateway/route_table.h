// RouteTable: which host name leads to which revisions, in which shares. Pure.
//
// Names are `SERVICE.BASE` and `TAG---SERVICE.BASE`, and domains that are mapped to a service,
// compared without case, port and trailing dot.
// Thread: any. Owner: a value; a route that was found lives as long as it is held, whatever becomes
// of the table. Limits: none of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/id.h"
#include "base/time.h"

namespace thaw::gateway {

/// What an instance speaks on its port.
enum class Protocol { kHttp1, kH2c };

/// Whether a client that comes again goes to the instance it had, where that can be.
enum class Affinity { kNone, kSession };

struct Target {
  RevisionId revision;
  int percent = 100;                // 0..100
  Duration timeout = seconds(300);  // of a request, from its arrival
  Protocol protocol = Protocol::kHttp1;
  Affinity affinity = Affinity::kNone;
};

/// A name of one's own that leads to a service.
struct Domain {
  std::string name;
  uint16_t https_port = 0;  // where requests without TLS are sent to; 0: they are served
};

struct Route {
  ServiceId service;
  std::string tag;              // empty: the service's own name
  std::vector<Target> targets;  // percents sum to 100; empty: no revision is ready
  std::vector<Domain> domains = {};
  uint16_t https_port = 0;  // in a table: of the name that was asked for

  /// The target for a request, by its share; null when there is none. `random`: uniform.
  const Target* choose(uint64_t random) const;
  bool has_affinity() const;
};

class RouteTable {
 public:
  RouteTable() = default;
  /// `base`: "localhost" or a domain of one's own.
  explicit RouteTable(std::string base, std::vector<Route> routes = {});

  /// All routes of one service, instead of those it had; none: it is gone.
  void set(const ServiceId& service, std::vector<Route> routes);
  /// Null when no service has that name. `host` as the client sent it.
  std::shared_ptr<const Route> find(std::string_view host) const;
  /// The host names without tags, sorted, at most `limit`.
  std::vector<std::string> names(size_t limit) const;

 private:
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  void add(Route route);
  void add(std::string_view host, Route route);

  std::string base_;
  std::unordered_map<std::string, std::shared_ptr<const Route>, Hash, std::equal_to<>> routes_;
  std::unordered_map<ServiceId, std::vector<std::string>> names_;  // of each service
};

/// Lower case, without port and trailing dot: "Demo.LOCALHOST.:8080" -> "demo.localhost".
std::string normalize_host(std::string_view host);

}  // namespace thaw::gateway
