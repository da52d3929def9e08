// Migrations: the numbered steps that make and change the tables of a database.
//
// Each runs in a transaction of its own and is noted in schema_migrations, so that a crash in the
// middle leaves whole steps only. Never change a step that was released: add one.
// **Thread**: as Database. **Owner**: the table outlives the call. **Limits**: none.
#pragma once

#include <span>
#include <string_view>

#include "base/result.h"
#include "store/database.h"

namespace thaw::store {

struct Migration {
  int number;             // 1, 2, 3, ... without gaps
  std::string_view name;  // what it is for
  std::string_view sql;
};

/// Applies those that are missing. `wall_time` is noted beside each.
/// kFailedPrecondition: the database knows a step that the table does not: it was written by a
/// newer program. Nothing is changed then.
Status migrate(Database& database, std::span<const Migration> table, std::string_view wall_time);

}  // namespace thaw::store
