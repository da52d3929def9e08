// Names of HTTP statuses. Thread: any. Source: IANA's registry.
#pragma once

#include <string_view>

namespace thaw::http {

/// "Not Found"; "Unknown" for a number without a name.
std::string_view reason_phrase(int status);

}  // namespace thaw::http
