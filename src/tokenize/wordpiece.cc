#include "tokenize/wordpiece.h"

#include <algorithm>
#include <array>

#include "tokenize/unicode.h"

namespace thaw::tokenize {
namespace {

constexpr uint64_t kHashStart = 0xCBF29CE484222325U;  // FNV-1a
constexpr uint64_t kHashFactor = 0x100000001B3U;
constexpr size_t kFirstSlots = 1024;

uint64_t add_to_hash(uint64_t hash, char32_t code) { return (hash ^ code) * kHashFactor; }
/// The low bits of FNV are weak for short texts.
size_t slot_of(uint64_t hash, size_t mask) { return static_cast<size_t>(hash ^ hash >> 29) & mask; }

/// A word of its own: every ASCII symbol, and Unicode's punctuation.
bool stands_alone(char32_t code) {
  if (code >= 0x80) return is_punctuation(code);
  return code > ' ' && code < 0x7F && !is_letter(code) && !is_number(code);
}

/// The end of the word that begins at `at`, which is no white space.
size_t word_end(std::u32string_view text, size_t at, WordPieceOptions::Split split) {
  using Split = WordPieceOptions::Split;
  size_t stop = at + 1;
  if (split == Split::kBert && stands_alone(text[at])) return stop;
  const bool is_word = is_word_part(text[at]);
  for (; stop < text.size() && !is_white_space(text[stop]); ++stop) {
    if (split == Split::kBert && stands_alone(text[stop])) break;
    if (split == Split::kWhitespace && is_word_part(text[stop]) != is_word) break;
  }
  return stop;
}

}  // namespace

void PieceTable::add(std::u32string_view piece, int32_t id) {
  if (piece.empty()) return;
  if (2 * (count_ + 1) > slots_.size()) grow();
  uint64_t hash = kHashStart;
  for (const char32_t code : piece) hash = add_to_hash(hash, code);
  const size_t mask = slots_.size() - 1;
  size_t at = slot_of(hash, mask);
  for (; slots_[at].length; at = (at + 1) & mask) {
    if (!holds(slots_[at], hash, piece)) continue;
    slots_[at].id = id;  // of a piece that is there twice the later one counts
    return;
  }
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
    if (holds(slots_[at], hash, piece)) return &slots_[at];
  }
  return nullptr;
}

bool PieceTable::holds(const Slot& slot, uint64_t hash, std::u32string_view piece) const {
  return slot.hash == hash && slot.length == piece.size() &&
         std::u32string_view(pool_).substr(slot.at, slot.length) == piece;
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

void WordPiece::tokenize(const TextPart& text, int32_t& word, std::vector<Token>& out) const {
  for (size_t i = 0; i < text.codes.size();) {
    if (is_white_space(text.codes[i])) {
      ++i;
      continue;
    }
    const size_t stop = word_end(text.codes, i, options_.split);
    add_word(text, i, stop, word++, out);
    i = stop;
  }
}

void WordPiece::add_word(const TextPart& text, size_t begin, size_t end, int32_t index,
                         std::vector<Token>& out) const {
  const size_t before = out.size();
  const auto add = [&](int32_t id, size_t first, size_t length) {
    out.push_back({id, text.origin_of(first), text.origin_of(first + length - 1) + 1, index});
  };
  const std::u32string_view word = text.codes.substr(begin, end - begin);
  size_t at = 0;
  while (at < word.size() && word.size() <= options_.max_word) {
    const auto match = (at == 0 ? first_ : continuing_).longest(word.substr(at));
    if (match.id < 0) break;
    add(match.id, begin + at, match.length);
    at += match.length;
  }
  if (at == word.size()) return;
  out.resize(before);
  add(options_.unknown_id, begin, word.size());
}

}  // namespace thaw::tokenize
