// The half of Controller that speaks with serving and the gateway: who runs, where routes lead, and
// how revisions fare.
#include <algorithm>
#include <utility>

#include "base/log.h"
#include "control/control.h"
#include "control/runtime_config.h"
#include "spec/workers.h"

namespace thaw::control {

using serving::Reachability;
using Ready = serving::RevisionState::Ready;

Controller::Told Controller::wanted_of(const Entry& entry, const Revision& revision) const {
  const spec::Service& service = entry.record.service;
  auto percent = share_of(revision.name, service.status.traffic);
  // A revision on trial is held to the share it will have.
  if (revision.pending()) {
    int coming = percent.value_or(0);
    for (const spec::TrafficTarget& target : service.traffic) {
      if (target.latest_revision || target.revision_name == revision.name.str()) {
        coming += target.percent.value_or(0);
      }
    }
    percent = std::min(coming, 100);
  }
  spec::Scaling scaling = service.scaling;
  const bool followed = spec::has_trigger(revision.template_);
  if (service.kind == spec::ServiceKind::kWorkerPool && !scaling.manual_instances && !followed) {
    // Cloud Run's default: one.
    const int least =
        std::max(own_bounds(revision).min_instances, scaling.min_instances.value_or(0));
    scaling.manual_instances = std::max(1, least);
  }
  return {scale_bounds(own_bounds(revision), scaling, percent.value_or(0)),
          percent ? Reachability::kReachable : Reachability::kUnreachable};
}

// First what gets requests, then the routes to it, then what gets none any more: no request meets
// a revision that serving does not know.
void Controller::tell(Entry& entry) {
  tell_those(entry, Reachability::kReachable);
  publish_routes(entry);
  tell_those(entry, Reachability::kUnreachable);
}

void Controller::tell_those(Entry& entry, Reachability which) {
  for (const auto& [number, revision] : entry.revisions) {
    const Told wanted = wanted_of(entry, revision);
    if (wanted.reachability != which) continue;
    const auto known = entry.told.find(number);
    const bool first = known == entry.told.end();
    // What nothing leads to and serving never knew need not be told.
    if (first ? which == Reachability::kUnreachable : known->second == wanted) continue;
    const Runtime runtime{options_.serve_argv, options_.instance_env, entry.record.service.kind};
    serving::RevisionConfig config =
        runtime_config(revision, runtime, wanted.bounds, wanted.reachability);
    config.initial_instances = first && revision.pending() ? 1 : 0;
    entry.told.insert_or_assign(number, wanted);
    listener_.on_run(config);
  }
}

void Controller::publish_routes(Entry& entry) {
  const spec::Service& service = entry.record.service;
  if (service.kind == spec::ServiceKind::kWorkerPool) return;
  const ServiceId id(service.metadata.name);
  Routes routes = routes_of(id, service.status.traffic);
  if (routes == entry.routes) return;
  entry.routes = std::move(routes);
  listener_.on_routes(id, entry.routes);
}

Routes Controller::routes() const {
  Routes all;
  for (const auto& [id, entry] : entries_) {
    all.insert(all.end(), entry.routes.begin(), entry.routes.end());
  }
  return all;
}

void Controller::install(const ServiceId& service, Entry entry,
                         const std::vector<RevisionId>& dropped) {
  for (const auto& [number, revision] : entry.revisions) owners_.emplace(revision.name, service);
  Entry& kept = entries_[service] = std::move(entry);
  tell(kept);
  for (const RevisionId& name : dropped) {
    owners_.erase(name);
    listener_.on_retire(name);
  }
  std::erase_if(kept.told, [&](const auto& told) { return !kept.revisions.contains(told.first); });
}

void Controller::on_revision_state(const RevisionId& name, const serving::RevisionState& state) {
  const auto owner = owners_.find(name);
  if (owner == owners_.end()) return;
  Entry& entry = entries_.at(owner->second);
  const int64_t number = find_revision(entry.revisions, name.str())->number;
  Revision& revision = entry.revisions.at(number);
  const bool first_verdict = !revision.was_ready && state.ready != Ready::kUnknown;
  if (revision.state.ready != state.ready) revision.state_since = now();
  revision.state = state;
  if (state.ready == Ready::kTrue) revision.was_ready = true;
  refresh(entry);
  if (first_verdict) {
    Change change;
    change.put_service = entry.record;
    change.put_revisions.push_back(revision);
    // What is lost here is found out again: after a restart the revision is tried out once more.
    if (auto kept = catalog_.commit(change); !kept) {
      log_error("the state of a revision was not kept",
                {{"revision", name}, {"error", kept.error().message()}});
    }
  }
  tell(entry);
}

}  // namespace thaw::control
