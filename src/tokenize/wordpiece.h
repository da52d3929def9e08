// WordPiece, BERT's tokenizer: cleans and splits a text, then takes the longest known pieces.
//
// Thread: any, once made. Owner: values. Limits: a word of more than max_word code points is one
// unknown token; else none beside the memory for the text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tokenize/token.h"

namespace thaw::tokenize {

struct WordPieceOptions {
  bool clean_text = true;
  bool split_ideographs = true;
  bool strip_accents = true;
  bool lower_case = true;
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

  /// Appends the tokens of text[begin, end), words counted on from `word`.
  void tokenize(std::u32string_view text, size_t begin, size_t end, int32_t& word,
                std::vector<Token>& out) const;

 private:
  void add_word(std::u32string_view word, const int32_t* origin, int32_t index,
                std::vector<Token>& out) const;

  WordPieceOptions options_;
  PieceTable first_;       // pieces that begin a word
  PieceTable continuing_;  // the others, without their prefix
};

}  // namespace thaw::tokenize
