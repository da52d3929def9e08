// Ledger: where billed usage is kept, per service, revision, day and mode.
//
// SqliteLedger is the real one (tables meter_usage and meter_batch); tests and the simulator may
// have their own.
// **Thread**: load() before the first keep(); keep() on the worker's thread, one at a time.
// **Owner**: outlives its Meter. **Limits**: none of its own.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "base/result.h"
#include "billing/usage.h"
#include "store/database.h"

namespace thaw::billing {

struct UsageKey {
  ServiceId service;
  RevisionId revision;
  std::string day;  // "2026-11-23", UTC

  auto operator<=>(const UsageKey&) const = default;
};
using UsageTable = std::map<UsageKey, Usage>;

/// Amounts to be added. Numbers grow by one; a batch that was kept already is not added again, so
/// a batch whose fate is unknown may be given again.
struct Batch {
  int64_t number = 0;
  UsageTable added;
};

class Ledger {
 public:
  virtual ~Ledger() = default;
  /// After OK it survives kill -9 and power loss; after an error it was kept wholly or not at all.
  virtual Status keep(const Batch& batch) = 0;
  struct Kept {
    UsageTable usage;
    int64_t last_batch = 0;
  };
  virtual Result<Kept> load() = 0;
};

class SqliteLedger : public Ledger {
 public:
  /// `database`: opened by store::open_state and used by nobody else from the first keep() on.
  explicit SqliteLedger(store::Database& database) : database_(database) {}

  Status keep(const Batch& batch) override;
  Result<Kept> load() override;

 private:
  Status add(const UsageKey& key, Mode mode, const Amount& amount);
  Result<int64_t> last_batch();

  store::Database& database_;
};

}  // namespace thaw::billing
