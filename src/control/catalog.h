// Catalog: where services and revisions are kept. The seam between Controller and a database.
//
// SqliteCatalog (sqlite_catalog.h) is the real one; the simulator and tests may have their own.
// **Thread**: the controller's loop; calls may block for a disk's flush.
// **Owner**: outlives its Controller. **Limits**: none of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "control/revision.h"
#include "spec/service.h"

namespace thaw::control {

/// What is kept of a service. `service.status` holds only the conditions.
struct ServiceRecord {
  spec::Service service;
  int64_t next_revision_number = 1;
};

/// One change, kept wholly or not at all.
struct Change {
  enum class Writes { kUpdate, kNewService };
  /// kNewService: whatever is kept under the service's name is dropped first.
  Writes writes = Writes::kUpdate;
  std::optional<ServiceRecord> put_service;
  std::vector<Revision> put_revisions;
  std::vector<RevisionId> drop_revisions;
  std::optional<ServiceId> drop_service;  // with all its revisions
};

struct Contents {
  std::vector<ServiceRecord> services;
  std::vector<Revision> revisions;
  /// One sentence for each service or revision that cannot be read; it stays where it is.
  std::vector<std::string> unreadable;
};

class Catalog {
 public:
  virtual ~Catalog() = default;
  /// After OK the change survives kill -9 and power loss; after an error nothing of it is kept.
  virtual Status commit(const Change& change) = 0;
  virtual Result<Contents> load() = 0;
};

}  // namespace thaw::control
