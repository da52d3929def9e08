// RevisionPool: what its rungs cost, and what the ladder's policy must know of its instances.
#include "serving/ladder_facts.h"
#include "serving/revision_pool.h"

namespace thaw::serving {

scaling::Rung rung_of(Temperature temperature) {
  switch (temperature) {
    case Temperature::kHot:
      return scaling::Rung::kHot;
    case Temperature::kFrozen:
      return scaling::Rung::kFrozen;
    case Temperature::kHibernated:
      return scaling::Rung::kHibernated;
    case Temperature::kCold:
      break;
  }
  return scaling::Rung::kCold;
}

void RevisionPool::price(scaling::Rung rung, Duration wake) {
  prices_.add_wake(rung, wake);
  if (!std::exchange(prices_changed_, true)) parts_.prices_changed();
}

void RevisionPool::price(scaling::Rung rung, ByteCount memory) {
  if (prices_.of(rung).memory == memory) return;
  prices_.set_memory(rung, memory);
  if (!std::exchange(prices_changed_, true)) parts_.prices_changed();
}

void RevisionPool::tell_prices() {
  if (!std::exchange(prices_changed_, false)) return;
  const sandbox::InstanceSpec& spec = config().instance;
  parts_.outbox.post([&observer = parts_.observer, revision = spec.revision, service = spec.service,
                      prices = prices_] { observer.on_prices(revision, service, prices); });
}

void RevisionPool::append_idle(sandbox::Sandbox::Hibernation hibernation, Duration hibernate_after,
                               std::vector<scaling::IdleInstance>& to, ByteCount& held) {
  core_.set_resting(resting(prices_, config().idle_rung, hibernation, hibernate_after));
  std::vector<RevisionCore::Idle> idle;
  core_.append_idle(idle);
  for (const RevisionCore::Idle& each : idle) {
    InstanceRun& run = *runs_[each.key];
    scaling::IdleInstance facts =
        expect(prices_, run.idle_usage().memory,
               each.hibernated ? Temperature::kHibernated : Temperature::kFrozen, hibernation);
    if (run.is_hibernating()) {
      facts.held = facts.held_hibernated;  // it will
    } else if (!each.hibernated) {
      // Since it stands still, what it holds frozen is what it held hot.
      price(scaling::Rung::kFrozen, facts.held);
      price(scaling::Rung::kHot, facts.held);
    }
    facts.id = each.key;
    facts.idle = now() - each.since;
    facts.expected_gap = core_.expected_gap(now());
    facts.wish = config().idle_rung;
    facts.may = each.needed ? scaling::IdleInstance::May::kStay : scaling::IdleInstance::May::kStop;
    held.value += facts.held.value;
    to.push_back(facts);
  }
  for (InstanceKey key = 0; key < runs_.size(); ++key) {
    if (!runs_[key] || !runs_[key]->alive()) continue;
    const auto view = core_.view(key);
    if (view && view->temperature == Temperature::kHot)
      held.value += runs_[key]->usage().memory.value;
  }
}

}  // namespace thaw::serving
