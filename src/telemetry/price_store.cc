#include "telemetry/price_store.h"

namespace thaw::telemetry {

Result<std::vector<PriceStore::Row>> PriceStore::load() {
  std::vector<Row> rows;
  store::Query query =
      database_.query("SELECT revision, service, prices, updated FROM rung_prices");
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, query.next());
    if (!more) return rows;
    rows.push_back({RevisionId(std::string(query.text(0))), ServiceId(std::string(query.text(1))),
                    std::string(query.text(2)), std::string(query.text(3))});
  }
}

Status PriceStore::save(const std::vector<Row>& rows) {
  ASSIGN_OR_RETURN(store::Transaction transaction, database_.begin());
  for (const Row& row : rows) {
    RETURN_IF_ERROR(database_.query("INSERT OR REPLACE INTO rung_prices VALUES(?, ?, ?, ?)")
                        .bind(row.revision.str())
                        .bind(row.service.str())
                        .bind(row.prices)
                        .bind(row.updated)
                        .run());
  }
  RETURN_IF_ERROR(database_
                      .query("DELETE FROM rung_prices WHERE revision IN (SELECT revision FROM "
                             "rung_prices ORDER BY updated DESC, revision LIMIT -1 OFFSET ?)")
                      .bind(int64_t{kMost})
                      .run());
  return transaction.commit();
}

Status PriceStore::remove(const ServiceId& service) {
  return database_.query("DELETE FROM rung_prices WHERE service = ?").bind(service.str()).run();
}

}  // namespace thaw::telemetry
