// PriceStore: what each rung of the ladder costs a revision, kept across restarts.
//
// A text for each revision, which is scaling's to read; see docs/formats/state-database.md.
// **Thread**: one at a time, that of its database. **Owner**: the database outlives it.
// **Limits**: kMost revisions; the longest unchanged go first.
#pragma once

#include <string>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "store/database.h"

namespace thaw::telemetry {

class PriceStore {
 public:
  static constexpr int kMost = 5000;
  struct Row {
    RevisionId revision;
    ServiceId service;
    std::string prices;
    std::string updated;  // RFC 3339
  };

  explicit PriceStore(store::Database& database) : database_(database) {}

  Result<std::vector<Row>> load();
  /// All in one transaction; the row of a revision that is there is replaced.
  Status save(const std::vector<Row>& rows);
  Status remove(const ServiceId& service);

 private:
  store::Database& database_;
};

}  // namespace thaw::telemetry
