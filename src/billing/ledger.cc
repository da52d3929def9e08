#include "billing/ledger.h"

namespace thaw::billing {

Status SqliteLedger::keep(const Batch& batch) {
  ASSIGN_OR_RETURN(store::Transaction transaction, database_.begin());
  ASSIGN_OR_RETURN(const int64_t last, last_batch());
  if (batch.number <= last) return {};  // its acknowledgement was lost, not the batch
  for (const auto& [key, usage] : batch.added) {
    RETURN_IF_ERROR(add(key, Mode::kRequestBased, usage.request_based));
    RETURN_IF_ERROR(add(key, Mode::kInstanceBased, usage.instance_based));
  }
  RETURN_IF_ERROR(database_.query("UPDATE meter_batch SET last=?").bind(batch.number).run());
  return transaction.commit();
}

Status SqliteLedger::add(const UsageKey& key, Mode mode, const Amount& amount) {
  if (amount.empty()) return {};
  return database_
      .query(
          "INSERT INTO meter_usage VALUES(?,?,?,?,?,?,?,?) "
          "ON CONFLICT(service, revision, day, mode) DO UPDATE SET "
          "cpu_units=cpu_units+excluded.cpu_units, "
          "memory_units=memory_units+excluded.memory_units, "
          "billed_ms=billed_ms+excluded.billed_ms, requests=requests+excluded.requests")
      .bind(key.service.str())
      .bind(key.revision.str())
      .bind(key.day)
      .bind(static_cast<int64_t>(mode))
      .bind(amount.cpu)
      .bind(amount.memory)
      .bind(amount.billed_ms)
      .bind(amount.requests)
      .run();
}

Result<int64_t> SqliteLedger::last_batch() {
  store::Query query = database_.query("SELECT last FROM meter_batch");
  ASSIGN_OR_RETURN(const bool row, query.next());
  if (!row) {
    return Error(Code::kDataLoss, database_.path() + ": table meter_batch has lost its row");
  }
  return query.integer(0);
}

Result<Ledger::Kept> SqliteLedger::load() {
  Kept kept;
  ASSIGN_OR_RETURN(kept.last_batch, last_batch());
  store::Query query = database_.query(
      "SELECT service, revision, day, mode, cpu_units, memory_units, billed_ms, requests "
      "FROM meter_usage");
  while (true) {
    ASSIGN_OR_RETURN(const bool row, query.next());
    if (!row) return kept;
    const UsageKey key{ServiceId(std::string(query.text(0))),
                       RevisionId(std::string(query.text(1))), std::string(query.text(2))};
    const Mode mode = query.integer(3) == 0 ? Mode::kRequestBased : Mode::kInstanceBased;
    kept.usage[key].of(mode) =
        Amount{query.integer(4), query.integer(5), query.integer(6), query.integer(7)};
  }
}

}  // namespace thaw::billing
