// Routes: which host name leads to which revisions, in which shares. What the gateway must know.
//
// **Thread**: any. **Owner**: values. **Limits**: none of its own.
#pragma once

#include <string>
#include <vector>

#include "base/id.h"

namespace thaw::control {

struct Share {
  RevisionId revision;
  int percent = 0;  // 1..100

  bool operator==(const Share&) const = default;
};

/// One host name: `SERVICE.DOMAIN`, or `TAG---SERVICE.DOMAIN` when `tag` is not empty.
struct Route {
  ServiceId service;
  std::string tag;
  /// Percents sum to 100. Empty: the service is known but no revision of it is ready yet.
  std::vector<Share> shares;

  bool operator==(const Route&) const = default;
};

/// Sorted by service and tag.
using Routes = std::vector<Route>;

}  // namespace thaw::control
