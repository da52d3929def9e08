// RevisionCore: events and requests. Instances and scale: revision_core_instances.cc.
#include "serving/revision_core.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace thaw::serving {

using Waited = action::GiveSlot::Waited;

namespace {

RevisionCore::Options options_for(const RevisionConfig& config, RevisionCore::Options options) {
  if (config.knative) {
    options.autoscaler = scaling::knative_options(*config.knative);
    options.keep_warm.reset();
  }
  // What is kept beyond the load is for the plan alone to say.
  if (options.keep_warm) options.autoscaler.scale_down_delay = Duration(0);
  return options;
}

}  // namespace

RevisionCore::RevisionCore(const RevisionConfig& config, const Options& options, Instant now)
    : config_(config),
      options_(options_for(config, options)),
      warm_since_(now),
      meter_(options_.autoscaler.stable_window, scaling::panic_window(options_.autoscaler), now,
             options_.autoscaler.history),
      cpu_(options_.autoscaler.stable_window, now),
      autoscaler_(options_.autoscaler, now, 0),
      random_(options.seed | 1) {
  CHECK(config.container_concurrency >= 1);
  if (options_.keep_warm) keep_warm_.emplace(*options_.keep_warm);
  if (options_.autoscaler.metric == scaling::Metric::kRequestsPerSecond) {
    rate_.emplace(options_.autoscaler.stable_window, scaling::panic_window(options_.autoscaler));
  }
}

const std::vector<Action>& RevisionCore::on_event(Instant now, const Event& event) {
  actions_.clear();
  std::visit([&](const auto& e) { on(now, e); }, event);
  return actions_;
}

std::optional<RevisionCore::View> RevisionCore::view(InstanceKey key) const {
  const Instance& instance = instances_[key];
  switch (instance.state) {
    case Instance::State::kStarting:
      return View{InstanceState::kStarting, instance.in_flight};
    case Instance::State::kReady:
    case Instance::State::kDraining:
      return View{instance.unready ? InstanceState::kUnready : InstanceState::kReady,
                  instance.in_flight, temperature(instance)};
    case Instance::State::kStopping:
      return View{InstanceState::kStopping, instance.in_flight};
    case Instance::State::kFree:
    case Instance::State::kGone:
      break;
  }
  return std::nullopt;
}

Temperature RevisionCore::temperature(const Instance& instance) {
  if (!instance.frozen) return Temperature::kHot;
  return instance.hibernated ? Temperature::kHibernated : Temperature::kFrozen;
}

bool RevisionCore::finished() const {
  return mode_ != Mode::kServing && queue_.empty() && explaining_.empty() &&
         free_keys_.size() == instances_.size();
}

// ---- requests ----

void RevisionCore::on(Instant now, const event::RequestArrived& event) {
  const RequestKey request = event.request;
  if (mode_ != Mode::kServing) {
    refuse(request, mode_ == Mode::kRetiring ? unknown_revision() : shutting_down());
    return;
  }
  if (event.deadline <= now) return refuse(request, past_deadline());
  if (rate_) rate_->add(now);
  if (queue_.empty()) {
    if (const auto key = pick(now, event.preferred)) {  // the fast path ends here
      change_load(now, 1);
      give(now, request, *key, Waited::kNo);
      return;
    }
  }
  if (auto refusal = hopeless(now)) return refuse(request, *std::move(refusal));
  if (!make_room(now, event.caller)) {
    return refuse(request, queue_is_full(options_.longest_queue));
  }
  queue_.push({request, now, event.deadline, event.caller});
  change_load(now, 1);
  settle(now);
}

/// A full queue has room for a caller who waits with fewer than another one does.
bool RevisionCore::make_room(Instant now, CallerId newcomer) {
  if (queue_.size() < options_.longest_queue) return true;
  const auto displaced = queue_.take_displaced_by(newcomer);
  if (!displaced) return false;
  refuse(displaced->key, queue_is_full(options_.longest_queue));
  change_load(now, -1);
  return true;
}

void RevisionCore::on(Instant now, const event::RequestLeft& event) {
  if (queue_.remove(event.number)) {
    change_load(now, -1);
    return settle(now);
  }
  const auto found = std::find_if(explaining_.begin(), explaining_.end(),
                                  [&](const auto& e) { return e.request.number == event.number; });
  if (found == explaining_.end()) return;
  const InstanceKey key = found->instance;
  explaining_.erase(found);
  --instances_[key].explaining;
  forget_if_done(key);
}

void RevisionCore::on(Instant now, const event::SlotReleased& event) {
  const bool was_ready = instances_[event.instance].state == Instance::State::kReady;
  take_back(now, event.instance);
  if (was_ready && queue_.empty() && mode_ == Mode::kServing) return;  // the fast path ends here
  settle(now);
}

void RevisionCore::on(Instant now, const event::ConnectionBroke& event) {
  Instance& instance = instances_[event.instance];
  ++instance.explaining;
  explaining_.push_back({event.request, event.instance, now + kExplainWithin});
  instance.suspect_until = now + kSuspectFor;
  take_back(now, event.instance);
  explain(now);
  settle(now);
}

/// The one place where requests meet instances. Small concurrencies fill the longest ready
/// instance first, so that the others can go; larger ones spread: the least loaded of a few, or of
/// two chosen at random (contract 2.1, load balancing).
std::optional<InstanceKey> RevisionCore::pick(Instant now, std::optional<InstanceKey> preferred) {
  constexpr int kFillFirst = 3;
  constexpr size_t kFew = 4;
  const int limit = config_.container_concurrency;
  if (ready_in_flight_ >= count(ready_) * limit) return std::nullopt;
  if (preferred && instances_[*preferred].state == Instance::State::kReady &&
      has_place(*preferred, now)) {
    return preferred;
  }
  if (limit > kFillFirst && ready_.size() <= kFew) {
    std::optional<InstanceKey> least;
    for (const InstanceKey key : ready_) {
      if (!has_place(key, now)) continue;
      if (!least || instances_[key].in_flight < instances_[*least].in_flight) least = key;
    }
    return least;
  }
  if (limit > kFillFirst) {
    random_ ^= random_ << 13;
    random_ ^= random_ >> 7;
    random_ ^= random_ << 17;
    const InstanceKey a = ready_[(random_ >> 32) % ready_.size()];
    const InstanceKey b = ready_[(random_ & 0xffffffff) % ready_.size()];
    const InstanceKey lighter = instances_[b].in_flight < instances_[a].in_flight ? b : a;
    if (has_place(lighter, now)) return lighter;
  }
  for (const InstanceKey key : ready_) {
    if (has_place(key, now)) return key;
  }
  return std::nullopt;
}

bool RevisionCore::has_place(InstanceKey key, Instant now) const {
  const Instance& instance = instances_[key];
  return instance.in_flight < config_.container_concurrency && instance.suspect_until <= now &&
         !instance.unready;
}

void RevisionCore::give(Instant now, RequestKey request, InstanceKey key, Waited waited) {
  Instance& instance = instances_[key];
  CHECK(instance.state == Instance::State::kReady && has_place(key, now));
  const Temperature from = temperature(instance);
  thaw(key);
  ++instance.in_flight;
  ++ready_in_flight_;
  want(action::GiveSlot{request, key, waited, from});
}

void RevisionCore::dispatch(Instant now) {
  while (!queue_.empty()) {
    const auto key = pick(now);
    if (!key) return;
    const RequestQueue::Waiting next = queue_.take_next();
    const bool came_before = next.arrived <= instances_[*key].ready_at;
    give(now, next.key, *key, came_before ? Waited::kForStart : Waited::kForPlace);
  }
}

/// One request less in an instance.
void RevisionCore::take_back(Instant now, InstanceKey key) {
  Instance& instance = instances_[key];
  CHECK(instance.in_flight > 0);
  --instance.in_flight;
  if (std::exchange(instance.just_woken, false)) want(action::WakeServed{key});
  if (instance.state == Instance::State::kGone) {
    forget_if_done(key);
    return;
  }
  if (instance.state == Instance::State::kReady) --ready_in_flight_;
  change_load(now, -1);
  if (instance.in_flight == 0) rest(now, key);
  if (instance.state == Instance::State::kDraining && instance.in_flight == 0) {
    stop(now, key, "fewer are needed");
  }
}

void RevisionCore::change_load(Instant now, int by) {
  load_ += by;
  CHECK(load_ >= 0);
  peak_load_ = std::max(peak_load_, load_);
  meter_.change(now, load_);
  if (keep_warm_) keep_warm_->change(now, needed_for(load_));
  if (load_ == 0) {
    idle_since_ = now;
    want_wake(keeps_warm() ? keep_warm_->next_change(now) : now + idle_after());
  } else {
    idle_since_.reset();
  }
  if (!next_tick_) {
    next_tick_ = now + options_.autoscaler.tick_interval;
    wake_at_ = std::min(wake_at_, *next_tick_);
  }
}

void RevisionCore::refuse(RequestKey request, Refusal refusal) {
  want(action::Refuse{request, std::move(refusal)});
}

void RevisionCore::refuse_all(Instant now, const Refusal& refusal) {
  while (!queue_.empty()) {
    refuse(queue_.take_oldest().key, refusal);
    change_load(now, -1);
  }
}

/// Past their deadline, or longer in the queue than anyone has to wait.
void RevisionCore::refuse_overdue(Instant now) {
  while (const auto expired = queue_.take_expired(now)) {
    refuse(expired->key, past_deadline());
    change_load(now, -1);
  }
  while (const auto ends = patience_ends()) {
    if (*ends > now) return;
    const RequestQueue::Waiting next = queue_.take_oldest();
    refuse(next.key, no_free_instance(now - next.arrived, config_.max_instances));
    change_load(now, -1);
  }
}

std::optional<Instant> RevisionCore::patience_ends() const {
  if (queue_.empty() || ready_.empty()) return std::nullopt;
  const Duration patience = std::max(start_times_.mean() * 7 / 2, options_.shortest_queue_time);
  return std::max(queue_.oldest().arrived, warm_since_) + patience;
}

/// Why waiting makes no sense now, if so.
std::optional<Refusal> RevisionCore::hopeless(Instant now) const {
  if (usable() > 0 || draining_ > 0) return std::nullopt;
  if (config_.max_instances <= 0) return no_free_instance(Duration(0), 0);
  if (!backoff_.pausing(now)) return std::nullopt;
  return cannot_start(*last_failure_, *backoff_.until() - now);
}

void RevisionCore::refuse_hopeless(Instant now) {
  if (queue_.empty()) return;
  if (const auto refusal = hopeless(now)) refuse_all(now, *refusal);
}

/// Answers those who asked how their instance ended: it has, or it did not in time.
void RevisionCore::explain(Instant now) {
  for (size_t i = 0; i < explaining_.size();) {
    const Explaining asked = explaining_[i];
    Instance& instance = instances_[asked.instance];
    if (instance.state != Instance::State::kGone && asked.until > now) {
      ++i;
      continue;
    }
    refuse(asked.request, instance_died(instance.report ? &*instance.report : nullptr,
                                        instance.end ? &*instance.end : nullptr));
    explaining_.erase(explaining_.begin() + static_cast<ptrdiff_t>(i));
    --instance.explaining;
    forget_if_done(asked.instance);
  }
}

// ---- the revision as a whole ----

void RevisionCore::on(Instant now, const event::Configured& event) {
  if (configured_) {
    config_.min_instances = event.config->min_instances;
    config_.max_instances = event.config->max_instances;
    config_.reachability = event.config->reachability;
    config_.idle_rung = event.config->idle_rung;
    config_.idle_before_zero = event.config->idle_before_zero;
  }
  if (mode_ == Mode::kRetiring) mode_ = Mode::kServing;
  if (!configured_) {
    configured_ = true;
    // Not tried out: it is trusted, and what goes wrong later does not unmake it.
    if (config_.initial_instances == 0) declared_.ready = RevisionState::Ready::kTrue;
    const int initial = std::min(config_.initial_instances, config_.max_instances);
    while (usable() < initial) start(now, now, "the revision was deployed");
  } else if (usable() > config_.max_instances) {
    apply(now, config_.max_instances);
  }
  if (load_ == 0 && !ready_.empty() && !idle_since_) idle_since_ = now;
  settle(now);
}

void RevisionCore::on(Instant now, const event::Retired&) {
  if (mode_ == Mode::kServing) mode_ = Mode::kRetiring;
  settle(now);
}

void RevisionCore::on(Instant now, const event::ShutDown&) {
  mode_ = Mode::kShuttingDown;
  refuse_all(now, shutting_down());
  for (InstanceKey key = 0; key < instances_.size(); ++key) {
    const auto state = instances_[key].state;
    if (state == Instance::State::kStarting || state == Instance::State::kReady ||
        state == Instance::State::kDraining) {
      stop(now, key, "the platform shuts down");
    }
  }
  settle(now);
}

/// What nearly every wake is: only the autoscaler is due, and is content. Looks at no instance.
bool RevisionCore::ticks_in_peace(Instant now) {
  if (load_ == 0 && keeps_warm()) return false;  // expect() decides with each tick too
  const int before = usable();
  scale(now);
  if (usable() != before) return false;
  wake_at_ = std::min(others_at_, next_tick_.value_or(Instant::max()));
  return true;
}

void RevisionCore::on(Instant now, const event::Wake&) {
  if (now < wake_at_) return;
  if (others_at_ > now && ticks_in_peace(now)) return;
  for (InstanceKey key = 0; key < instances_.size(); ++key) {
    Instance& instance = instances_[key];
    if (instance.state != Instance::State::kStopping || instance.killed) continue;
    if (instance.kill_at > now) continue;
    instance.killed = true;
    const Words words = ignores_sigterm(options_.stop_grace);
    want(action::Kill{key});
    want(action::Tell{words.severity, key, words.message()});
    if (instance.was_ready) declare(declared_.ready, &words);
  }
  explain(now);
  dispatch(now);
  check_health(now);
  freeze_idle(now);
  end_boosts(now);
  refuse_overdue(now);
  if (next_tick_ && *next_tick_ <= now) scale(now);
  if (keeps_warm()) {
    if (load_ == 0) expect(now);
  } else if (idle_since_ && *idle_since_ + idle_after() <= now) {
    go_idle(now);
  }
  settle(now);
}

}  // namespace thaw::serving
