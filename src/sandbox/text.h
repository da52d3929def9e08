// Reading the kernel's text files: splitting and number fields.
//
// Not for input of users: what is missing or malformed reads as empty or 0.
// Thread: any. Owner: returned views live as long as the text.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace thaw::sandbox {

std::string_view trim(std::string_view text);
std::vector<std::string_view> split(std::string_view text, char separator);

/// The rest of the first line "name:rest" or "name rest"; empty when there is none.
std::string_view field(std::string_view text, std::string_view name);

/// The leading digits as a number, saturated at INT64_MAX; 0 when there is none.
int64_t number(std::string_view text);

}  // namespace thaw::sandbox
