// The HTTP request that carries stream entries to a service: CloudEvents 1.0 (binary mode for one
// entry, a batch for several) or Pub/Sub's push envelope. Pure.
//
// **Thread**: any. **Owner**: values. **Limits**: none of its own.
#pragma once

#include <vector>

#include "http/message.h"
#include "messaging/source_config.h"

namespace thaw::messaging {

/// `entries` is not empty; more than one only with Envelope::kCloudEvent. `attempt` counts from 1.
/// A single CloudEvent: headers ce-id (the entry's id), ce-source, ce-type, ce-specversion,
/// ce-time, ce-subject (the stream), ce-partitionkey (of ordering), the data as the body. A batch:
/// application/cloudevents-batch+json. The data is the field dataField, or all fields as a JSON
/// object of strings.
http::Request envelope_of(const SourceConfig& config,
                          const std::vector<const StreamEntry*>& entries, int attempt);

}  // namespace thaw::messaging
