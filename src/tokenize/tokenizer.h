// Tokenizer: a model folder's tokenizer, from tokenizer.json or from its vocabulary files.
//
// WordPiece (BERT's cleaning and splitting) and byte-level BPE; other kinds are refused by name.
// Thread: any, once open. Owner: values. Limits: files of 64 MiB, ids below 16 million; texts of
// any length (2^31 code points).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tokenize/token.h"

namespace thaw::tokenize {

/// Which of two texts loses tokens: the longer one, or only this one.
enum class Cut { kLongestFirst, kOnlyFirst, kOnlySecond };

class Tokenizer {
 public:
  static constexpr int64_t kMostIds = 16'000'000;

  /// kNotFound: neither tokenizer.json nor vocab.txt nor vocab.json with merges.txt;
  /// kInvalidArgument: a fault, with the file and the key.
  /// kOutOfRange: an id that is not below `most_ids`; no memory was taken for those before it.
  static Result<Tokenizer> open(const std::string& folder, int64_t most_ids = kMostIds);
  /// From the text of a tokenizer.json.
  static Result<Tokenizer> parse(std::string_view json, int64_t most_ids = kMostIds);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  /// The tokens of a text, added ones within it cut out, none put around it.
  std::vector<Token> tokenize(std::string_view text) const;

  /// With the special tokens around it, cut on the right to `most` items in all.
  Encoding encode(std::string_view text, size_t most) const;
  /// Cut until `most` items are left, as far as what may be cut has tokens.
  Encoding encode_pair(std::string_view first, std::string_view second, size_t most,
                       Cut cut = Cut::kLongestFirst) const;
  /// The same of tokens that were made before.
  Encoding assemble(std::span<const Token> text) const;
  Encoding assemble_pair(std::span<const Token> first, std::span<const Token> second) const;
  /// How many items the two add.
  size_t specials_of_one() const;
  size_t specials_of_pair() const;

  /// The token as the vocabulary writes it; "" for an id that is not there.
  std::string_view text_of(int32_t id) const;
  /// The tokens as a text again, as far as they tell.
  enum class Specials { kShow, kLeaveOut };
  std::string decode(std::span<const int32_t> ids, Specials specials = Specials::kShow) const;
  std::string join(std::span<const std::string> tokens) const;
  /// Of those that tokenizer.json calls so; they are no part of a text to be read.
  bool is_special(int32_t id) const;
  std::optional<int32_t> id_of(std::string_view token) const;
  std::optional<int32_t> mask_id() const;
  std::optional<int32_t> padding_id() const;
  std::optional<int32_t> unknown_id() const;
  size_t vocabulary_size() const;  // the highest id and one
  /// Tokens are bytes, so that whether one begins a word is told by the space before it.
  bool is_byte_level() const;
  /// What a piece that goes on a word begins with ("##"); "" at byte level.
  std::string_view continuing_prefix() const;

  struct State;  // tokenizer_state.h

 private:
  explicit Tokenizer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace thaw::tokenize
