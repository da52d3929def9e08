// Routes of Redis-stream sources: make, list, show, delete.
//
// **Thread**: the loop's. **Owner**: the rooms outlive the routes. **Limits**: Sources::kMost.
#pragma once

#include <vector>

#include "api/router.h"
#include "control/control.h"
#include "messaging/sources.h"

namespace thaw::api {

std::vector<Route> sources_v1_routes(const control::Controller& control,
                                     messaging::Sources& sources);

}  // namespace thaw::api
