// Revision: one deployed template of a service. Only its state ever changes.
//
// **Thread**: any. **Owner**: values. **Limits**: none of its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/id.h"
#include "base/time.h"
#include "serving/events.h"
#include "spec/service.h"

namespace thaw::control {

struct Revision {
  RevisionId name;
  ServiceId service;
  std::string uid;
  int64_t number = 0;              // 1, 2, ... within the service, never used twice
  int64_t service_generation = 0;  // the generation that made it
  WallTime created{};
  spec::RevisionTemplate template_;  // defaults applied
  serving::RevisionState state;
  /// It was ready once: it may take traffic, whatever `state` says now.
  bool was_ready = false;
  WallTime state_since{};

  /// It was tried out and did not come up, and has never been ready.
  bool failed() const { return !was_ready && state.ready == serving::RevisionState::Ready::kFalse; }
  bool pending() const {
    return !was_ready && state.ready == serving::RevisionState::Ready::kUnknown;
  }
};

/// Cloud Run's revision conditions: Ready, ContainerHealthy, ResourcesAvailable, Active.
/// `reachable`: traffic or a tag leads to it.
enum class Traffic { kNone, kSome };
std::vector<spec::Condition> conditions_of(const Revision& revision, Traffic traffic);

}  // namespace thaw::control
