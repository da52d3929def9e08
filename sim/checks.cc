#include "checks.h"

#include <fmt/format.h>

#include <algorithm>

namespace thaw::sim {

using serving::Reachability;

void Checks::promised(const serving::RevisionConfig& config) {
  Promise& promise = promises_[config.instance.revision];
  promise.config = config;
  promise.retired = false;
  if (promise.load == 0) watch_for_zero(promise);
}

void Checks::retired(const RevisionId& revision) {
  Promise& promise = promises_[revision];
  promise.retired = true;
  promise.zero_timer.cancel();
}

void Checks::started(const InstanceId& id, const RevisionId& revision) {
  Promise& promise = promises_[revision];
  Life& life = lives_[id];
  if (!life.revision.empty()) journal_.violation(fmt::format("{} is used twice", id.str()));
  life.revision = revision;
  life.cpu = promise.config.cpu;
  life.started = loop_.now();
  promise.living.insert(id);
  const int count = static_cast<int>(promise.living.size());
  if (count > promise.config.max_instances) {
    journal_.violation(fmt::format("{} has {} instances, at most {} are allowed", revision.str(),
                                   count, promise.config.max_instances));
  }
}

void Checks::executed(const InstanceId& id) { journal_.line(fmt::format("{} runs", id.str())); }

void Checks::ready(const InstanceId& id) { lives_.at(id).ready = loop_.now(); }

void Checks::frozen(const InstanceId& id) {
  Life& life = lives_.at(id);
  const bool may_be = life.cpu == serving::CpuAllocation::kRequestBased && life.ready &&
                      life.in_flight == 0 && !life.told_to_stop;
  if (!may_be) journal_.violation(fmt::format("{} needs its CPU and is frozen", id.str()));
  life.frozen = true;
}

void Checks::thawed(const InstanceId& id) {
  Life& life = lives_.at(id);
  life.frozen = false;
  if (life.memory == Life::Memory::kHibernated) life.memory = Life::Memory::kWoken;
}

void Checks::hibernated(const InstanceId& id) {
  Life& life = lives_.at(id);
  if (!life.frozen) journal_.violation(fmt::format("{} runs and is hibernated", id.str()));
  if (life.memory == Life::Memory::kHibernated) {
    journal_.violation(fmt::format("{} is hibernated twice", id.str()));
  }
  if (life.memory == Life::Memory::kWoken) {
    journal_.violation(fmt::format("{} was woken, and nobody told what it needed", id.str()));
  }
  life.memory = Life::Memory::kHibernated;
  journal_.line(fmt::format("{} hibernates", id.str()));
}

void Checks::wake_served(const InstanceId& id) {
  Life& life = lives_.at(id);
  if (life.memory != Life::Memory::kWoken) {
    journal_.violation(fmt::format("{} was not hibernated and is told of a wake", id.str()));
  }
  life.memory = Life::Memory::kHere;
}

void Checks::told_to_stop(const InstanceId& id) {
  Life& life = lives_.at(id);
  // Killed before it ran: its start is billed, no stop is.
  if (!life.told_to_stop) life.told_to_stop = loop_.now();
}

void Checks::check_begins(const InstanceId& id) {
  Life& life = lives_.at(id);
  ++life.checks;
  if (life.frozen) journal_.violation(fmt::format("{} is frozen and is probed", id.str()));
}

void Checks::checked(const InstanceId& id, serving::Health health, CheckFate fate) {
  Life& life = lives_.at(id);
  --life.checks;
  const auto& config = promises_[life.revision].config;
  const auto& probe =
      health == serving::Health::kLiveness ? config.liveness_probe : config.readiness_probe;
  Life::Probed& probed = life.probed[static_cast<size_t>(health)];
  if ((fate == CheckFate::kFails) == probed.fails) {
    probed.in_a_row = 0;
    return;
  }
  if (++probed.in_a_row < (probed.fails ? probe->success_threshold : probe->failure_threshold)) {
    return;
  }
  probed = {0, !probed.fails, loop_.now()};
}

bool Checks::is_calm(const Life& life) {
  return life.checks == 0 && std::all_of(life.probed.begin(), life.probed.end(),
                                         [](const auto& p) { return !p.fails && p.in_a_row == 0; });
}

void Checks::must_be_dying(const InstanceId& id) const {
  const Life& life = lives_.at(id);
  const bool fails = life.probed[static_cast<size_t>(serving::Health::kLiveness)].fails;
  if (fails && !life.told_to_stop) {
    journal_.violation(fmt::format("{} fails its liveness probe and lives on", id.str()));
  }
}

void Checks::died(const InstanceId& id, sandbox::ExitReport::Kind kind) {
  lives_.at(id).kind = kind;
}

void Checks::ended(const InstanceId& id) {
  Life& life = lives_.at(id);
  life.ended = loop_.now();
  promises_[life.revision].living.erase(id);
}

void Checks::platform_killed() {
  for (auto& [id, life] : lives_) life.exempt = true;
  for (auto& [revision, promise] : promises_) {
    promise.living.clear();
    promise.load = 0;
    promise.zero_timer.cancel();
  }
}

// ---- requests ----

void Checks::load(const RevisionId& revision, int change) {
  Promise& promise = promises_[revision];
  promise.load += change;
  if (promise.load == 0 && !promise.retired) {
    watch_for_zero(promise);
  } else {
    promise.zero_timer.cancel();
  }
}

void Checks::watch_for_zero(Promise& promise) {
  promise.quiet_since = loop_.now();
  promise.zero_timer =
      loop_.after(idle_ + milliseconds(1), [this, &promise] { expect_zero(promise); });
}

void Checks::expect_zero(Promise& promise) {
  int idle = 0;
  for (const InstanceId& id : promise.living) {
    const Life& life = lives_.at(id);
    if (life.ready && *life.ready <= promise.quiet_since && !life.told_to_stop && !life.kind) {
      ++idle;
      const bool needs_cpu = life.cpu == serving::CpuAllocation::kInstanceBased;
      const bool may_run = needs_cpu || !is_calm(life);
      if (life.frozen ? needs_cpu : !may_run) {
        journal_.violation(
            fmt::format("{} is idle and {}", id.str(), needs_cpu ? "frozen" : "not frozen"));
      }
    }
  }
  const bool reachable = promise.config.reachability == Reachability::kReachable;
  const int kept = reachable ? promise.config.min_instances : 0;
  if (idle > kept) {
    journal_.violation(fmt::format("{} keeps {} idle instances beyond the idle time, minimum {}",
                                   promise.config.instance.revision.str(), idle, kept));
  }
}

void Checks::takes(const InstanceId& id) {
  Life& life = lives_.at(id);
  const int limit = promises_[life.revision].config.container_concurrency;
  if (life.frozen) {
    journal_.violation(fmt::format("{} is frozen and gets a request", id.str()));
  }
  const Life::Probed& ready = life.probed[static_cast<size_t>(serving::Health::kReadiness)];
  if (ready.fails && ready.since < loop_.now()) {
    journal_.violation(fmt::format("{} is not ready and gets a request", id.str()));
  }
  if (++life.in_flight > limit) {
    journal_.violation(
        fmt::format("{} has {} requests at once, limit {}", id.str(), life.in_flight, limit));
  }
}

void Checks::gives_back(const InstanceId& id, Instant since) {
  Life& life = lives_.at(id);
  --life.in_flight;
  life.requests.emplace_back(since, loop_.now());
}

std::optional<sandbox::ExitReport::Kind> Checks::how_it_died(const InstanceId& id) const {
  return lives_.at(id).kind;
}

std::optional<sandbox::ExitReport::Kind> Checks::reported(const InstanceId& id) const {
  const Life& life = lives_.at(id);
  return life.ended ? life.kind : std::nullopt;
}

// ---- what serving says ----

void Checks::billed(const serving::BillableSpan& span) {
  const auto found = lives_.find(span.instance);
  if (found == lives_.end() || span.to <= span.from || span.to > loop_.now()) {
    journal_.violation(fmt::format("a bill for {} makes no sense", span.instance.str()));
    return;
  }
  found->second.billed += span.to - span.from;
}

void Checks::told_gone(const InstanceId& id) {
  if (!lives_.at(id).ended) journal_.violation(fmt::format("{} lives, told gone", id.str()));
}

void Checks::told_start(const serving::StartRecord& record) {
  const std::optional<Instant> points[] = {record.requested, record.decided,   record.sandbox_ready,
                                           record.executed,  record.listening, record.first_byte};
  std::optional<Instant> last;
  for (const auto& point : points) {
    if (!point) continue;
    if (last && *point < *last) {
      journal_.violation(fmt::format("the waterfall of {} goes back", record.instance.str()));
    }
    last = point;
  }
  const bool is_wake =
      record.from == scaling::Rung::kFrozen || record.from == scaling::Rung::kHibernated;
  if (!record.listening && !is_wake) {
    journal_.violation(fmt::format("{} was told before it listened", record.instance.str()));
  }
}

/// The union of all stretches, by sorting them; serving counts reasons instead.
Duration Checks::owed(const Life& life) {
  if (life.cpu == serving::CpuAllocation::kInstanceBased) return *life.ended - life.started;
  auto stretches = life.requests;
  stretches.emplace_back(life.started, life.ready.value_or(*life.ended));
  if (life.told_to_stop && life.ready) stretches.emplace_back(*life.told_to_stop, *life.ended);
  std::sort(stretches.begin(), stretches.end());
  Duration sum{0};
  Instant covered = life.started;
  for (auto [from, to] : stretches) {
    to = std::min(to, *life.ended);
    from = std::max(from, covered);
    if (to <= from) continue;
    sum += to - from;
    covered = to;
  }
  return sum;
}

void Checks::settle() {
  for (const auto& [id, life] : lives_) {
    if (life.exempt || !life.ended) continue;
    const Duration owed_time = owed(life);
    if (owed_time == life.billed) continue;
    journal_.violation(fmt::format("{} was billed {:.9f} s, owes {:.9f} s", id.str(),
                                   to_seconds(life.billed), to_seconds(owed_time)));
  }
}

int Checks::living(const RevisionId& revision) const {
  const auto found = promises_.find(revision);
  return found == promises_.end() ? 0 : static_cast<int>(found->second.living.size());
}

}  // namespace thaw::sim
