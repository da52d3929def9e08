// Base64: bytes that must travel as text. RFC 4648, sections 4 and 5.
// Thread: any. Owner: values. Limits: none of its own.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace thaw {

/// With padding: what JSON bodies of Google's APIs carry.
std::string base64(std::string_view bytes);
/// The URL's alphabet, without padding: what tokens carry.
std::string base64_url(std::string_view bytes);

/// Takes both alphabets, with or without padding, as protobuf's JSON form does. nullopt for any
/// other character, a length that cannot be, or bits that are left over.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace thaw
