#include "base/nearest.h"

#include <algorithm>
#include <array>

namespace thaw {
namespace {

constexpr size_t kLongestWord = 64;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool same(char a, char b) { return lower(a) == lower(b); }

}  // namespace

size_t edit_distance(std::string_view a, std::string_view b) {
  if (a.size() > kLongestWord || b.size() > kLongestWord) return std::max(a.size(), b.size());
  // Three rows of the table are enough: this one, the last, and for swaps the one before it.
  using Row = std::array<size_t, kLongestWord + 1>;
  Row before{}, last{}, row{};
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = last[j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1])) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before = last;
    last = row;
  }
  return last[b.size()];
}

std::optional<std::string> nearest(std::string_view word,
                                   std::span<const std::string_view> candidates) {
  if (word.empty() || word.size() > kLongestWord) return std::nullopt;
  size_t fewest = word.size() < 3 ? 0 : std::max<size_t>(1, word.size() / 3);
  std::optional<std::string> best;
  for (std::string_view candidate : candidates) {
    const size_t edits = edit_distance(word, candidate);
    if (edits > fewest || (best && edits == fewest)) continue;
    fewest = edits;
    best = std::string(candidate);
  }
  return best;
}

}  // namespace thaw
