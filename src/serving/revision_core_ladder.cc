// RevisionCore: idle instances on the rungs below hot. Life and scale: revision_core_instances.cc.
#include <utility>

#include "serving/revision_core.h"

namespace thaw::serving {
namespace {

using Cpu = action::SetCpu::Cpu;

}  // namespace

/// It has no request (any more).
void RevisionCore::rest(Instant now, InstanceKey key) {
  if (config_.cpu != CpuAllocation::kRequestBased) return;
  instances_[key].idle_from = now;
  want_wake(now + options_.freeze_after);
}

void RevisionCore::thaw(InstanceKey key) {
  Instance& instance = instances_[key];
  if (!std::exchange(instance.frozen, false)) return;
  if (std::exchange(instance.hibernated, false)) instance.just_woken = true;
  want_wake(next_check(instance));
  want(action::SetCpu{key, Cpu::kFull});
}

void RevisionCore::append_idle(std::vector<Idle>& to) const {
  // The minimum needs the longest ready; those that go first are the others.
  int needed = minimum();
  for (const InstanceKey key : ready_) {
    const Instance& instance = instances_[key];
    const bool is_needed = needed-- > 0;
    if (instance.frozen) to.push_back({key, instance.idle_from, instance.hibernated, is_needed});
  }
}

void RevisionCore::on(Instant now, const event::Descend& event) {
  Instance& instance = instances_[event.instance];
  if (instance.state != Instance::State::kReady || !instance.frozen) return;
  if (event.to == scaling::Descent::To::kHibernated) {
    if (std::exchange(instance.hibernated, true)) return;
    want(action::Hibernate{event.instance});
  } else if (usable() > minimum()) {
    stop(now, event.instance,
         event.why == scaling::Descent::Why::kBudget
             ? "idle, and its memory is needed (--memory-budget)"
             : "idle");
    settle(now);
  }
}

/// One that may be dying is left alone, so that its end is seen; likewise one whose probes have not
/// agreed yet.
bool RevisionCore::could_freeze(const Instance& instance, Instant now) const {
  return config_.cpu == CpuAllocation::kRequestBased && !instance.frozen &&
         instance.state == Instance::State::kReady && instance.in_flight == 0 &&
         instance.explaining == 0 && instance.suspect_until <= now && is_calm(instance);
}

void RevisionCore::end_boosts(Instant now) {
  for (InstanceKey key = 0; key < instances_.size(); ++key) {
    Instance& instance = instances_[key];
    if (!instance.boost_ends || *instance.boost_ends > now) continue;
    instance.boost_ends.reset();
    const bool lives =
        instance.state == Instance::State::kReady || instance.state == Instance::State::kDraining;
    if (lives) want(action::EndBoost{key});
  }
}

void RevisionCore::freeze_idle(Instant now) {
  for (const InstanceKey key : ready_) {
    Instance& instance = instances_[key];
    if (!could_freeze(instance, now) || instance.idle_from + options_.freeze_after > now) continue;
    instance.frozen = true;
    want(action::SetCpu{key, Cpu::kNone});
  }
}

}  // namespace thaw::serving
