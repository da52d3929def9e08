// Routes of the records of pipelines: what `thaw apply` has made.
//
// **Thread**: the loop's. **Owner**: the catalog outlives the routes. **Limits**: the catalog's.
#pragma once

#include <vector>

#include "api/router.h"
#include "pipeline/catalog.h"

namespace thaw::api {

std::vector<Route> pipelines_v1_routes(pipeline::Catalog& catalog);

}  // namespace thaw::api
