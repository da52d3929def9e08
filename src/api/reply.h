// Replies: answers of the API in Google's shapes. Pure.
//
// **Thread**: any. **Owner**: values. **Limits**: none.
#pragma once

#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "http/message.h"
#include "spec/report.h"

namespace thaw::api {

http::Response json_reply(const Json& body, int status = 200);

/// {"error": {"code", "message", "status"}}, with the fields of `violations` in "details" as
/// google.rpc.BadRequest. The one place where an Error becomes a status (base/result.h).
http::Response error_reply(const Error& error,
                           const std::vector<spec::FieldViolation>& violations = {});
/// With any `details`, an array of google.protobuf.Any.
http::Response error_reply(const Error& error, Json details);

/// serving.knative.dev/v1 list: {"apiVersion", "kind": "<kind>List", "metadata", "items"}.
Json list_of(std::string_view kind, Json::Array items);

}  // namespace thaw::api
