// What a Tokenizer is made of, for the files that fill it in. Thread: any. Owner: values.
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "tokenize/added_tokens.h"
#include "tokenize/byte_bpe.h"
#include "tokenize/normalizer.h"
#include "tokenize/tokenizer.h"
#include "tokenize/wordpiece.h"

namespace thaw {
class Json;
}

namespace thaw::tokenize {

/// A token of a template: a special one, or all of a text.
struct TemplatePart {
  int32_t sequence = -1;  // 0, 1: this text
  int32_t id = -1;        // else this special token
  int32_t type = 0;
};

/// Token texts by id and back. Views refer to the texts, which never move nor change.
class Vocabulary {
 public:
  /// Ids are below it.
  void limit(int64_t most_ids) { most_ids_ = std::min(most_ids, Tokenizer::kMostIds); }
  Status add(std::string text, int64_t id);
  /// Call when all are there.
  void index();
  std::optional<int32_t> find(std::string_view text) const;
  std::string_view text_of(int32_t id) const;
  const std::deque<std::string>& texts() const { return texts_; }

 private:
  int64_t most_ids_ = Tokenizer::kMostIds;
  std::deque<std::string> texts_;  // by id; "": none
  std::unordered_map<std::string_view, int32_t> ids_;
};

/// White space, and the character that stands for a space in byte-level vocabularies, at the ends
/// of a token; for the offsets.
struct EndSpaces {
  int32_t leading = 0, trailing = 0;
};
EndSpaces end_spaces(std::u32string_view token);

/// How offsets leave out the white space at a token's ends.
struct Trimming {
  /// A single leading space of the first token may be one that was added, and stays.
  bool keeps_first_space = false;
};

/// How tokens become a text again.
enum class Decoding { kWordPiece, kBytes, kSpaces };

struct Tokenizer::State {
  Vocabulary vocabulary;
  AddedTokens added;             // looked for in the text as it is
  AddedTokens added_normalized;  // looked for in the normalized text
  std::unordered_set<int32_t> added_ids;
  std::unordered_set<int32_t> special;  // left out of texts that are to be read
  Normalizer normalizer;
  std::variant<WordPiece, ByteBpe> model = ByteBpe({});
  std::string continuing_prefix;
  std::string unknown = "[UNK]";
  std::string mask;
  std::string padding;
  std::vector<TemplatePart> one;
  std::vector<TemplatePart> pair;
  std::optional<Trimming> trimming;
  std::vector<EndSpaces> spaces;  // by id; filled where offsets are trimmed
  Decoding decoding = Decoding::kWordPiece;
  std::string decoder_prefix = "##";
  bool decoder_cleans_up = true;  // WordPiece: no space before punctuation
  bool cleans_up_texts = false;   // the same of whole texts

  /// Adds the token to those that are cut out of texts. Call when the normalizer is there.
  struct Added {
    std::string text;
    int32_t id = 0;
    bool takes_space_left = false, takes_space_right = false, single_word = false;
    bool is_normalized = false, is_special = true;
  };
  void add(const Added& token);
  bool is_added(int32_t id) const { return added_ids.contains(id); }
  /// Fills `spaces`. Call when the vocabulary is there.
  void find_spaces();
};

/// `json` is a whole tokenizer.json.
Result<std::unique_ptr<Tokenizer::State>> state_from_json(const Json& json, int64_t most_ids);
/// vocab.txt, or vocab.json and merges.txt.
Result<std::unique_ptr<Tokenizer::State>> state_from_files(const std::string& folder,
                                                           int64_t most_ids);
/// What tokenizer_config.json and special_tokens_map.json say beside a tokenizer.json.
Status apply_settings(const std::string& folder, Tokenizer::State& state);

/// An added token as tokenizer.json and tokenizer_config.json describe it.
Tokenizer::State::Added added_token(const Json& json, const std::string& text, int32_t id);

/// Fills `model` from the vocabulary.
Status make_wordpiece(Tokenizer::State& state, WordPieceOptions options);
struct MergePair {
  std::string left, right;
};
Status make_byte_bpe(Tokenizer::State& state, const ByteBpeOptions& options,
                     const std::vector<MergePair>& merges);

}  // namespace thaw::tokenize
