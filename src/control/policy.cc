#include "control/policy.h"

#include <fmt/format.h>

#include <algorithm>

namespace thaw::control {
namespace {

using spec::Condition;
using spec::ConditionStatus;
using spec::TrafficTarget;
using Ready = serving::RevisionState::Ready;

ConditionStatus status_of(Ready ready) {
  switch (ready) {
    case Ready::kTrue:
      return ConditionStatus::kTrue;
    case Ready::kFalse:
      return ConditionStatus::kFalse;
    case Ready::kUnknown:
      return ConditionStatus::kUnknown;
  }
  return ConditionStatus::kUnknown;
}

// Cloud Run's words for a revision that does not come up.
std::string not_ready_text(const Revision& revision) {
  return fmt::format("Revision '{}' is not ready and cannot serve traffic.{}{}",
                     revision.name.str(), revision.state.message.empty() ? "" : " ",
                     revision.state.message);
}

void worsen(TrafficDecision& decision, ConditionStatus status, std::string_view reason,
            std::string message) {
  const bool worse =
      decision.ready == ConditionStatus::kTrue ||
      (decision.ready == ConditionStatus::kUnknown && status == ConditionStatus::kFalse);
  if (!worse) return;
  decision.ready = status;
  decision.reason = reason;
  decision.message = std::move(message);
}

Condition configurations_ready(const RevisionTable& revisions) {
  Condition condition{.type = "ConfigurationsReady"};
  const Revision* latest = latest_created(revisions);
  if (latest == nullptr) return condition;
  condition.status = status_of(latest->state.ready);
  if (condition.status == ConditionStatus::kFalse) {
    condition.reason = latest->state.reason.empty() ? "RevisionFailed" : latest->state.reason;
    condition.message = not_ready_text(*latest);
  } else if (condition.status == ConditionStatus::kUnknown) {
    condition.reason = "Deploying";
    condition.message = fmt::format("Revision '{}' is being tried out.", latest->name.str());
  }
  return condition;
}

// Of the revision named by a target, or of the latest.
const Revision* target_revision(const TrafficTarget& target, const RevisionTable& revisions) {
  if (!target.latest_revision) return find_revision(revisions, target.revision_name);
  const Revision* ready = latest_ready(revisions);
  return ready != nullptr ? ready : latest_created(revisions);
}

}  // namespace

std::string revision_name(std::string_view service, int64_t number, std::string_view suffix) {
  return fmt::format("{}-{:05}-{}", service, number, suffix);
}

const Revision* latest_ready(const RevisionTable& revisions) {
  for (auto it = revisions.rbegin(); it != revisions.rend(); ++it) {
    if (it->second.was_ready) return &it->second;
  }
  return nullptr;
}

const Revision* latest_created(const RevisionTable& revisions) {
  return revisions.empty() ? nullptr : &revisions.rbegin()->second;
}

const Revision* find_revision(const RevisionTable& revisions, std::string_view name) {
  for (auto it = revisions.rbegin(); it != revisions.rend(); ++it) {
    if (it->second.name.str() == name) return &it->second;
  }
  return nullptr;
}

TrafficDecision decide_traffic(const std::vector<TrafficTarget>& wanted,
                               const RevisionTable& revisions) {
  TrafficDecision decision;
  std::vector<TrafficTarget> assigned;
  bool complete = true;
  for (const TrafficTarget& target : wanted) {
    const Revision* revision = target_revision(target, revisions);
    if (revision == nullptr) {
      complete = false;
      worsen(decision, ConditionStatus::kFalse, "RevisionMissing",
             fmt::format("Revision '{}' does not exist.", target.revision_name));
      continue;
    }
    if (!revision->was_ready) {
      complete = false;
      if (revision->failed()) {
        worsen(decision, ConditionStatus::kFalse, "RevisionFailed", not_ready_text(*revision));
      } else {
        worsen(decision, ConditionStatus::kUnknown, "Deploying",
               fmt::format("Waiting for revision '{}' to be ready.", revision->name.str()));
      }
    } else if (revision->state.ready == Ready::kFalse) {
      worsen(decision, ConditionStatus::kFalse, revision->state.reason, not_ready_text(*revision));
    }
    TrafficTarget copy = target;
    copy.revision_name = revision->name.str();
    copy.url.clear();
    assigned.push_back(std::move(copy));
  }
  if (complete) decision.assigned = std::move(assigned);
  return decision;
}

std::vector<Route> routes_of(const ServiceId& service, const std::vector<TrafficTarget>& assigned) {
  Route main{service, "", {}};
  std::map<std::string, Route> tagged;
  for (const TrafficTarget& target : assigned) {
    const RevisionId revision(target.revision_name);
    if (!target.tag.empty()) {
      tagged[target.tag] = Route{service, target.tag, {Share{revision, 100}}};
    }
    const int percent = target.percent.value_or(0);
    if (percent == 0) continue;
    const auto same = std::find_if(main.shares.begin(), main.shares.end(),
                                   [&](const Share& share) { return share.revision == revision; });
    if (same == main.shares.end()) {
      main.shares.push_back({revision, percent});
    } else {
      same->percent += percent;
    }
  }
  std::vector<Route> routes{std::move(main)};
  for (auto& [tag, route] : tagged) routes.push_back(std::move(route));
  return routes;
}

std::vector<Condition> service_conditions(const RevisionTable& revisions,
                                          const TrafficDecision& traffic,
                                          const std::vector<Condition>& before, WallTime now) {
  const Condition configurations = configurations_ready(revisions);
  const Condition routes{.type = "RoutesReady",
                         .status = traffic.ready,
                         .reason = traffic.reason,
                         .message = traffic.message};
  Condition ready{.type = "Ready", .status = ConditionStatus::kTrue};
  for (const ConditionStatus bad : {ConditionStatus::kFalse, ConditionStatus::kUnknown}) {
    for (const Condition* part : {&configurations, &routes}) {
      if (part->status != bad || ready.status != ConditionStatus::kTrue) continue;
      ready.status = bad;
      ready.reason = part->reason;
      ready.message = part->message;
    }
  }
  std::vector<Condition> all{ready, configurations, routes};
  for (Condition& condition : all) {
    condition.last_transition_time = now;
    for (const Condition& old : before) {
      if (old.type == condition.type && old.status == condition.status &&
          old.last_transition_time) {
        condition.last_transition_time = old.last_transition_time;
      }
    }
  }
  return all;
}

std::vector<Condition> conditions_of(const Revision& revision, Traffic traffic) {
  const ConditionStatus status = status_of(revision.state.ready);
  Condition ready{.type = "Ready",
                  .status = status,
                  .reason = revision.state.reason,
                  .message = revision.state.message,
                  .last_transition_time = revision.state_since};
  Condition healthy = ready;
  healthy.type = "ContainerHealthy";
  Condition resources{.type = "ResourcesAvailable",
                      .status = ConditionStatus::kTrue,
                      .last_transition_time = revision.created};
  Condition active{.type = "Active",
                   .status = ConditionStatus::kTrue,
                   .severity = "Info",
                   .last_transition_time = revision.state_since};
  if (traffic == Traffic::kNone && !revision.pending()) {
    active.status = ConditionStatus::kFalse;
    active.reason = "Retired";
    active.message = "Revision retired.";
  }
  return {ready, active, healthy, resources};
}

std::optional<int> share_of(const RevisionId& revision,
                            const std::vector<TrafficTarget>& assigned) {
  std::optional<int> percent;
  for (const TrafficTarget& target : assigned) {
    if (target.revision_name != revision.str()) continue;
    percent = percent.value_or(0) + target.percent.value_or(0);
  }
  return percent;
}

Bounds scale_bounds(Bounds revision, const spec::Scaling& service, int percent) {
  Bounds bounds = revision;
  if (service.manual_instances) {
    const int part = static_cast<int>((int64_t{*service.manual_instances} * percent + 99) / 100);
    return {part, part};
  }
  if (percent > 0) {
    if (service.max_instances && *service.max_instances > 0) {
      const int part = static_cast<int>(int64_t{*service.max_instances} * percent / 100);
      bounds.max_instances = std::min(bounds.max_instances, std::max(part, 1));
    }
    if (service.min_instances) {
      const int part = static_cast<int>((int64_t{*service.min_instances} * percent + 99) / 100);
      bounds.min_instances = std::max(bounds.min_instances, part);
    }
  }
  bounds.min_instances = std::min(bounds.min_instances, bounds.max_instances);
  return bounds;
}

Trial trial_of(const spec::RevisionTemplate& revision) {
  const spec::StringMap& annotations = revision.metadata.annotations;
  const auto is = [&](std::string_view key, std::string_view value) {
    const auto found = annotations.find(key);
    return found != annotations.end() && found->second == value;
  };
  constexpr std::string_view kDisabled = "run.googleapis.com/health-check-disabled";
  const bool none = is(kDisabled, "true") || is(kDisabled, "True") || is(kDisabled, "TRUE") ||
                    is("autoscaling.knative.dev/initial-scale", "0") ||
                    is("autoscaling.knative.dev/initialScale", "0");
  return none ? Trial::kNone : Trial::kStartOne;
}

std::string service_url(std::string_view base_url, std::string_view service, std::string_view tag) {
  const size_t scheme = base_url.find("://");
  const size_t host = scheme == std::string_view::npos ? 0 : scheme + 3;
  return fmt::format("{}{}{}{}.{}", base_url.substr(0, host), tag, tag.empty() ? "" : "---",
                     service, base_url.substr(host));
}

std::string uuid_of(uint64_t high, uint64_t low) {
  high = (high & ~uint64_t{0xf000}) | 0x4000;
  low = (low & ~(uint64_t{3} << 62)) | (uint64_t{1} << 63);
  return fmt::format("{:08x}-{:04x}-{:04x}-{:04x}-{:012x}", high >> 32, (high >> 16) & 0xffff,
                     high & 0xffff, low >> 48, low & 0xffffffffffff);
}

}  // namespace thaw::control
