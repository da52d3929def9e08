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

#include "tokenize/normalizer.h"
#include "tokenize/token.h"

namespace thaw::tokenize {

struct ByteBpeOptions {
  bool add_prefix_space = false;
  /// Of bytes that the vocabulary does not have; -1: they are left out.
  int32_t unknown_id = -1;
  bool fuses_unknown = false;  // neighbours become one
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

  /// Appends the tokens of the text, words counted on from `word`.
  void tokenize(const TextPart& text, int32_t& word, std::vector<Token>& out) const;

 private:
  struct Merge {
    uint64_t pair = 0;
    int32_t rank = -1;  // free
    int32_t id = 0;
  };
  struct Symbol {
    int32_t id, previous, next;  // neighbours, -1 at the ends; id -1: merged away
    int32_t first_byte, last_byte;
  };
  const Merge* find(int32_t left, int32_t right) const;
  void merge_all(std::vector<Symbol>& symbols) const;
  std::vector<Symbol> symbols_of(std::string_view bytes) const;
  enum class Prefix { kNone, kSpace };
  void add_word(const TextPart& text, size_t begin, size_t end, int32_t index, Prefix prefix,
                std::vector<Token>& out) const;

  ByteBpeOptions options_;
  std::array<int32_t, 256> byte_ids_;
  std::vector<Merge> merges_;
  int32_t merge_count_ = 0;
};

}  // namespace thaw::tokenize
