// Serving: each revision's queue and instance pool; the one place that hands out slots.
//
// The rim around RevisionCore (revision_core.h), which decides everything; this class carries the
// decisions out through the sandbox, the prober and the timers, and tells an Observer. It knows
// revisions, not services: which revision a request goes to is the gateway's route table, which
// revisions exist is control's.
//
// **Thread**: the loop's; no callback of SlotWaiter or Observer comes inside a call made here.
// **Owner**: the ports, the sandbox and the observer outlive it; slots and waits do not.
// **Limits**: Options::longest_queue requests wait per revision, then the newest of the caller who
// waits with most is told kQueueFull (429).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "base/time.h"
#include "io/clock.h"
#include "io/entropy.h"
#include "io/timers.h"
#include "sandbox/sandbox.h"
#include "scaling/autoscaler.h"
#include "scaling/keep_warm.h"
#include "scaling/ladder.h"
#include "serving/caller_id.h"
#include "serving/events.h"
#include "serving/prober.h"
#include "serving/refusal.h"
#include "serving/revision_config.h"

namespace thaw::serving {

class Serving;

/// The right to send one request to one instance. Dropping it gives the place back.
class [[nodiscard]] Slot {
 public:
  Slot(Slot&& other) noexcept;
  Slot& operator=(Slot&& other) noexcept;
  ~Slot();

  const InstanceId& instance() const;
  const io::SocketAddress& address() const;
  /// True when this request waited for the instance's start.
  bool waited_for_start() const;
  /// The rung that this request woke its instance from: "cold", "template", "frozen"...; empty
  /// when it was hot, or became so for another request.
  std::string_view woken_from() const;
  /// The gateway saw the first byte of the answer: completes the waterfall of a start that this
  /// request waited for.
  void first_byte();

 private:
  friend class Serving;
  Slot(Serving& owner, uint64_t request);
  Serving* owner_;
  uint64_t request_;
};

/// A request's place in the queue. Dropping it leaves the queue; nothing is called any more.
class [[nodiscard]] Wait {
 public:
  Wait() = default;
  Wait(Wait&& other) noexcept;
  Wait& operator=(Wait&& other) noexcept;
  ~Wait();

 private:
  friend class Serving;
  Wait(Serving& owner, uint64_t request);
  Serving* owner_ = nullptr;
  uint64_t request_ = 0;
};

/// Exactly one of the two is called once, unless the Wait was dropped before.
class SlotWaiter {
 public:
  virtual void on_slot(Slot slot) = 0;
  virtual void on_refused(const Refusal& refusal) = 0;

 protected:
  ~SlotWaiter() = default;
};

/// A request that wants a slot.
struct Arrival {
  const RevisionId& revision;
  Instant deadline;                       // when the request's timeout ends
  CallerId caller = {};                   // who waits in turn with others
  const InstanceId* preferred = nullptr;  // the instance it gets if that has a place at once
};

/// What acquire() answers at once: a slot, a refusal, or a place in the queue.
using Acquired = std::variant<Slot, Refusal, Wait>;

class Serving {
 public:
  struct Options {
    int longest_queue = 10'000;                  // requests, per revision
    Duration shortest_queue_time = seconds(10);  // contract 1.6: max(3.5 x mean start, 10 s)
    Duration stop_grace = seconds(10);           // SIGTERM to SIGKILL
    Duration slow_start = seconds(3);            // a start that takes longer is warned of
    Duration freeze_after = milliseconds(100);   // without a request, billed by request: no CPU
    scaling::AutoscalerOptions autoscaler;       // the defaults that revisions may override
    std::optional<scaling::KeepWarmOptions> keep_warm = {};  // instead of one idle time for all
    scaling::LadderOptions ladder;                           // for all revisions together
  };

  Serving(io::Clock& clock, io::Timers& timers, io::Entropy& entropy, sandbox::Sandbox& sandbox,
          Prober& prober, Observer& observer, const Options& options);
  ~Serving();

  /// Adds the revision or replaces what may change of it (scale bounds, reachability). When
  /// config.initial_instances > 0 it is started at once and Observer::on_revision_state tells how
  /// that went.
  void set_revision(const RevisionConfig& config);
  /// What an earlier run knew of a revision that will be set.
  void set_prices(const RevisionId& revision, const scaling::PriceList& prices);
  /// What its rungs cost, as far as seen; null for one that is not set.
  const scaling::PriceList* prices(const RevisionId& revision) const;
  /// No new requests; instances finish what they have and stop, and what was kept of it over
  /// restarts goes. Unknown ids are ignored.
  void retire_revision(const RevisionId& revision);

  /// `waiter` outlives the returned Wait.
  Acquired acquire(const Arrival& arrival, SlotWaiter& waiter);
  /// After the connection of `slot` broke without an answer: waits (at most 1 s) until it is known
  /// how the instance ended and refuses with that. Never gives a slot.
  Wait explain(Slot slot, SlotWaiter& waiter);

  std::vector<InstanceStatus> instances() const;
  struct QueueStatus {
    ServiceId service;
    RevisionId revision;
    int waiting = 0;  // requests
  };
  std::vector<QueueStatus> queues() const;
  std::vector<InstanceStatus> instances(const RevisionId& revision) const;
  sandbox::TemplateState template_state(const RevisionId& revision) const;
  /// Stops everything; `done` runs once no instance is left. Waiting requests are refused.
  void shut_down(std::function<void()> done);

 private:
  friend class Slot;
  friend class Wait;
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace thaw::serving
