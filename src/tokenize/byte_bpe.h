// Byte-level BPE, the tokenizer of GPT-2 and RoBERTa: words to bytes, bytes merged by rank.
//
// Thread: any, once made. Owner: values. Limits: none beside the memory for the text; a word of n
// bytes costs n log n.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenize/token.h"

namespace thaw::tokenize {

struct ByteBpeOptions {
  bool add_prefix_space = false;
  bool trim_offsets = true;
};

/// The printable characters that stand for the 256 bytes in vocabularies (a space is U+0120).
const std::array<char32_t, 256>& byte_characters();
/// Their inverse; -1: the character stands for no byte.
int byte_of_character(char32_t character);

class ByteBpe {
 public:
  explicit ByteBpe(ByteBpeOptions options) : options_(options) { byte_ids_.fill(-1); }
  void set_byte(uint8_t byte, int32_t id) { byte_ids_[byte] = id; }
  /// Merges are added in the order of their rank, the best first. A pair given twice keeps its
  /// first rank.
  void add_merge(int32_t left, int32_t right, int32_t merged);
  /// How many bytes of a token are spaces at its ends; for the offsets.
  void set_spaces(int32_t id, uint8_t leading, uint8_t trailing);

  /// Appends the tokens of text[begin, end), words counted on from `word`.
  void tokenize(std::u32string_view text, size_t begin, size_t end, int32_t& word,
                std::vector<Token>& out) const;

 private:
  struct Merge {
    uint64_t pair = 0;
    int32_t rank = -1;  // free
    int32_t id = 0;
  };
  struct Spaces {
    uint8_t leading = 0, trailing = 0;
  };
  struct Symbol {
    int32_t id, previous, next;  // neighbours, -1 at the ends; id -1: merged away
    int32_t first_byte, last_byte;
  };
  const Merge* find(int32_t left, int32_t right) const;
  void merge_all(std::vector<Symbol>& symbols) const;
  enum class Prefix { kNone, kSpace };
  void add_word(std::u32string_view word, int32_t offset, int32_t index, Prefix prefix,
                std::vector<Token>& out) const;

  ByteBpeOptions options_;
  std::array<int32_t, 256> byte_ids_;
  std::vector<Merge> merges_;
  int32_t merge_count_ = 0;
  std::vector<Spaces> spaces_;
};

}  // namespace thaw::tokenize
