// Dates as HTTP writes them. Thread: any. Source: RFC 9110, 5.6.7.
#pragma once

#include <string>

#include "base/time.h"

namespace thaw::http {

/// "Mon, 23 Nov 2026 01:02:03 GMT".
std::string format_http_date(WallTime time);

}  // namespace thaw::http
