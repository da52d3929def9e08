#include "store/migrate.h"

#include <fmt/format.h>

#include <string>

#include "base/check.h"

namespace thaw::store {
namespace {

Result<int64_t> newest_step(Database& database) {
  Query exists = database.query(
      "SELECT count(*) FROM sqlite_schema WHERE type='table' AND name='schema_migrations'");
  ASSIGN_OR_RETURN(const bool row, exists.next());
  if (!row || exists.integer(0) == 0) return 0;
  Query newest = database.query("SELECT coalesce(max(number), 0) FROM schema_migrations");
  ASSIGN_OR_RETURN(const bool found, newest.next());
  return found ? newest.integer(0) : 0;
}

Status apply(Database& database, const Migration& step, std::string_view wall_time) {
  ASSIGN_OR_RETURN(Transaction transaction, database.begin());
  RETURN_IF_ERROR(database.execute(
      "CREATE TABLE IF NOT EXISTS schema_migrations("
      "number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied TEXT NOT NULL) STRICT"));
  RETURN_IF_ERROR(database.execute(step.sql));
  RETURN_IF_ERROR(database.query("INSERT INTO schema_migrations VALUES(?,?,?)")
                      .bind(int64_t{step.number})
                      .bind(step.name)
                      .bind(wall_time)
                      .run());
  return transaction.commit();
}

}  // namespace

Status migrate(Database& database, std::span<const Migration> table, std::string_view wall_time) {
  for (size_t i = 0; i < table.size(); ++i) {
    CHECK(table[i].number == static_cast<int>(i) + 1, "migrations are numbered without gaps");
  }
  ASSIGN_OR_RETURN(const int64_t newest, newest_step(database));
  if (newest > static_cast<int64_t>(table.size())) {
    return Error(Code::kFailedPrecondition,
                 fmt::format("{}: was written by a newer version (schema {}, this program knows "
                             "{}); nothing was changed, run the newer program",
                             database.path(), newest, table.size()));
  }
  for (const Migration& step : table.subspan(static_cast<size_t>(newest))) {
    if (auto done = apply(database, step, wall_time); !done) {
      return std::move(done).error().with_context(
          fmt::format("schema step {} ({})", step.number, step.name));
    }
  }
  return {};
}

}  // namespace thaw::store
