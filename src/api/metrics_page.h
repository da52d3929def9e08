// The page that Prometheus reads: counters of telemetry, and what the rooms say is true now.
// Thread: the loop's. Owner: the rooms outlive the call.
#pragma once

#include <string>

#include "api/api.h"

namespace thaw::api {

std::string metrics_page(const Rooms& rooms, const ApiOptions& options);

}  // namespace thaw::api
