// Writing the first part of a response's head. No I/O.
// Thread: any. Owner: views die at return.
#pragma once

#include <string>

#include "http/message.h"

namespace thaw::http {

/// The status line and `response`'s headers, appended to `out`. Content-Length, Transfer-Encoding
/// and Connection are left to the caller, who ends the head; a malformed header is a BUG and left
/// out, so that no value can split the response.
void append_status_and_headers(std::string& out, const Response& response);

}  // namespace thaw::http
