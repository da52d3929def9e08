// CloudEvents in binary mode, as Eventarc sends them: the event's attributes as ce-* headers, its
// data as the body. Pure.
//
// Source: CloudEvents' HTTP binding 1.0, Eventarc's events of Cloud Storage and Pub/Sub.
// **Thread**: any. **Owner**: values. **Limits**: none.
#pragma once

#include "http/message.h"
#include "messaging/subscription.h"

namespace thaw::messaging {

/// Whether a subscription's pushes are CloudEvents: pushConfig.attributes has x-thaw-format.
bool wants_cloud_events(const Subscription& subscription);

/// A bucket's notification becomes google.cloud.storage.object.v1.*, with the object's resource as
/// its data; any other message google.cloud.pubsub.topic.v1.messagePublished, with the push's
/// envelope `wrapped` as its data. Without Host and Authorization.
http::Request cloud_event(const Subscription& subscription, const Stored& stored,
                          std::string wrapped);

}  // namespace thaw::messaging
