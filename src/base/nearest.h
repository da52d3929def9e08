// nearest(): the name that a mistyped word most likely meant.
//
// For messages ("did you mean 'containers'?"), never for deciding what to do.
// Thread: any. Owner: values. Limits: words over 64 bytes have no nearest name.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace thaw {

/// Edits between two words: insertions, deletions, replacements and swaps of neighbours (the
/// restricted Damerau-Levenshtein distance), capital letters counted as small ones.
size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate with the fewest edits, the first of equals; nullopt when all are too far off: more
/// than a third of the word's length, though one edit is always near for three letters and more.
std::optional<std::string> nearest(std::string_view word,
                                   std::span<const std::string_view> candidates);

}  // namespace thaw
