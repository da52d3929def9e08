// WordPiece, BERT's tokenizer: splits a text, then takes the longest known pieces.
//
// Thread: any, once made. Owner: values. Limits: a word of more than max_word code points is one
// unknown token; else none beside the memory for the text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenize/normalizer.h"
#include "tokenize/token.h"

namespace thaw::tokenize {

struct WordPieceOptions {
  /// BERT's words: at white space, each symbol its own. kWhitespace: letters and their like, or
  /// others, together. kWhitespaceSplit: at white space only.
  enum class Split { kBert, kWhitespace, kWhitespaceSplit } split = Split::kBert;
  std::u32string continuing_prefix = U"##";
  int32_t unknown_id = 0;
  size_t max_word = 100;
};

/// Pieces by their code points; open addressing, made once.
class PieceTable {
 public:
  void add(std::u32string_view piece, int32_t id);
  struct Match {
    int32_t id = -1;  // none
    size_t length = 0;
  };
  /// The longest piece that `text` begins with.
  Match longest(std::u32string_view text) const;

 private:
  struct Slot {
    uint64_t hash = 0;
    uint32_t at = 0;      // in pool_
    uint32_t length = 0;  // 0: free
    int32_t id = -1;
  };
  void grow();
  bool holds(const Slot& slot, uint64_t hash, std::u32string_view piece) const;
  const Slot* find(uint64_t hash, std::u32string_view piece) const;

  std::vector<Slot> slots_;
  std::u32string pool_;
  size_t count_ = 0;
  size_t longest_ = 0;
};

class WordPiece {
 public:
  explicit WordPiece(WordPieceOptions options) : options_(std::move(options)) {}
  void add(std::u32string_view piece, int32_t id);

  /// Appends the tokens of the text, words counted on from `word`.
  void tokenize(const TextPart& text, int32_t& word, std::vector<Token>& out) const;

 private:
  void add_word(const TextPart& text, size_t begin, size_t end, int32_t index,
                std::vector<Token>& out) const;

  WordPieceOptions options_;
  PieceTable first_;       // pieces that begin a word
  PieceTable continuing_;  // the others, without their prefix
};

}  // namespace thaw::tokenize
