// RevisionCore: instances and scale. Events and requests: revision_core.cc.
#include <fmt/format.h>
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "serving/revision_core.h"

namespace thaw::serving {
namespace {

/// What a container that was told to stop may end with.
bool by_our_hand(sandbox::ExitReport::Kind kind) {
  return kind == sandbox::ExitReport::Kind::kStopped || kind == sandbox::ExitReport::Kind::kExited;
}

}  // namespace

// ---- an instance's life ----

void RevisionCore::start(Instant now, Instant requested, std::string_view why) {
  InstanceKey key = static_cast<InstanceKey>(instances_.size());
  if (free_keys_.empty()) {
    instances_.emplace_back();
  } else {
    key = free_keys_.back();
    free_keys_.pop_back();
    instances_[key] = Instance();
  }
  Instance& instance = instances_[key];
  instance.state = Instance::State::kStarting;
  instance.decided = now;
  ++starting_;
  want(action::StartInstance{key, requested});
  want(action::Tell{Severity::kInfo, key, fmt::format("Starting: {}.", why)});
}

void RevisionCore::on(Instant now, const event::Executed& event) {
  Instance& instance = instances_[event.instance];
  instance.executed = true;
  instance.executed_at = now;
  if (instance.state == Instance::State::kStarting) {
    want(action::StartProbe{event.instance});
  }
}

void RevisionCore::on(Instant now, const event::ProbePassed& event) {
  Instance& instance = instances_[event.instance];
  if (instance.state != Instance::State::kStarting) return;  // told to stop meanwhile
  instance.state = Instance::State::kReady;
  instance.was_ready = true;
  instance.ready_at = now;
  --starting_;
  if (ready_.empty()) {
    warm_since_ = now;
    if (load_ == 0) idle_since_ = now;
  }
  ready_.push_back(event.instance);
  watch_health(now, event.instance);
  if (config_.instance.boost_millis > config_.instance.cpu_millis) {
    instance.boost_ends = now + kBoostAfterStart;
  }
  const Duration took = now - instance.decided;
  start_times_.add(took);
  if (keep_warm_) {
    keep_warm_->started(start_times_.mean());
    keep_warm_->came(now);
  }
  want(action::Tell{Severity::kInfo, event.instance,
                    fmt::format("Ready after {}.", format_duration(took))});
  const Duration listened_after = now - instance.executed_at;
  if (listened_after > options_.slow_start) {
    const Words late = listens_late(listened_after, config_.instance, config_.startup_probe);
    want(action::Tell{late.severity, event.instance, late.message()});
    declare(RevisionState::Ready::kTrue, &late);
    declared_slow_or_failed_ = true;
  } else if (declared_.ready != RevisionState::Ready::kTrue || declared_slow_or_failed_) {
    declare(RevisionState::Ready::kTrue, nullptr);
    declared_slow_or_failed_ = false;
  }
  if (load_ == 0 && !idle_since_) idle_since_ = now;
  rest(now, event.instance);
  settle(now);
}

void RevisionCore::on(Instant now, const event::ProbeFailed& event) {
  if (instances_[event.instance].state != Instance::State::kStarting) return;
  const Words words = never_listens(config_.instance, config_.startup_probe, event.why);
  start_failed(now, event.instance, words);
  stop(now, event.instance, "it never listened");
  settle(now);
}

void RevisionCore::on(Instant now, const event::Exited& event) {
  Instance& instance = instances_[event.instance];
  const Instance::State before = instance.state;
  CHECK(before != Instance::State::kFree && before != Instance::State::kGone);
  instance.report = *event.report;
  Ending ending;
  ending.phase = before == Instance::State::kStarting ? Phase::kStarting : Phase::kServing;
  ending.report = *event.report;
  ending.lived = instance.executed ? now - instance.executed_at : Duration(0);
  ending.last_stderr = event.last_stderr;
  switch (before) {
    case Instance::State::kStopping:
      --stopping_;
      if (instance.unhealthy) break;
      if (instance.was_ready) backoff_.went_well();
      if (by_our_hand(event.report->kind)) break;
      instance.end = ended(ending, config_.instance);  // it failed before, or while it stopped
      tell_failure(event.instance, *instance.end);
      break;
    case Instance::State::kStarting:
      --starting_;
      instance.end = ended(ending, config_.instance);
      start_failed(now, event.instance, *instance.end);
      break;
    default:
      leave_ready(event.instance);
      instance.end = ended(ending, config_.instance);
      crashed(now, event.instance, *instance.end);
  }
  instance.state = Instance::State::kGone;
  if (instance.in_flight > 0) change_load(now, -instance.in_flight);
  explain(now);
  forget_if_done(event.instance);
  settle(now);
}

void RevisionCore::start_failed(Instant now, InstanceKey key, const Words& words) {
  backoff_.failed(now, CrashBackoff::Failure::kAtStart, longest_ready(now));
  last_failure_ = words;
  want(action::Tell{words.severity, key, words.message()});
  // A revision that was ready once stays so; the message says what goes wrong now.
  const bool proven = declared_.ready == RevisionState::Ready::kTrue;
  declare(proven ? RevisionState::Ready::kTrue : RevisionState::Ready::kFalse, &words);
  declared_slow_or_failed_ = true;
}

void RevisionCore::crashed(Instant now, InstanceKey key, const Words& words) {
  const Duration ready_for = std::max(longest_ready(now), now - instances_[key].ready_at);
  backoff_.failed(now, CrashBackoff::Failure::kWhenReady, ready_for);
  last_failure_ = words;
  tell_failure(key, words);
}

/// Of one that was ready: the revision stays ready, with the message.
void RevisionCore::tell_failure(InstanceKey key, const Words& words) {
  want(action::Tell{words.severity, key, words.message()});
  if (!instances_[key].was_ready) return;
  declare(RevisionState::Ready::kTrue, &words);
  declared_slow_or_failed_ = false;
}

Duration RevisionCore::longest_ready(Instant now) const {
  Duration longest{0};
  for (const InstanceKey key : ready_) longest = std::max(longest, now - instances_[key].ready_at);
  return longest;
}

void RevisionCore::declare(RevisionState::Ready ready, const Words* words) {
  RevisionState state{ready, words != nullptr ? words->reason : std::string(),
                      words != nullptr ? words->message() : std::string()};
  const bool same = state.ready == declared_.ready && state.reason == declared_.reason &&
                    state.message == declared_.message;
  declared_ = state;
  if (!same) want(action::Declare{std::move(state)});
}

/// Out of ready_ or out of those that drain.
void RevisionCore::leave_ready(InstanceKey key) {
  Instance& instance = instances_[key];
  if (instance.state == Instance::State::kDraining) {
    --draining_;
    return;
  }
  ready_.erase(std::find(ready_.begin(), ready_.end(), key));
  if (instance.unready) --unready_;
  ready_in_flight_ -= instance.in_flight;
}

void RevisionCore::stop(Instant now, InstanceKey key, std::string_view why) {
  Instance& instance = instances_[key];
  if (instance.state == Instance::State::kStarting) {
    --starting_;
  } else {
    leave_ready(key);
  }
  instance.state = Instance::State::kStopping;
  ++stopping_;
  want(action::Tell{Severity::kInfo, key, fmt::format("Stopping: {}.", why)});
  thaw(key);
  if (instance.executed) {
    instance.kill_at = now + options_.stop_grace;
    want_wake(instance.kill_at);
    want(action::Terminate{key});
  } else {  // no program yet that could be asked
    instance.killed = true;
    want(action::Kill{key});
  }
}

void RevisionCore::drain(Instant now, InstanceKey key, std::string_view why) {
  if (instances_[key].in_flight == 0) return stop(now, key, why);
  leave_ready(key);
  instances_[key].state = Instance::State::kDraining;
  ++draining_;
}

void RevisionCore::drain_all(Instant now, std::string_view why) {
  for (InstanceKey key = 0; key < instances_.size(); ++key) {
    const Instance::State state = instances_[key].state;
    if (state == Instance::State::kReady) drain(now, key, why);
    if (state == Instance::State::kStarting) stop(now, key, why);
  }
}

/// Lets a draining instance serve again.
bool RevisionCore::call_back_one() {
  if (draining_ == 0) return false;
  for (InstanceKey key = 0; key < instances_.size(); ++key) {
    if (instances_[key].state != Instance::State::kDraining || instances_[key].unready) continue;
    instances_[key].state = Instance::State::kReady;
    --draining_;
    ready_.push_back(key);
    ready_in_flight_ += instances_[key].in_flight;
    return true;
  }
  return false;
}

void RevisionCore::forget_if_done(InstanceKey key) {
  Instance& instance = instances_[key];
  if (instance.state != Instance::State::kGone) return;
  if (instance.in_flight > 0 || instance.explaining > 0) return;
  instance.state = Instance::State::kFree;
  free_keys_.push_back(key);
  want(action::Forget{key});
}

// ---- how many ----

bool RevisionCore::may_start(Instant now) const {
  return mode_ != Mode::kShuttingDown && living() < config_.max_instances && !backoff_.pausing(now);
}

int RevisionCore::minimum() const {
  if (mode_ != Mode::kServing || config_.reachability == Reachability::kUnreachable) return 0;
  return std::min(config_.min_instances, config_.max_instances);
}

int RevisionCore::needed_for(int requests) const {
  return (requests + config_.container_concurrency - 1) / config_.container_concurrency;
}

Duration RevisionCore::idle_after() const {
  return config_.idle_before_zero < Duration(0) ? options_.autoscaler.scale_to_zero_after
                                                : config_.idle_before_zero;
}

/// After anything that may have changed what should run.
void RevisionCore::settle(Instant now) {
  dispatch(now);
  start_for_waiting(now);
  keep_minimum(now);
  refuse_hopeless(now);
  if (mode_ == Mode::kRetiring && queue_.empty()) drain_all(now, "the revision was retired");
  plan_wake(now);
}

void RevisionCore::start_for_waiting(Instant now) {
  while (!queue_.empty() && call_back_one()) dispatch(now);
  if (queue_.empty()) return;
  const bool on_demand =
      options_.autoscaler.start_on_demand == scaling::StartOnDemand::kYes || usable() == unready_;
  if (!on_demand) return;
  // A suspect that lives after all will take some of them.
  const int homeless = std::max(0, queue_.size() - suspect_places(now));
  const int needed = options_.autoscaler.start_on_demand == scaling::StartOnDemand::kYes
                         ? needed_for(homeless)
                         : std::min(1, homeless);
  while (starting_ < needed && may_start(now)) {
    start(now, queue_.oldest().arrived, "a request found no free place");
  }
}

int RevisionCore::suspect_places(Instant now) const {
  int places = 0;
  for (const InstanceKey key : ready_) {
    const Instance& instance = instances_[key];
    if (instance.unready) continue;
    if (instance.suspect_until > now) places += config_.container_concurrency - instance.in_flight;
  }
  return places;
}

void RevisionCore::keep_minimum(Instant now) {
  while (usable() < minimum()) {
    if (call_back_one()) continue;
    if (!may_start(now)) return;
    start(now, now, "below the minimum number of instances");
  }
}

/// The autoscaler's evaluation, every tick_interval while there is something to decide.
void RevisionCore::scale(Instant now) {
  meter_.settle(now);
  if (rate_) rate_->settle(now);
  const scaling::Aggregation aggregation = options_.autoscaler.aggregation;
  scaling::Facts facts;
  facts.stable_average = average_of(rate_ ? rate_->stable() : meter_.stable(), aggregation, now);
  facts.panic_average = average_of(rate_ ? rate_->panic() : meter_.panic(), aggregation, now);
  facts.cpu_average = cpu_.average(now);
  facts.ready_instances = count(ready_) - unready_;
  facts.needed_now = needed_for(peak_load_);
  facts.concurrency = config_.container_concurrency;
  facts.reachable = config_.reachability == Reachability::kReachable ? scaling::Reachable::kYes
                                                                     : scaling::Reachable::kNo;
  facts.min_instances = minimum();
  facts.max_instances = std::max(1, config_.max_instances);
  peak_load_ = load_;
  const scaling::Decision decision = autoscaler_.step(now, facts);
  if (decision.valid && mode_ == Mode::kServing) apply(now, decision.desired);
  const bool something_to_do = load_ > 0 || usable() > std::max(1, minimum());
  next_tick_.reset();
  if (something_to_do) next_tick_ = now + options_.autoscaler.tick_interval;
}

void RevisionCore::apply(Instant now, int desired) {
  // At zero the past starts nothing, only a request does (contract 2.2), keep_minimum() or
  // expect().
  if (usable() == 0 && load_ == 0) return;
  desired = std::max(desired, worth_keeping(now));
  desired = std::max(desired, usable() > 0 ? 1 : 0);  // the last one goes when idle: go_idle()
  while (usable() < desired) {
    if (call_back_one()) continue;
    if (!may_start(now)) break;
    start(now, now, "more load than instances");
  }
  int surplus = usable() - unready_ - desired;  // one that is not ready may be again
  while (surplus-- > 0 && !ready_.empty()) {
    // The least loaded; the newest of several.
    const auto least =
        std::min_element(ready_.rbegin(), ready_.rend(), [this](InstanceKey a, InstanceKey b) {
          const auto rank = [this](InstanceKey key) {
            return std::pair(instances_[key].unready, instances_[key].in_flight);
          };
          return rank(a) < rank(b);
        });
    drain(now, *least, "fewer are needed");
  }
}

void RevisionCore::go_idle(Instant now) {
  idle_since_.reset();
  if (ready_.empty() || load_ > 0) return;  // a first start that nobody waits for may finish
  const std::string why = fmt::format("no request for {}", format_duration(idle_after()));
  for (InstanceKey key = 0; key < instances_.size() && usable() > minimum(); ++key) {
    if (instances_[key].state == Instance::State::kStarting) stop(now, key, why);
  }
  while (!ready_.empty() && usable() > minimum()) stop(now, ready_.back(), why);
}

bool RevisionCore::keeps_warm() const {
  return keep_warm_ && config_.idle_before_zero < Duration(0) && mode_ == Mode::kServing &&
         config_.reachability == Reachability::kReachable;
}

int RevisionCore::worth_keeping(Instant now) const {
  return keeps_warm() ? std::min(keep_warm_->wanted(now), config_.max_instances) : 0;
}

/// Without load: what is not worth keeping goes, what will be asked for comes.
void RevisionCore::expect(Instant now) {
  const int wanted = std::max(minimum(), worth_keeping(now));
  while (starting_ == 0 && count(ready_) > wanted) {
    stop(now, ready_.back(), "no request is expected soon");
  }
  while (usable() < wanted && may_start(now)) start(now, now, "a request is expected");
}

void RevisionCore::plan_wake(Instant now) {
  others_at_ = wake_at_ = Instant::max();
  for (const Instance& instance : instances_) {
    if (instance.state == Instance::State::kStopping && !instance.killed) {
      want_wake(instance.kill_at);
    }
    const bool suspect = instance.state == Instance::State::kReady && instance.suspect_until > now;
    if (suspect && !queue_.empty()) want_wake(instance.suspect_until);
    if (suspect && instance.in_flight == 0) want_wake(instance.suspect_until);
    if (could_freeze(instance, now)) want_wake(instance.idle_from + options_.freeze_after);
    want_wake(next_check(instance));
    if (instance.boost_ends) want_wake(*instance.boost_ends);
  }
  for (const Explaining& asked : explaining_) want_wake(asked.until);
  if (const auto deadline = queue_.earliest_deadline()) want_wake(*deadline);
  if (const auto ends = patience_ends()) want_wake(*ends);
  if (keeps_warm()) {
    if (load_ == 0) want_wake(keep_warm_->next_change(now));
  } else if (idle_since_ && !ready_.empty()) {
    want_wake(*idle_since_ + idle_after());
  }
  const bool start_is_due = !queue_.empty() || usable() < minimum();
  if (start_is_due && backoff_.pausing(now)) want_wake(*backoff_.until());
  if (next_tick_) wake_at_ = std::min(wake_at_, *next_tick_);
}

}  // namespace thaw::serving
