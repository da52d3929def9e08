// Trailers: the fields behind a chunked body. No I/O.
// Thread: any. Owner: values. Source: RFC 9110, 6.5; RFC 9112, 7.1.2.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "http/headers.h"

namespace thaw::http {

/// Whether a field of that name may stand in trailers: not those that frame, route or control the
/// message, which was passed on long ago.
bool may_be_trailer(std::string_view name);

/// `lines` as BodyReader keeps them. Fields that may not stand here are left out; nullopt: a line
/// is malformed.
std::optional<Headers> parse_trailers(std::string_view lines);

/// The end of a chunked body with `trailers`. A malformed one is a BUG and left out.
void append_last_chunk(std::string& out, const Headers& trailers);

}  // namespace thaw::http
