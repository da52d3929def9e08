// Wire formats: domains.cloudrun.com/v1, DomainMapping. **Thread**: the loop's. **Owner**: the
// rooms outlive the routes. **Limits**: none of its own.
#pragma once

#include <vector>

#include "api/router.h"
#include "control/control.h"
#include "domains/domains.h"

namespace thaw::api {

std::vector<Route> domains_v1_routes(const control::Controller& control, domains::Domains& domains);

}  // namespace thaw::api
