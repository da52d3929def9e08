// The small tokenizers of this room's tests. Thread: any. Owner: values. Limits: none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "tokenize/tokenizer.h"

namespace thaw::tokenize {

inline Json wordpiece_json() {
  return Json::parse(R"({
    "added_tokens": [{"id": 0, "content": "[UNK]"}, {"id": 1, "content": "[CLS]"},
                     {"id": 2, "content": "[SEP]"}, {"id": 3, "content": "[MASK]"}],
    "normalizer": {"type": "BertNormalizer", "lowercase": true},
    "pre_tokenizer": {"type": "BertPreTokenizer"},
    "post_processor": {"type": "BertProcessing", "cls": ["[CLS]", 1], "sep": ["[SEP]", 2]},
    "model": {"type": "WordPiece", "unk_token": "[UNK]",
              "vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "[MASK]": 3, "e": 4, "##e": 5, "ee": 6,
                        "i": 7, "$": 8, "€": 9, "한": 10, ",": 11, "##i": 12}}})")
      .value();
}

/// A byte-level vocabulary of the 256 bytes, <s>, </s>, <mask> and some merges.
inline Json bpe_json(bool adds_space) {
  Json vocabulary = Json::object({{"<s>", 0}, {"</s>", 1}, {"<mask>", 2}});
  int id = 3;
  const std::string marker = "\u0120";
  for (char byte = '!'; byte <= '~'; ++byte) vocabulary.set(std::string(1, byte), id++);
  for (const char* each : {"\u0120", "\u010a", "\u0109", "\u00c3", "\u00a9"})
    vocabulary.set(each, id++);
  vocabulary.set("ab", id++);
  vocabulary.set("abc", id++);
  vocabulary.set(marker + "ab", id++);
  vocabulary.set("bc", id++);
  Json json = Json::parse(R"({
    "added_tokens": [{"id": 0, "content": "<s>"}, {"id": 1, "content": "</s>"},
                     {"id": 2, "content": "<mask>", "lstrip": true}],
    "normalizer": null,
    "post_processor": {"type": "RobertaProcessing", "cls": ["<s>", 0], "sep": ["</s>", 1]}})")
                  .value();
  json.set("pre_tokenizer",
           Json::object({{"type", "ByteLevel"}, {"add_prefix_space", adds_space}}));
  Json merges = Json::array();
  merges.push_back("a b");
  merges.push_back(Json(Json::Array{"b", "c"}));
  merges.push_back("ab c");
  merges.push_back(marker + " ab");
  json.set("model", Json::object({{"type", "BPE"}, {"vocab", vocabulary}, {"merges", merges}}));
  return json;
}

/// "token begin-end/word" of each.
inline std::vector<std::string> shown(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<std::string> out;
  for (const Token& token : tokenizer.tokenize(text)) {
    out.push_back(std::string(tokenizer.text_of(token.id)) + " " + std::to_string(token.begin) +
                  "-" + std::to_string(token.end) + "/" + std::to_string(token.word));
  }
  return out;
}

}  // namespace thaw::tokenize
