// Guard: which requests the API answers at all. Pure.
//
// The API asks for no password, so a web page in the user's browser must not reach it: neither by a
// name of its own that resolves to 127.0.0.1 (DNS rebinding: the Host header gives it away) nor by
// a cross-origin request (Origin or Sec-Fetch-Site do). Pages of deployed services are such pages
// too: their origin is the gateway's, not the API's.
// **Thread**: any. **Owner**: values. **Limits**: none.
#pragma once

#include "base/result.h"
#include "http/message.h"

namespace thaw::api {

/// OK when both hold:
/// - The host (of an absolute-form target, as gcloud sends it through a proxy, else the Host
///   header) is an IP address, localhost, or a name below .localhost or .local: none that a public
///   name server can lead here.
/// - Without Origin, or with the one whose host and port are those of the request itself; and
///   without Sec-Fetch-Site, or with same-origin or none.
/// kPermissionDenied says which header was the fault.
Status admit(const http::Request& request);
/// The first of them.
Status admit_host(const http::Request& request);
/// The first, for buckets: also storage.googleapis.com and what is below it.
Status admit_storage_host(const http::Request& request);
/// The second.
Status admit_origin(const http::Request& request);

}  // namespace thaw::api
