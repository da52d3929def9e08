// RevisionCore: every decision about one revision's requests and instances.
//
// A state machine without I/O: it is told what happened and when, and answers what is to be done.
// The rules (contract 1.2-1.6, 2.2):
// - An instance never has more than containerConcurrency requests. A request is given a free
//   place at once, else it waits: callers are served in turn, each one's requests in order of
//   arrival (request_queue.h); each one that finds neither a free place nor one that a starting
//   instance will have starts an instance, up to the maximum. When too many wait, the newest of
//   the caller who waits with most is refused.
// - The maximum counts every instance whose process lives, stopping ones too. That never blocks
//   for good: a stopping instance is killed when its grace is over.
// - A request waits max(3.5 x mean start time, 10 s), counted from when the first instance was
//   ready: while a revision comes up from zero its requests wait as long as the startup probe
//   allows. No request waits past its deadline.
// - One whose liveness probe fails is killed, as if it had crashed; one whose readiness probe fails
//   gets no new requests until it passes. Neither is tried on a frozen instance (probe_watch.h).
// - When the last start failed and none is left, whoever waits is refused with the reason; while
//   the back-off lasts, newcomers are too, at once.
// - `scale_to_zero_after` after the last request, or after an unused first start was ready, all
//   instances beyond the minimum stop; fewer because of less load is the autoscaler's decision.
//   With `keep_warm` each is kept while it is worth it, and started before it is asked for.
// - A frozen instance goes further down the ladder when it is told to (event::Descend): which one
//   and when is scaling/ladder.h's, for all revisions together. Never below the minimum.
// - With request-based CPU an instance without a request is frozen after `freeze_after`, and
//   thawed before it is given the next one or told to stop (contract 1.5).
//   A busy surplus instance gets no new requests and stops when it is done; it is called back
//   before another one is started.
//
// **Thread**: the loop's. **Owner**: a value without references. **Limits**: Options.
#pragma once

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "scaling/autoscaler.h"
#include "scaling/cpu_meter.h"
#include "scaling/keep_warm.h"
#include "scaling/windows.h"
#include "serving/crash_backoff.h"
#include "serving/request_queue.h"
#include "serving/revision_config.h"
#include "serving/revision_core_types.h"
#include "serving/start_times.h"
#include "serving/words.h"

namespace thaw::serving {

class RevisionCore {
 public:
  struct Options {
    int longest_queue = 10'000;
    Duration shortest_queue_time = seconds(10);
    Duration stop_grace = seconds(10);
    Duration slow_start = seconds(3);
    /// From an instance's last answer until it is frozen, if it is billed by request. 0: Cloud
    /// Run's rule, CPU only while a request is in it.
    Duration freeze_after = milliseconds(100);
    scaling::AutoscalerOptions autoscaler;
    /// Instead of scale_to_zero_after: learned from the gaps between requests, also what is
    /// started before it is asked for. Not for a revision with an idle time of its own.
    std::optional<scaling::KeepWarmOptions> keep_warm = {};
    uint64_t seed = 1;  // of the choice between two instances
  };
  /// A request whose connection broke waits so long to learn how its instance ended.
  static constexpr Duration kExplainWithin = std::chrono::seconds(1);
  /// After its start an instance keeps the CPU for it so long (contract 1.3).
  static constexpr Duration kBoostAfterStart = std::chrono::seconds(10);
  /// An instance that broke a connection may be dying: so long it gets no new request.
  static constexpr Duration kSuspectFor = std::chrono::milliseconds(100);

  RevisionCore(const RevisionConfig& config, const Options& options, Instant now);

  /// `now` never goes back. The actions are to be done in their order, and live until the next
  /// call.
  const std::vector<Action>& on_event(Instant now, const Event& event);

  /// When it wants event::Wake; Instant::max() when never. May be early, is never late.
  Instant wake_at() const { return wake_at_; }
  /// Whether the next Wake is to be told first what CPU was used.
  bool wants_cpu(Instant now) const {
    return next_tick_ && *next_tick_ <= now && options_.autoscaler.cpu_utilization > 0 &&
           config_.workload == Workload::kRequests;
  }
  /// Retired or shut down, and nothing is left.
  bool finished() const;
  bool retiring() const { return mode_ != Mode::kServing; }

  /// Instances whose process lives.
  int living() const { return starting_ + count(ready_) + draining_ + stopping_; }
  int starting() const { return starting_; }
  int waiting() const { return queue_.size(); }
  /// One more could be started for a next request.
  bool may_grow() const { return mode_ == Mode::kServing && living() < config_.max_instances; }
  const RevisionConfig& config() const { return config_; }
  struct View {
    InstanceState state;
    int in_flight;
    Temperature temperature = Temperature::kHot;
  };
  /// nullopt: it has ended.
  std::optional<View> view(InstanceKey key) const;
  /// Those that a policy may send further down: frozen, and without a request.
  struct Idle {
    InstanceKey key;
    Instant since;
    bool hibernated;
    bool needed;  // by the minimum
  };
  void append_idle(std::vector<Idle>& to) const;
  /// What an idle instance costs, for the plans that keep_warm makes from now on.
  void set_resting(const scaling::Resting& resting) {
    if (keep_warm_) keep_warm_->rests(resting);
  }
  /// Until the next request that an idle instance is needed for, where that is known.
  std::optional<Duration> expected_gap(Instant now) const {
    return keep_warm_ ? keep_warm_->expected_gap(now) : std::nullopt;
  }
  const Options& options() const { return options_; }

 private:
  enum class Mode { kServing, kRetiring, kShuttingDown };
  struct Instance {
    enum class State { kFree, kStarting, kReady, kDraining, kStopping, kGone };
    State state = State::kFree;
    int in_flight = 0;
    int explaining = 0;  // requests that wait for its end
    bool executed = false;
    bool killed = false;
    bool was_ready = false;
    bool frozen = false;
    bool hibernated = false;  // and frozen
    bool just_woken = false;  // was hibernated, nothing was answered since
    bool unready = false;     // its readiness probe fails
    bool unhealthy = false;   // killed for its liveness probe
    Instant idle_from;        // kReady without a request
    Instant decided;
    Instant executed_at;
    Instant ready_at;
    Instant kill_at;
    Instant suspect_until;
    std::optional<Instant> boost_ends;          // while it has the CPU of its start
    std::optional<sandbox::ExitReport> report;  // kGone
    std::optional<Words> end;                   // kGone, when it was not told to end
    std::optional<ProbeWatch> liveness;         // was_ready
    std::optional<ProbeWatch> readiness;
  };
  struct Explaining {
    RequestKey request;
    InstanceKey instance;
    Instant until;
  };

  template <class A>
  void want(A action) {
    actions_.emplace_back(std::in_place_type<A>, std::move(action));
  }

  // Events (revision_core.cc).
  void on(Instant now, const event::RequestArrived& event);
  void on(Instant now, const event::RequestLeft& event);
  void on(Instant now, const event::SlotReleased& event);
  void on(Instant now, const event::ConnectionBroke& event);
  void on(Instant now, const event::Executed& event);
  void on(Instant now, const event::ProbePassed& event);
  void on(Instant now, const event::ProbeFailed& event);
  void on(Instant now, const event::Checked& event);
  void on(Instant now, const event::Exited& event);
  void on(Instant now, const event::Configured& event);
  void on(Instant now, const event::CpuUsed& event) { cpu_.add(event.from, now, event.limits); }
  void on(Instant now, const event::Retired& event);
  void on(Instant now, const event::ShutDown& event);
  void on(Instant now, const event::Descend& event);
  void on(Instant now, const event::Wake& event);

  // Requests (revision_core.cc).
  std::optional<InstanceKey> pick(Instant now, std::optional<InstanceKey> preferred = {});
  bool has_place(InstanceKey key, Instant now) const;
  bool make_room(Instant now, CallerId newcomer);
  void give(Instant now, RequestKey request, InstanceKey key, action::GiveSlot::Waited waited);
  void dispatch(Instant now);
  void take_back(Instant now, InstanceKey key);
  void change_load(Instant now, int by);
  void refuse(RequestKey request, Refusal refusal);
  void refuse_all(Instant now, const Refusal& refusal);
  void refuse_overdue(Instant now);
  void refuse_hopeless(Instant now);
  std::optional<Refusal> hopeless(Instant now) const;
  void explain(Instant now);
  std::optional<Instant> patience_ends() const;

  // Instances (revision_core_instances.cc).
  void rest(Instant now, InstanceKey key);
  void thaw(InstanceKey key);
  static Temperature temperature(const Instance& instance);
  void freeze_idle(Instant now);
  void end_boosts(Instant now);
  bool could_freeze(const Instance& instance, Instant now) const;
  void start(Instant now, Instant requested, std::string_view why);
  void stop(Instant now, InstanceKey key, std::string_view why);
  void drain(Instant now, InstanceKey key, std::string_view why);
  void drain_all(Instant now, std::string_view why);
  bool call_back_one();
  void leave_ready(InstanceKey key);
  void start_failed(Instant now, InstanceKey key, const Words& words);
  void crashed(Instant now, InstanceKey key, const Words& words);
  void tell_failure(InstanceKey key, const Words& words);
  void forget_if_done(InstanceKey key);
  Duration longest_ready(Instant now) const;
  void declare(RevisionState::Ready ready, const Words* words);

  // Probes (revision_core_health.cc).
  void watch_health(Instant now, InstanceKey key);
  void check_health(Instant now);
  void look_at(Instant now, InstanceKey key, Health health);
  static std::optional<ProbeWatch>& watch(Instance& instance, Health health);
  static Instant next_check(const Instance& instance);
  static bool is_calm(const Instance& instance);
  void fails_liveness(Instant now, InstanceKey key, std::string_view why);
  void set_unready(Instance& instance, bool unready);

  // Scale (revision_core_instances.cc).
  void settle(Instant now);
  void start_for_waiting(Instant now);
  void keep_minimum(Instant now);
  void scale(Instant now);
  void apply(Instant now, int desired);
  void go_idle(Instant now);
  bool keeps_warm() const;
  int worth_keeping(Instant now) const;
  void expect(Instant now);
  void plan_wake(Instant now);
  bool ticks_in_peace(Instant now);
  /// For anything but next_tick_.
  void want_wake(Instant at) {
    others_at_ = std::min(others_at_, at);
    wake_at_ = std::min(wake_at_, at);
  }
  bool may_start(Instant now) const;
  int minimum() const;
  int usable() const { return starting_ + count(ready_); }
  int needed_for(int requests) const;
  int suspect_places(Instant now) const;
  Duration idle_after() const;
  static int count(const std::vector<InstanceKey>& keys) { return static_cast<int>(keys.size()); }

  RevisionConfig config_;
  Options options_;
  Mode mode_ = Mode::kServing;
  bool configured_ = false;

  std::vector<Instance> instances_;
  std::vector<InstanceKey> free_keys_;
  std::vector<InstanceKey> ready_;  // may get requests; the longest ready first
  int unready_ = 0;                 // of ready_
  int starting_ = 0;
  int draining_ = 0;
  int stopping_ = 0;
  int ready_in_flight_ = 0;  // on those of ready_

  RequestQueue queue_;
  std::vector<Explaining> explaining_;
  int load_ = 0;                       // requests in living instances or waiting
  int peak_load_ = 0;                  // since the last evaluation
  std::optional<Instant> idle_since_;  // set while there is something to stop for idleness
  Instant warm_since_;                 // when ready_ was last empty

  scaling::ConcurrencyMeter meter_;
  std::optional<scaling::RateMeter> rate_;  // when requests a second are the metric
  scaling::CpuMeter cpu_;
  scaling::Autoscaler autoscaler_;
  std::optional<scaling::KeepWarm> keep_warm_;
  std::optional<Instant> next_tick_;
  StartTimes start_times_;
  CrashBackoff backoff_;
  std::optional<Words> last_failure_;

  RevisionState declared_;
  bool declared_slow_or_failed_ = false;  // a good start takes the message back
  uint64_t random_;
  Instant others_at_ = Instant::max();  // when more than next_tick_ is due; may be early
  Instant wake_at_ = Instant::max();
  std::vector<Action> actions_;
};

}  // namespace thaw::serving
