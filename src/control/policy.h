// What control decides, as pure functions: names, where traffic leads, readiness, scale bounds.
//
// **Thread**: any. **Owner**: values. **Limits**: none.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/time.h"
#include "control/revision.h"
#include "control/routes.h"
#include "spec/service.h"

namespace thaw::control {

/// A service's revisions by number, oldest first.
using RevisionTable = std::map<int64_t, Revision>;

/// "demo-00007-xyz": Cloud Run's form.
std::string revision_name(std::string_view service, int64_t number, std::string_view suffix);

/// The newest that was ever ready; null when there is none.
const Revision* latest_ready(const RevisionTable& revisions);
const Revision* latest_created(const RevisionTable& revisions);
const Revision* find_revision(const RevisionTable& revisions, std::string_view name);

/// What the wanted traffic leads to now. Traffic moves as a whole: while one target has no ready
/// revision, everything stays as it was (knative-api-specification 1.0, Route).
struct TrafficDecision {
  /// Copies of the wanted targets, each with its revision's name; nullopt: stay.
  std::optional<std::vector<spec::TrafficTarget>> assigned;
  spec::ConditionStatus ready = spec::ConditionStatus::kTrue;  // of RoutesReady
  std::string reason;
  std::string message;
};
TrafficDecision decide_traffic(const std::vector<spec::TrafficTarget>& wanted,
                               const RevisionTable& revisions);

/// The host names of a service: itself first, then its tags in order.
std::vector<Route> routes_of(const ServiceId& service,
                             const std::vector<spec::TrafficTarget>& assigned);

/// Ready, ConfigurationsReady and RoutesReady. A condition that keeps its status keeps its
/// transition time of `before`.
std::vector<spec::Condition> service_conditions(const RevisionTable& revisions,
                                                const TrafficDecision& traffic,
                                                const std::vector<spec::Condition>& before,
                                                WallTime now);

/// The percent of the service's requests that go to `revision`; 0 when only a tag leads to it;
/// nullopt when nothing does.
std::optional<int> share_of(const RevisionId& revision,
                            const std::vector<spec::TrafficTarget>& assigned);

struct Bounds {
  int min_instances = 0;
  int max_instances = 0;

  bool operator==(const Bounds&) const = default;
};
/// The revision's own bounds narrowed by its part of the service's (contract 1.6: limits of a
/// service are divided by traffic percent; the minimum rounds up, the maximum down but not
/// below 1). Revisions with 0 % are bound by their own only. With manual scaling both are its part.
Bounds scale_bounds(Bounds revision, const spec::Scaling& service, int percent);

/// Whether a deploy of this template starts an instance and waits for it: not when annotation
/// run.googleapis.com/health-check-disabled is "true" or autoscaling.knative.dev/initial-scale
/// is "0".
enum class Trial { kStartOne, kNone };
Trial trial_of(const spec::RevisionTemplate& revision);

/// "http://demo.localhost:8080" from "http://localhost:8080", or "http://v2---demo...." with a tag.
std::string service_url(std::string_view base_url, std::string_view service, std::string_view tag);

/// An RFC 4122 version 4 name from two random numbers.
std::string uuid_of(uint64_t high, uint64_t low);

}  // namespace thaw::control
