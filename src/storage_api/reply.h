// Replies of the Cloud Storage API: JSON bodies and errors in Google's form. Pure.
//
// **Thread**: any. **Owner**: values. **Limits**: none.
#pragma once

#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "http/message.h"

namespace thaw::storage_api {

http::Response json_reply(const Json& body, int status = 200);
http::Response empty_reply(int status = 204);
/// {"error": {"code", "message", "errors": [{"domain", "reason", "message"}]}}. The one place where
/// the store's errors become statuses: a condition that fails is 412, no room on the disk 507.
http::Response error_reply(const Error& error);
http::Response error_reply(int status, std::string_view reason, std::string_view message);

}  // namespace thaw::storage_api
