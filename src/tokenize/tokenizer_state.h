// What a Tokenizer is made of, for the files that fill it in. Thread: any. Owner: values.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "tokenize/byte_bpe.h"
#include "tokenize/special_tokens.h"
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

/// Token texts by id and back. Views refer to texts_, which does not move once filled.
class Vocabulary {
 public:
  static constexpr int64_t kHighestId = 16'000'000;
  Status add(std::string text, int64_t id);
  /// Call when all are there.
  void index();
  std::optional<int32_t> find(std::string_view text) const;
  std::string_view text_of(int32_t id) const;
  const std::vector<std::string>& texts() const { return texts_; }

 private:
  std::vector<std::string> texts_;  // by id; "": none
  std::unordered_map<std::string_view, int32_t> ids_;
};

struct Tokenizer::State {
  Vocabulary vocabulary;
  SpecialTokens specials;
  std::variant<WordPiece, ByteBpe> model = ByteBpe({});
  std::string continuing_prefix;
  std::string unknown = "[UNK]";
  std::string mask;
  std::vector<TemplatePart> one;
  std::vector<TemplatePart> pair;
  bool decoder_cleans_up = true;  // WordPiece: no space before punctuation
};

/// What the two ways of loading share. `json` is a whole tokenizer.json.
Result<std::unique_ptr<Tokenizer::State>> state_from_json(const Json& json);
/// vocab.txt, or vocab.json and merges.txt.
Result<std::unique_ptr<Tokenizer::State>> state_from_files(const std::string& folder);

/// Fills `model` from the vocabulary.
Status make_wordpiece(Tokenizer::State& state, WordPieceOptions options);
struct MergePair {
  std::string left, right;
};
Status make_byte_bpe(Tokenizer::State& state, const ByteBpeOptions& options,
                     const std::vector<MergePair>& merges);

}  // namespace thaw::tokenize
