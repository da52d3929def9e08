// RevisionCore: liveness and readiness probes. When to try: probe_watch.h.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "serving/revision_core.h"

namespace thaw::serving {

void RevisionCore::watch_health(Instant now, InstanceKey key) {
  Instance& instance = instances_[key];
  if (config_.liveness_probe) instance.liveness.emplace(*config_.liveness_probe, now);
  if (config_.readiness_probe) instance.readiness.emplace(*config_.readiness_probe, now);
}

std::optional<ProbeWatch>& RevisionCore::watch(Instance& instance, Health health) {
  return health == Health::kLiveness ? instance.liveness : instance.readiness;
}

/// Also a draining one may hang; whether it is ready matters to nobody any more.
Instant RevisionCore::next_check(const Instance& instance) {
  Instant next = Instant::max();
  const bool is_ready = instance.state == Instance::State::kReady;
  if (instance.frozen || !(is_ready || instance.state == Instance::State::kDraining)) return next;
  if (instance.liveness) next = instance.liveness->due();
  if (instance.readiness && is_ready) next = std::min(next, instance.readiness->due());
  return next;
}

bool RevisionCore::is_calm(const Instance& instance) {
  for (const auto& watch : {instance.liveness, instance.readiness}) {
    if (watch && (watch->trying() || !watch->is_calm())) return false;
  }
  return true;
}

void RevisionCore::check_health(Instant now) {
  for (InstanceKey key = 0; key < instances_.size(); ++key) {
    if (next_check(instances_[key]) > now) continue;
    look_at(now, key, Health::kLiveness);
    if (instances_[key].state == Instance::State::kReady) look_at(now, key, Health::kReadiness);
  }
}

void RevisionCore::look_at(Instant now, InstanceKey key, Health health) {
  auto& probe = watch(instances_[key], health);
  if (!probe || probe->due() > now) return;
  probe->begin(now);
  want(action::Check{key, health});
}

void RevisionCore::on(Instant now, const event::Checked& event) {
  Instance& instance = instances_[event.instance];
  auto& probe = watch(instance, event.health);
  CHECK(probe && probe->trying());
  const ProbeWatch::Change change = probe->ended(event.outcome);
  const bool lives =
      instance.state == Instance::State::kReady || instance.state == Instance::State::kDraining;
  if (lives && change == ProbeWatch::Change::kFails) {
    if (event.health == Health::kLiveness) {
      fails_liveness(now, event.instance, event.why);
    } else {
      set_unready(instance, true);
      const Words words = not_ready(*config_.readiness_probe, event.why);
      want(action::Tell{words.severity, event.instance, words.message()});
    }
  } else if (lives && change == ProbeWatch::Change::kPasses) {
    set_unready(instance, false);
    want(action::Tell{Severity::kInfo, event.instance,
                      "The readiness probe passes again: it gets new requests."});
  }
  settle(now);
}

/// SIGKILL at once (contract 1.2). Those who are in it learn why when it has ended.
void RevisionCore::fails_liveness(Instant now, InstanceKey key, std::string_view why) {
  Instance& instance = instances_[key];
  leave_ready(key);
  instance.state = Instance::State::kStopping;
  ++stopping_;
  instance.killed = instance.unhealthy = true;
  instance.end = serving::fails_liveness(config_.instance, *config_.liveness_probe, why);
  want(action::Kill{key});
  crashed(now, key, *instance.end);
}

void RevisionCore::set_unready(Instance& instance, bool unready) {
  const bool was = std::exchange(instance.unready, unready);
  if (instance.state == Instance::State::kReady) unready_ += (unready ? 1 : 0) - (was ? 1 : 0);
}

}  // namespace thaw::serving
