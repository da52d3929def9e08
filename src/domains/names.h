// Names: the addresses of a host. A port: the real one asks the system's resolver on a worker.
//
// Thread: the loop's. Owner: outlives its lookups; dropping a Lookup gives up and no callback comes
// afterwards. Limits: the resolver's own time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"

namespace thaw::domains {

class Lookup {
 public:
  virtual ~Lookup() = default;
};

class Names {
 public:
  virtual ~Names() = default;
  /// At least one IP address, in the order in which to try them; kUnavailable when there is none.
  using OnFound = std::function<void(Result<std::vector<std::string>>)>;
  virtual std::unique_ptr<Lookup> find(const std::string& host, OnFound on_found) = 0;
};

}  // namespace thaw::domains
