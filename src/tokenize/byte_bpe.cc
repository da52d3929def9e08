#include "tokenize/byte_bpe.h"

#include <algorithm>
#include <queue>

#include "tokenize/unicode.h"

namespace thaw::tokenize {
namespace {

constexpr size_t kFirstSlots = 1024;
constexpr char32_t kFirstStandIn = 0x100;

bool is_shown_as_itself(int byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

size_t slot_of(uint64_t pair, size_t mask) {
  return static_cast<size_t>(pair * 0x9E3779B97F4A7C15U >> 32U) & mask;
}

uint64_t pair_of(int32_t left, int32_t right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32U | static_cast<uint32_t>(right);
}

/// Length of an English contraction at text[at], which is an apostrophe; 0: none.
size_t contraction(std::u32string_view text, size_t at) {
  const std::u32string_view rest = text.substr(at + 1, 2);
  if (rest == U"re" || rest == U"ve" || rest == U"ll") return 3;
  if (rest.empty()) return 0;
  return std::u32string_view(U"stmd").find(rest[0]) == std::u32string_view::npos ? 0 : 2;
}

enum class Kind { kLetter, kNumber, kSpace, kOther };
Kind kind_of(char32_t code) {
  if (is_letter(code)) return Kind::kLetter;
  if (is_white_space(code)) return Kind::kSpace;
  return is_number(code) ? Kind::kNumber : Kind::kOther;
}

size_t run_end(std::u32string_view text, size_t at, Kind kind) {
  while (at < text.size() && kind_of(text[at]) == kind) ++at;
  return at;
}

/// The end of the word that begins at `at`: 's 't 're 've 'm 'll 'd, or letters, numbers or others
/// with one space before them, or white space without the last one before a word, or white space.
size_t word_end(std::u32string_view text, size_t at) {
  if (text[at] == '\'') {
    if (const size_t length = contraction(text, at)) return at + length;
  }
  const Kind kind = kind_of(text[at]);
  if (kind != Kind::kSpace) return run_end(text, at, kind);
  if (text[at] == ' ' && at + 1 < text.size()) {
    const Kind next = kind_of(text[at + 1]);
    if (next != Kind::kSpace) return run_end(text, at + 1, next);
  }
  const size_t end = run_end(text, at, Kind::kSpace);
  return end == text.size() || end == at + 1 ? end : end - 1;
}

struct Candidate {
  int32_t rank, left, right_id, left_id;
  bool operator>(const Candidate& other) const {
    return rank != other.rank ? rank > other.rank : left > other.left;
  }
};

}  // namespace

const std::array<char32_t, 256>& byte_characters() {
  static const std::array<char32_t, 256> table = [] {
    std::array<char32_t, 256> made = {};
    char32_t next = kFirstStandIn;
    for (int byte = 0; byte < 256; ++byte) {
      made[static_cast<size_t>(byte)] =
          is_shown_as_itself(byte) ? static_cast<char32_t>(byte) : next++;
    }
    return made;
  }();
  return table;
}

int byte_of_character(char32_t character) {
  const auto& table = byte_characters();
  const auto found = std::ranges::find(table, character);
  return found == table.end() ? -1 : static_cast<int>(found - table.begin());
}

void ByteBpe::add_merge(int32_t left, int32_t right, int32_t merged) {
  if (find(left, right)) return;
  if (2 * (static_cast<size_t>(merge_count_) + 1) > merges_.size()) {
    const std::vector<Merge> old = std::move(merges_);
    merges_.assign(std::max(kFirstSlots, old.size() * 2), {});
    for (const Merge& merge : old) {
      if (merge.rank < 0) continue;
      size_t at = slot_of(merge.pair, merges_.size() - 1);
      while (merges_[at].rank >= 0) at = (at + 1) & (merges_.size() - 1);
      merges_[at] = merge;
    }
  }
  const uint64_t pair = pair_of(left, right);
  size_t at = slot_of(pair, merges_.size() - 1);
  while (merges_[at].rank >= 0) at = (at + 1) & (merges_.size() - 1);
  merges_[at] = {pair, merge_count_++, merged};
}

const ByteBpe::Merge* ByteBpe::find(int32_t left, int32_t right) const {
  if (merges_.empty()) return nullptr;
  const uint64_t pair = pair_of(left, right);
  const size_t mask = merges_.size() - 1;
  for (size_t at = slot_of(pair, mask); merges_[at].rank >= 0; at = (at + 1) & mask) {
    if (merges_[at].pair == pair) return &merges_[at];
  }
  return nullptr;
}

void ByteBpe::merge_all(std::vector<Symbol>& symbols) const {
  std::vector<Candidate> heap;
  heap.reserve(symbols.size());
  const auto offer = [&](int32_t left) {
    const int32_t right = left < 0 ? -1 : symbols[static_cast<size_t>(left)].next;
    if (right < 0) return;
    const int32_t left_id = symbols[static_cast<size_t>(left)].id;
    const int32_t right_id = symbols[static_cast<size_t>(right)].id;
    const Merge* merge = find(left_id, right_id);
    if (!merge) return;
    heap.push_back({merge->rank, left, right_id, left_id});
    std::ranges::push_heap(heap, std::greater<>());
  };
  for (size_t i = 0; i + 1 < symbols.size(); ++i) offer(static_cast<int32_t>(i));
  while (!heap.empty()) {
    std::ranges::pop_heap(heap, std::greater<>());
    const Candidate best = heap.back();
    heap.pop_back();
    Symbol& left = symbols[static_cast<size_t>(best.left)];
    if (left.id != best.left_id || left.next < 0) continue;  // one of the two has changed
    Symbol& right = symbols[static_cast<size_t>(left.next)];
    if (right.id != best.right_id) continue;
    left.id = find(best.left_id, best.right_id)->id;
    left.last_byte = right.last_byte;
    left.next = right.next;
    right.id = -1;
    if (left.next >= 0) symbols[static_cast<size_t>(left.next)].previous = best.left;
    offer(left.previous);
    offer(best.left);
  }
}

std::vector<ByteBpe::Symbol> ByteBpe::symbols_of(std::string_view bytes) const {
  std::vector<Symbol> symbols;
  symbols.reserve(bytes.size());
  bool was_unknown = false;
  for (size_t i = 0; i < bytes.size(); ++i) {
    int32_t id = byte_ids_[static_cast<uint8_t>(bytes[i])];
    const bool is_unknown = id < 0;
    if (is_unknown) id = options_.unknown_id;
    if (id < 0) continue;
    const auto byte = static_cast<int32_t>(i);
    if (is_unknown && was_unknown && options_.fuses_unknown) {
      symbols.back().last_byte = byte;
      continue;
    }
    was_unknown = is_unknown;
    const auto at = static_cast<int32_t>(symbols.size());
    symbols.push_back({id, at - 1, -1, byte, byte});
    if (at > 0) symbols[static_cast<size_t>(at) - 1].next = at;
  }
  return symbols;
}

void ByteBpe::add_word(const TextPart& text, size_t begin, size_t end, int32_t index, Prefix prefix,
                       std::vector<Token>& out) const {
  std::string bytes;
  std::vector<int32_t> origin;  // code point of each byte
  if (prefix == Prefix::kSpace) {
    bytes += ' ';
    origin.push_back(text.origin_of(begin));
  }
  for (size_t i = begin; i < end; ++i) {
    append_utf8(bytes, text.codes[i]);
    origin.resize(bytes.size(), text.origin_of(i));
  }
  std::vector<Symbol> symbols = symbols_of(bytes);
  merge_all(symbols);
  for (int32_t i = symbols.empty() ? -1 : 0; i >= 0; i = symbols[static_cast<size_t>(i)].next) {
    const Symbol& symbol = symbols[static_cast<size_t>(i)];
    out.push_back({symbol.id, origin[static_cast<size_t>(symbol.first_byte)],
                   origin[static_cast<size_t>(symbol.last_byte)] + 1, index});
  }
}

void ByteBpe::tokenize(const TextPart& text, int32_t& word, std::vector<Token>& out) const {
  const std::u32string_view codes = text.codes;
  size_t at = 0;
  if (!codes.empty() && options_.add_prefix_space && codes[0] != ' ') {
    // The space is put before the text, and takes part in the splitting: it belongs to a first word
    // of letters, numbers or others, and is white space like another before white space.
    const Kind kind = kind_of(codes[0]);
    at = run_end(codes, 0, kind);
    if (kind == Kind::kSpace && at < codes.size()) --at;
    add_word(text, 0, at, word++, Prefix::kSpace, out);
  }
  while (at < codes.size()) {
    const size_t stop = word_end(codes, at);
    add_word(text, at, stop, word++, Prefix::kNone, out);
    at = stop;
  }
}

}  // namespace thaw::tokenize
