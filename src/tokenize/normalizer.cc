#include "tokenize/normalizer.h"

#include <algorithm>
#include <array>
#include <utility>

#include "tokenize/unicode.h"

namespace thaw::tokenize {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

struct Range {
  char32_t first, last;
};
/// As the library `tokenizers` has them: extension E begins at U+2B820, but 256 characters later
/// there.
constexpr std::array<Range, 8> kIdeographs = {{{0x3400, 0x4DBF},
                                               {0x4E00, 0x9FFF},
                                               {0xF900, 0xFAFF},
                                               {0x20000, 0x2A6DF},
                                               {0x2A700, 0x2B73F},
                                               {0x2B740, 0x2B81F},
                                               {0x2B920, 0x2CEAF},
                                               {0x2F800, 0x2FA1F}}};

bool is_ideograph(char32_t code) {
  if (code < kIdeographs[0].first) return false;
  return std::ranges::any_of(
      kIdeographs, [&](const Range& range) { return code >= range.first && code <= range.last; });
}

bool is_ascii(const Normalized& text) {
  return std::ranges::all_of(text.codes, [](char32_t code) { return code < 0x80; });
}

/// Keeps the characters for which keep(code) holds.
template <class Keep>
void filter(Normalized& text, const Keep& keep) {
  size_t kept = 0;
  for (size_t i = 0; i < text.codes.size(); ++i) {
    if (!keep(text.codes[i])) continue;
    text.codes[kept] = text.codes[i];
    text.origin[kept++] = text.origin[i];
  }
  text.codes.resize(kept);
  text.origin.resize(kept);
}

void clean(Normalized& text) {
  filter(text, [](char32_t code) {
    if (code == '\t' || code == '\n' || code == '\r') return true;
    return code != 0 && code != kReplacement && !is_control(code);
  });
  for (char32_t& code : text.codes) {
    if (is_white_space(code)) code = ' ';
  }
}

void split_ideographs(Normalized& text) {
  if (std::ranges::none_of(text.codes, is_ideograph)) return;
  Normalized out;
  for (size_t i = 0; i < text.codes.size(); ++i) {
    const bool apart = is_ideograph(text.codes[i]);
    if (apart) out.add(' ', text.origin[i]);
    out.add(text.codes[i], text.origin[i]);
    if (apart) out.add(' ', text.origin[i]);
  }
  text = std::move(out);
}

/// Combining marks of one base are sorted by class, as NFD wants it. Where they come from is told
/// by their place, as in the library `tokenizers`, also of those that have changed it.
void sort_marks(Normalized& text) {
  const size_t size = text.codes.size();
  for (size_t i = 1; i < size; ++i) {
    if (text.codes[i] < 0x80) continue;
    const int own = combining_class(text.codes[i]);
    if (own == 0) continue;
    // Insertion sort: runs of marks are short; a run of hostile length is left as it is.
    constexpr size_t kLongestRun = 64;
    for (size_t j = i; j > 0 && i - j < kLongestRun && combining_class(text.codes[j - 1]) > own;
         --j) {
      std::swap(text.codes[j], text.codes[j - 1]);
    }
  }
}

/// Each code becomes those that `append` gives for it, which have its origin.
void replace_each(Normalized& text, void (*append)(std::u32string& to, char32_t code)) {
  Normalized out;
  std::u32string parts;
  for (size_t i = 0; i < text.codes.size(); ++i) {
    parts.clear();
    append(parts, text.codes[i]);
    for (const char32_t part : parts) out.add(part, text.origin[i]);
  }
  text = std::move(out);
}

void decompose(Normalized& text) {
  if (is_ascii(text)) return;
  replace_each(text, append_decomposed);
  sort_marks(text);
}

void lower_case(Normalized& text) {
  if (is_ascii(text)) {
    for (char32_t& code : text.codes) {
      if (code >= 'A' && code <= 'Z') code += 0x20;
    }
    return;
  }
  replace_each(text, append_lower);
}

}  // namespace

Normalized Normalizer::run(std::u32string_view text, size_t begin, size_t end) const {
  Normalized out;
  out.codes = text.substr(begin, end - begin);
  out.origin.reserve(end - begin);
  for (size_t i = begin; i < end; ++i) out.origin.push_back(static_cast<int32_t>(i));
  for (const Step step : steps_) {
    switch (step) {
      case Step::kClean:
        clean(out);
        break;
      case Step::kSplitIdeographs:
        split_ideographs(out);
        break;
      case Step::kDecompose:
        decompose(out);
        break;
      case Step::kDropNonspacing:
        filter(out, [](char32_t code) { return !is_nonspacing_mark(code); });
        break;
      case Step::kDropMarks:
        filter(out, [](char32_t code) { return !is_mark(code); });
        break;
      case Step::kLowerCase:
        lower_case(out);
        break;
    }
  }
  return out;
}

}  // namespace thaw::tokenize
