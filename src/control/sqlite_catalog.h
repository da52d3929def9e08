// SqliteCatalog: the Catalog in the state database; tables services and revisions.
//
// Templates and services are kept as the JSON of the API. **Thread**: the database's.
// **Owner**: the database outlives it. **Limits**: none of its own.
#pragma once

#include "control/catalog.h"
#include "store/database.h"

namespace thaw::control {

class SqliteCatalog : public Catalog {
 public:
  /// `database`: opened by store::open_state.
  explicit SqliteCatalog(store::Database& database) : database_(database) {}

  Status commit(const Change& change) override;
  Result<Contents> load() override;

 private:
  Status put(const ServiceRecord& record);
  Status put(const Revision& revision);
  Status drop(std::string_view sql, std::string_view name);

  store::Database& database_;
};

}  // namespace thaw::control
