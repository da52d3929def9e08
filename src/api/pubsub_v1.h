// Pub/Sub's REST API, v1: topics, subscriptions, snapshots, publish, pull and acknowledge, as
// gcloud and the client libraries call it.
//
// **Thread**: the loop's. **Owner**: loop and bus outlive the routes. **Limits**: a waiting pull is
// answered after 90 s, or after X-Server-Timeout if that is sooner.
#pragma once

#include <vector>

#include "api/router.h"
#include "io/loop.h"
#include "messaging/bus.h"

namespace thaw::api {

std::vector<Route> pubsub_v1_routes(messaging::Bus& bus);

}  // namespace thaw::api
