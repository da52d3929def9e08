// Catalog: which domain leads to which service, and what came of its last certificate order; kept
// in the state database.
//
// Thread: the loop's. Owner: the database outlives it. Limits: none of its own.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "store/database.h"

namespace thaw::domains {

struct Mapping {
  std::string domain;  // in small letters
  std::string service;
  WallTime created{};
  // Of its certificate by ACME:
  bool automatic = true;  // false: none is asked for
  std::string trouble;    // why the last attempt failed; "" when it did not
  int failures = 0;       // in a row
  WallTime retry_at{};    // after a failure
};

class Catalog {
 public:
  explicit Catalog(store::Database& database) : database_(database) {}

  /// Sorted by domain. A row that cannot be read is kDataLoss.
  Result<std::vector<Mapping>> load();
  Status put(const Mapping& mapping);
  Status remove(const std::string& domain);

 private:
  store::Database& database_;
};

}  // namespace thaw::domains
