// is_utf8(): whether bytes are text (RFC 3629: no overlong forms, no surrogates).
// Thread: any. Owner: values. Limits: none.
#pragma once

#include <string_view>

namespace thaw {

bool is_utf8(std::string_view text);

}  // namespace thaw
