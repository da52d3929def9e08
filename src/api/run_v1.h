// Cloud Run's v1 API (Knative serving.knative.dev/v1): services and revisions.
//
// Wire formats: contract 4.1, 4.2. **Thread**: the loop's. **Owner**: the controller outlives the
// routes. **Limits**: none of its own.
#pragma once

#include <string>
#include <vector>

#include "api/router.h"
#include "control/control.h"
#include "identity/guard.h"

namespace thaw::api {

std::vector<Route> run_v1_routes(control::Controller& control, identity::Guard& guard);

/// The v1 shape of a revision, with labels and conditions. `parent`: its namespace.
Json revision_json(const control::Revision& revision, control::Traffic traffic,
                   const std::string& parent);

}  // namespace thaw::api
