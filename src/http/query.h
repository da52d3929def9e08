// Paths and queries of a request's target: splitting and percent-decoding.
// Thread: any. Limits: none of its own; a target is at most 16 KiB. Source: RFC 3986.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace thaw::http {

using Query = std::vector<std::pair<std::string, std::string>>;

enum class Plus { kIsPlus, kIsSpace };
/// nullopt when a '%' is not followed by two hex digits.
std::optional<std::string> percent_decode(std::string_view text, Plus plus = Plus::kIsPlus);
/// Leaves letters, digits and -._~ as they are.
std::string percent_encode(std::string_view text);

/// "a=1&b=%20" in its order; '+' is a space. Malformed escapes are kept as they are.
Query parse_query(std::string_view text);
/// The first value, or nullopt.
std::optional<std::string_view> find(const Query& query, std::string_view name);

/// "/b/my%2Fname" -> {"b", "my/name"}. nullopt when an escape is malformed.
std::optional<std::vector<std::string>> split_path(std::string_view path);

}  // namespace thaw::http
