// Token ids, offsets and words of the reference models, as the tokenizers library makes them.
#include <gtest/gtest.h>

#include "base/json.h"
#include "tokenize/files.h"
#include "tokenize/tokenizer.h"

namespace thaw::tokenize {
namespace {

const std::string kFolder = THAW_SOURCE_DIR "/tests/data/encoders/";

struct Model {
  const char* name;
  size_t longest;
};
class TokenizerReference : public testing::TestWithParam<Model> {
 protected:
  static std::string folder() { return kFolder + GetParam().name; }
  static Json items() {
    return Json::parse(read_text_file(folder() + "/reference.json").value()).value()["items"];
  }
};

void expect_same(const Tokenizer& tokenizer, const Encoding& encoding, const Json& wanted,
                 const std::string& text) {
  ASSERT_EQ(encoding.items.size(), wanted["ids"].as_array().size()) << text;
  for (size_t i = 0; i < encoding.items.size(); ++i) {
    const auto& [token, type, sequence] = encoding.items[i];
    const auto at = [&](std::string_view key) -> const Json& { return wanted[key].as_array()[i]; };
    ASSERT_EQ(token.id, at("ids").as_int()) << text << " item " << i;
    EXPECT_EQ(token.begin, at("offsets").as_array()[0].as_int()) << text << " item " << i;
    EXPECT_EQ(token.end, at("offsets").as_array()[1].as_int()) << text << " item " << i;
    EXPECT_EQ(type, at("type_ids").as_int()) << text << " item " << i;
    EXPECT_EQ(tokenizer.text_of(token.id), at("tokens").as_string()) << text << " item " << i;
    const Json no_number;
    EXPECT_EQ(token.word < 0 ? no_number : Json(token.word), at("word_ids")) << text << " " << i;
    EXPECT_EQ(sequence < 0 ? no_number : Json(sequence), at("sequence_ids")) << text << " " << i;
  }
}

void expect_all_same(const Tokenizer& tokenizer, const Json& items, size_t longest) {
  size_t compared = 0;
  for (const Json& item : items.as_array()) {
    const Json& wanted = item["encodings"];
    const bool is_question = item.find("question") != nullptr;
    if (is_question && wanted.as_array().size() > 1) continue;  // windows: tested with the answers
    const std::string text = item.string_or(is_question ? "question" : "text");
    const std::string second = item.string_or(is_question ? "context" : "text_pair");
    const bool is_pair = is_question || item["text_pair"].is_string();
    const Encoding encoding =
        is_pair ? tokenizer.encode_pair(text, second, longest) : tokenizer.encode(text, longest);
    expect_same(tokenizer, encoding, wanted.as_array()[0], text);
    ++compared;
  }
  EXPECT_GE(compared, 7U);
}

TEST_P(TokenizerReference, TokenizerJsonGivesTheSame) {
  expect_all_same(Tokenizer::open(folder()).value(), items(), GetParam().longest);
}

/// The same folder without tokenizer.json.
TEST_P(TokenizerReference, VocabularyFilesGiveTheSame) {
  std::string path = testing::TempDir() + "vocab-XXXXXX";
  const std::string copy = mkdtemp(path.data());
  for (const char* name : {"vocab.txt", "vocab.json", "merges.txt", "tokenizer_config.json",
                           "special_tokens_map.json"}) {
    const auto text = read_text_file(folder() + "/" + name);
    if (!text) continue;
    FILE* file = fopen((copy + "/" + name).c_str(), "wb");
    ASSERT_NE(file, nullptr);
    fwrite(text->data(), 1, text->size(), file);
    fclose(file);
  }
  const auto tokenizer = Tokenizer::open(copy);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  expect_all_same(*tokenizer, items(), GetParam().longest);
  ASSERT_EQ(system(("rm -r " + copy).c_str()), 0);
}

INSTANTIATE_TEST_SUITE_P(Models, TokenizerReference,
                         testing::Values(Model{"distilbert-qa", 128}, Model{"bert-seqcls", 96},
                                         Model{"bert-ner-cased", 96}, Model{"minilm-sentence", 64},
                                         Model{"roberta-seqcls", 96}),
                         [](const auto& each) {
                           std::string name = each.param.name;
                           std::erase(name, '-');
                           return name;
                         });

}  // namespace
}  // namespace thaw::tokenize
