#include "tokenize/wordpiece.h"

#include <algorithm>
#include <array>

#include "tokenize/unicode.h"

namespace thaw::tokenize {
namespace {

constexpr uint64_t kHashStart = 0xCBF29CE484222325U;  // FNV-1a
constexpr uint64_t kHashFactor = 0x100000001B3U;
constexpr size_t kFirstSlots = 1024;
constexpr char32_t kReplacement = 0xFFFD;

uint64_t add_to_hash(uint64_t hash, char32_t code) { return (hash ^ code) * kHashFactor; }
/// The low bits of FNV are weak for short texts.
size_t slot_of(uint64_t hash, size_t mask) { return static_cast<size_t>(hash ^ hash >> 29) & mask; }

struct Range {
  char32_t first, last;
};
constexpr std::array<Range, 8> kIdeographs = {{{0x3400, 0x4DBF},
                                               {0x4E00, 0x9FFF},
                                               {0xF900, 0xFAFF},
                                               {0x20000, 0x2A6DF},
                                               {0x2A700, 0x2B73F},
                                               {0x2B740, 0x2B81F},
                                               {0x2B820, 0x2CEAF},
                                               {0x2F800, 0x2FA1F}}};

bool is_ideograph(char32_t code) {
  if (code < kIdeographs[0].first) return false;
  return std::ranges::any_of(
      kIdeographs, [&](const Range& range) { return code >= range.first && code <= range.last; });
}

/// A word of its own: every ASCII symbol, and Unicode's punctuation.
bool stands_alone(char32_t code) {
  if (code >= 0x80) return is_punctuation(code);
  return code > ' ' && code < 0x7F && !is_letter(code) && !is_number(code);
}

/// A text after normalization; origin[i] is where in the text code i comes from.
struct Normalized {
  std::u32string codes;
  std::vector<int32_t> origin;

  void add(char32_t code, int32_t from) {
    codes += code;
    origin.push_back(from);
  }
};

/// Combining marks of one base are sorted by class, as NFD wants it.
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
      std::swap(text.origin[j], text.origin[j - 1]);
    }
  }
}

void clean(const WordPieceOptions& options, char32_t code, int32_t from, Normalized& out) {
  if (options.clean_text) {
    const bool is_kept_control = code == '\t' || code == '\n' || code == '\r';
    if (code == 0 || code == kReplacement || (!is_kept_control && is_control(code))) return;
    if (is_white_space(code)) code = ' ';
  }
  if (options.split_ideographs && is_ideograph(code)) {
    out.add(' ', from);
    out.add(code, from);
    out.add(' ', from);
  } else {
    out.add(code, from);
  }
}

Normalized without_accents(const Normalized& text) {
  Normalized out;
  std::u32string parts;
  for (size_t i = 0; i < text.codes.size(); ++i) {
    parts.clear();
    append_decomposed(parts, text.codes[i]);
    for (const char32_t part : parts) out.add(part, text.origin[i]);
  }
  sort_marks(out);
  size_t kept = 0;
  for (size_t i = 0; i < out.codes.size(); ++i) {
    if (is_nonspacing_mark(out.codes[i])) continue;
    out.codes[kept] = out.codes[i];
    out.origin[kept++] = out.origin[i];
  }
  out.codes.resize(kept);
  out.origin.resize(kept);
  return out;
}

Normalized lower_case(const Normalized& text) {
  Normalized out;
  std::u32string parts;
  for (size_t i = 0; i < text.codes.size(); ++i) {
    parts.clear();
    append_lower(parts, text.codes[i]);
    for (const char32_t part : parts) out.add(part, text.origin[i]);
  }
  return out;
}

}  // namespace

void PieceTable::add(std::u32string_view piece, int32_t id) {
  if (piece.empty()) return;
  if (2 * (count_ + 1) > slots_.size()) grow();
  uint64_t hash = kHashStart;
  for (const char32_t code : piece) hash = add_to_hash(hash, code);
  const size_t mask = slots_.size() - 1;
  size_t at = slot_of(hash, mask);
  while (slots_[at].length) at = (at + 1) & mask;
  slots_[at] = {hash, static_cast<uint32_t>(pool_.size()), static_cast<uint32_t>(piece.size()), id};
  pool_ += piece;
  longest_ = std::max(longest_, piece.size());
  ++count_;
}

void PieceTable::grow() {
  const std::vector<Slot> old = std::move(slots_);
  slots_.assign(std::max(kFirstSlots, old.size() * 2), {});
  const size_t mask = slots_.size() - 1;
  for (const Slot& slot : old) {
    if (!slot.length) continue;
    size_t at = slot_of(slot.hash, mask);
    while (slots_[at].length) at = (at + 1) & mask;
    slots_[at] = slot;
  }
}

const PieceTable::Slot* PieceTable::find(uint64_t hash, std::u32string_view piece) const {
  const size_t mask = slots_.size() - 1;
  for (size_t at = slot_of(hash, mask); slots_[at].length; at = (at + 1) & mask) {
    const Slot& slot = slots_[at];
    if (slot.hash == hash && slot.length == piece.size() &&
        std::u32string_view(pool_).substr(slot.at, slot.length) == piece) {
      return &slot;
    }
  }
  return nullptr;
}

PieceTable::Match PieceTable::longest(std::u32string_view text) const {
  constexpr size_t kMostCodes = 256;  // of one piece; longer ones are never taken
  const size_t most = std::min({text.size(), longest_, kMostCodes});
  std::array<uint64_t, kMostCodes> hashes;  // of the text's beginnings
  uint64_t hash = kHashStart;
  for (size_t i = 0; i < most; ++i) hashes[i] = hash = add_to_hash(hash, text[i]);
  for (size_t length = most; length > 0; --length) {
    const Slot* slot = find(hashes[length - 1], text.substr(0, length));
    if (slot) return {slot->id, length};
  }
  return {};
}

void WordPiece::add(std::u32string_view piece, int32_t id) {
  first_.add(piece, id);
  if (piece.starts_with(options_.continuing_prefix)) {
    continuing_.add(piece.substr(options_.continuing_prefix.size()), id);
  }
}

void WordPiece::tokenize(std::u32string_view text, size_t begin, size_t end, int32_t& word,
                         std::vector<Token>& out) const {
  Normalized clean_text;
  clean_text.codes.reserve(end - begin);
  clean_text.origin.reserve(end - begin);
  for (size_t i = begin; i < end; ++i)
    clean(options_, text[i], static_cast<int32_t>(i), clean_text);
  const bool is_ascii =
      std::ranges::all_of(clean_text.codes, [](char32_t code) { return code < 0x80; });
  if (options_.strip_accents && !is_ascii) clean_text = without_accents(clean_text);
  if (options_.lower_case && is_ascii) {
    for (char32_t& code : clean_text.codes) {
      if (code >= 'A' && code <= 'Z') code += 0x20;
    }
  } else if (options_.lower_case) {
    clean_text = lower_case(clean_text);
  }
  const std::u32string_view codes = clean_text.codes;
  for (size_t i = 0; i < codes.size();) {
    if (is_white_space(codes[i])) {
      ++i;
      continue;
    }
    size_t stop = i + 1;
    if (!stands_alone(codes[i])) {
      while (stop < codes.size() && !is_white_space(codes[stop]) && !stands_alone(codes[stop]))
        ++stop;
    }
    add_word(codes.substr(i, stop - i), clean_text.origin.data() + i, word++, out);
    i = stop;
  }
}

void WordPiece::add_word(std::u32string_view word, const int32_t* origin, int32_t index,
                         std::vector<Token>& out) const {
  const size_t before = out.size();
  const auto add = [&](int32_t id, size_t first, size_t length) {
    out.push_back({id, origin[first], origin[first + length - 1] + 1, index});
  };
  size_t at = 0;
  while (at < word.size() && word.size() <= options_.max_word) {
    const auto match = (at == 0 ? first_ : continuing_).longest(word.substr(at));
    if (match.id < 0) break;
    add(match.id, at, match.length);
    at += match.length;
  }
  if (at == word.size()) return;
  out.resize(before);
  add(options_.unknown_id, 0, word.size());
}

}  // namespace thaw::tokenize
