// Identity tokens: the key set that verifies them, and who asks for one (as IAM Credentials' API).
//
// Thread: the loop's. Owner: guard outlives the routes.
#pragma once

#include <vector>

#include "api/router.h"
#include "identity/guard.h"

namespace thaw::api {

std::vector<Route> identity_v1_routes(identity::Guard& guard);

}  // namespace thaw::api
