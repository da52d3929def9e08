// Pub/Sub's REST API, v1: topics, subscriptions, snapshots, publish, pull and acknowledge, as
// gcloud and the client libraries call it. What the methods do: pubsub_api/service.h.
//
// **Thread**: the loop's. **Owner**: the service outlives the routes. **Limits**: a waiting pull is
// answered after 90 s, or after X-Server-Timeout if that is sooner.
#pragma once

#include <vector>

#include "api/router.h"
#include "pubsub_api/service.h"

namespace thaw::api {

std::vector<Route> pubsub_v1_routes(pubsub_api::Service& service);

}  // namespace thaw::api
