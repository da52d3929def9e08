// Triggers: an event of a bucket or a topic, sent to a service as a CloudEvent.
//
// Written as Eventarc's triggers are (eventFilters, destination.cloudRun, transport.pubsub). A
// trigger is made of what is there anyway: a topic of its own, a notification of the bucket, and a
// push subscription whose `x-thaw-format` says that pushes are CloudEvents in binary mode. So
// retries and dead letters are those of subscriptions.
//
// Thread: any. Owner: values. Limits: those of file.h.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "spec/node.h"
#include "spec/report.h"

namespace thaw::pipeline {

/// What a trigger is made of, in the file's own shapes (not yet with full names).
struct TriggerParts {
  std::vector<Json> topics;
  std::vector<Json> subscriptions;
  std::vector<Json> notifications;
};

/// Of one entry of `triggers`, which passed the table of fields. Faults go to `report`.
TriggerParts expand_trigger(const spec::Node& trigger, spec::Report& report);

}  // namespace thaw::pipeline
