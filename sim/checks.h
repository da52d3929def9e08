// Checks: what serving promises, held against what the containers and the callers saw.
//
// Never more requests in a container than its concurrency, never more containers than the
// maximum, no request in a frozen container and no idle one with CPU, no request in one whose
// readiness probe fails and no life for one whose liveness probe does, only a frozen one hibernates
// and it is told once of its wake, zero when the idle time is
// over, and a bill that equals the time in which containers started, served and stopped, computed
// here from the list of all of these in another way. That each request is answered exactly once is
// checked by caller.h.
//
// **Thread**: one. **Owner**: loop and journal outlive it. **Limits**: none.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "behaviour.h"
#include "journal.h"
#include "sandbox/sandbox.h"
#include "serving/events.h"
#include "serving/revision_config.h"
#include "serving/revision_core_types.h"
#include "sim_loop.h"

namespace thaw::sim {

class Checks {
 public:
  Checks(SimLoop& loop, Journal& journal, Duration idle_before_zero)
      : loop_(loop), journal_(journal), idle_(idle_before_zero) {}

  /// Instead of the constructor's, before anything happens.
  void set_idle(Duration before_zero) { idle_ = before_zero; }

  /// What serving was told of a revision.
  void promised(const serving::RevisionConfig& config);
  void retired(const RevisionId& revision);

  // A container's life.
  void started(const InstanceId& id, const RevisionId& revision);
  void executed(const InstanceId& id);
  void ready(const InstanceId& id);
  void frozen(const InstanceId& id);
  void thawed(const InstanceId& id);
  void hibernated(const InstanceId& id);
  void wake_served(const InstanceId& id);
  void told_to_stop(const InstanceId& id);
  /// A try of its liveness or readiness probe begins, and what it answers.
  void check_begins(const InstanceId& id);
  void checked(const InstanceId& id, serving::Health health, CheckFate fate);
  void check_dropped(const InstanceId& id) { --lives_.at(id).checks; }
  /// After serving heard it: one whose liveness probe fails is being killed.
  void must_be_dying(const InstanceId& id) const;
  void died(const InstanceId& id, sandbox::ExitReport::Kind kind);
  void ended(const InstanceId& id);
  /// The platform was killed: what lived is gone and its bill may be short.
  void platform_killed();

  // Requests.
  void load(const RevisionId& revision, int change);
  void takes(const InstanceId& id);
  void gives_back(const InstanceId& id, Instant since);
  /// nullopt: it lives. `reported`: as far as serving can know.
  std::optional<sandbox::ExitReport::Kind> how_it_died(const InstanceId& id) const;
  std::optional<sandbox::ExitReport::Kind> reported(const InstanceId& id) const;

  // What serving says.
  void billed(const serving::BillableSpan& span);
  void told_gone(const InstanceId& id);
  void told_start(const serving::StartRecord& record);

  /// At the very end: all bills.
  void settle();
  int living(const RevisionId& revision) const;

 private:
  struct Life {
    RevisionId revision;
    serving::CpuAllocation cpu = serving::CpuAllocation::kRequestBased;
    Instant started;
    std::optional<Instant> ready;
    std::optional<Instant> told_to_stop;
    std::optional<Instant> ended;
    std::optional<sandbox::ExitReport::Kind> kind;
    std::vector<std::pair<Instant, Instant>> requests;
    int in_flight = 0;
    bool frozen = false;
    struct Probed {
      int in_a_row = 0;  // answers that contradict `fails`
      bool fails = false;
      Instant since;
    };
    std::array<Probed, 2> probed;  // by serving::Health
    int checks = 0;                // under way
    enum class Memory { kHere, kHibernated, kWoken } memory = Memory::kHere;
    Duration billed{0};
    bool exempt = false;
  };
  struct Promise {
    serving::RevisionConfig config;
    bool retired = false;
    std::set<InstanceId> living;
    int load = 0;
    Instant quiet_since;
    io::Timer zero_timer;
  };
  void watch_for_zero(Promise& promise);
  void expect_zero(Promise& promise);
  static bool is_calm(const Life& life);
  static Duration owed(const Life& life);

  SimLoop& loop_;
  Journal& journal_;
  Duration idle_;
  std::map<InstanceId, Life> lives_;
  std::map<RevisionId, Promise> promises_;
};

}  // namespace thaw::sim
