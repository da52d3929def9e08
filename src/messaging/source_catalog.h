// SourceCatalog: the sources that were made, in the state database.
//
// **Thread**: the loop's; a change blocks for one commit. **Owner**: the database outlives it.
// **Limits**: none of its own.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "messaging/source_config.h"
#include "store/database.h"

namespace thaw::messaging {

struct SourceRecord {
  SourceConfig config;
  std::string consumer;  // our name in the group
  std::string created;   // RFC 3339
};

class SourceCatalog {
 public:
  explicit SourceCatalog(store::Database& database) : database_(database) {}

  /// After OK it survives kill -9 and power loss.
  Status put(const SourceRecord& record);
  Status remove(const std::string& name);
  /// One that cannot be read stays where it is and is told in `unreadable`.
  Result<std::vector<SourceRecord>> load(std::vector<std::string>& unreadable);

 private:
  store::Database& database_;
};

}  // namespace thaw::messaging
