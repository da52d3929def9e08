// Meter: counts what is billed and keeps it in a Ledger within a second.
//
// What it tells (usage_of, total) is only what was kept: a reported second is never lost. Amounts
// wait at most Options::flush_after for their batch, which a worker writes off the loop; a batch
// that fails is given again, unchanged, until it is kept.
//
// **Thread**: the loop's. **Owner**: the ports and the ledger outlive it; so does any batch under
// way: call flush() and wait for `done` before dropping it.
// **Limits**: one row per revision and day is held in memory.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "billing/ledger.h"
#include "billing/usage.h"
#include "io/clock.h"
#include "io/timers.h"
#include "io/worker.h"

namespace thaw::billing {

class Meter {
 public:
  struct Options {
    Duration flush_after = seconds(0.5);
    Duration retry_after = seconds(1);
  };
  Meter(io::Clock& clock, io::Timers& timers, io::Worker& worker, Ledger& ledger, Options options);
  ~Meter();

  /// Reads what was kept. Call once, first.
  Status load();

  /// Spans of one instance come in the order of time. One that starts where the last one ended
  /// continues it: the two are rounded as one.
  void add(const Span& span);
  /// A request that was answered by an instance. Only request-based ones are priced.
  void add_request(const ServiceId& service, const RevisionId& revision, Mode mode);
  /// No more spans of it will come.
  void forget(const InstanceId& instance);

  /// Writes what waits; `done` runs once nothing is left, or with the first error.
  void flush(std::function<void(Status)> done);

  /// Kept so far, all time. `revision`: empty for all of the service.
  Usage usage_of(const ServiceId& service, const RevisionId& revision = {}) const;
  /// Of all services, of one month ("2026-11"), or of all time when `month` is empty.
  Usage total(std::string_view month = {}) const;
  const UsageTable& table() const { return kept_; }
  /// The calendar month of now, UTC.
  std::string month() const;

 private:
  struct Stretch {
    Instant end;
    Duration length{0};
    Mode mode = Mode::kRequestBased;
    int cpu_millis = 0;
    ByteCount memory;
  };
  struct Flight;  // shared with the worker's job

  void put(const ServiceId& service, const RevisionId& revision, Mode mode, const Amount& amount);
  const std::string& today();
  void plan(Duration delay);
  void start();
  void landed(const Status& status);
  void answer(const Status& status);

  io::Clock& clock_;
  io::Timers& timers_;
  io::Worker& worker_;
  Ledger& ledger_;
  Options options_;
  UsageTable kept_;
  UsageTable waiting_;
  std::map<InstanceId, Stretch> stretches_;
  int64_t last_batch_ = 0;
  std::string day_;                 // today's date, written once a day: each request needs it
  int64_t day_number_ = -1;         // since 1970
  std::shared_ptr<Flight> flight_;  // the batch being written, or to be written again
  enum class State { kIdle, kPlanned, kWriting };
  State state_ = State::kIdle;
  io::Timer timer_;
  std::vector<std::function<void(Status)>> flushers_;
};

}  // namespace thaw::billing
