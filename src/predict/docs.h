// The pages that say how a model server is called: an OpenAPI document of the forecasts', and a
// page of both servers on which a browser tries whatever /openapi.json lists. Thread: any. Owner:
// values. Limits: none.
#pragma once

#include <string>

#include "http/message.h"

namespace thaw::predict {

/// HTML that loads nothing but openapi.json from beside it.
http::Response docs_page();

/// Of the forecast server; `fitted`: it has a model already and takes no histories.
enum class Serves { kFits, kFittedModel };
std::string forecast_openapi(Serves serves);

}  // namespace thaw::predict
