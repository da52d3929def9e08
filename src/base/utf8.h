// Texts in UTF-8 (RFC 3629: no overlong forms, no surrogates).
// Thread: any. Owner: values. Limits: none.
#pragma once

#include <cstddef>
#include <string_view>

namespace thaw {

/// Whether the bytes are text.
bool is_utf8(std::string_view text);

/// At most so many bytes of the beginning, cut where a character ends.
std::string_view utf8_prefix(std::string_view text, size_t most_bytes);

}  // namespace thaw
