// Bytes that must travel in JSON. Thread: any. Owner: values. Limits: none.
#pragma once

#include <string>
#include <string_view>

namespace thaw::cli {

/// RFC 4648, section 4, with padding.
std::string base64(std::string_view bytes);

}  // namespace thaw::cli
