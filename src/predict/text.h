// The few things that reading words from people takes. Thread: any. Owner: values; views returned
// refer to the argument.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace thaw::predict {

/// Without spaces and tabs at both ends.
std::string_view trimmed(std::string_view text);

/// ASCII only.
std::string lower_case(std::string_view text);

/// `text` in quotes for an error message: at most 40 bytes, control and non-ASCII bytes escaped.
std::string quoted_value(std::string_view text);

/// `text` with what moves a terminal's cursor or colours escaped: control bytes and C1 codes.
std::string printable(std::string_view text);

/// The candidate with the fewest edits (insert, delete, replace, swap of neighbours), case
/// ignored, if that is at most a third of the longer name; else "".
/// Limits: names over 64 bytes are near to nothing.
std::string_view nearest_name(std::string_view name, std::span<const std::string_view> candidates);

}  // namespace thaw::predict
