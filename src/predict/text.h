// The few things that reading words from people takes. Thread: any. Owner: values; views returned
// refer to the argument.
#pragma once

#include <string>
#include <string_view>

#include "http/text.h"

namespace thaw::predict {

using http::lower_case;
using http::trim;

/// `text` in quotes for an error message: at most 40 bytes, control and non-ASCII bytes escaped.
std::string quoted_value(std::string_view text);

/// `text` with what moves a terminal's cursor or colours escaped: control bytes and C1 codes.
std::string printable(std::string_view text);

}  // namespace thaw::predict
