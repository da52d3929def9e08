// CORS: which pages of other sites a bucket lets in. Pure.
//
// **Thread**: any. **Owner**: values. **Limits**: none. Source: the Fetch standard; Cloud Storage's
// "CORS configuration".
#pragma once

#include <optional>

#include "base/json.h"
#include "http/message.h"

namespace thaw::storage_api {

/// The headers that let `request` in by the rules of a bucket's "cors"; nullopt: none does.
/// For a preflight (OPTIONS) they are its whole answer.
std::optional<http::Headers> cors_headers(const Json& rules, const http::Request& request);

}  // namespace thaw::storage_api
