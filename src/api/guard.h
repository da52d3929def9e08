// Guard: which requests the API answers at all. Pure.
//
// The API asks for no password, so a web page in the user's browser must not reach it: neither by a
// name of its own that resolves to 127.0.0.1 (DNS rebinding: the Host header gives it away) nor by
// a cross-origin request (the Origin header does).
// **Thread**: any. **Owner**: values. **Limits**: none.
#pragma once

#include "base/result.h"
#include "http/message.h"

namespace thaw::api {

/// OK for a Host that is an IP address, localhost or a name below .localhost or .local (also in an
/// absolute-form target, as gcloud sends it when pointed at a local server), and without a foreign
/// Origin. kPermissionDenied says which header was the fault.
Status admit(const http::Request& request);

}  // namespace thaw::api
