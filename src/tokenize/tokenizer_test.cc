#include "tokenize/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "tokenize/unicode.h"

namespace thaw::tokenize {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Json wordpiece_json() {
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
Json bpe_json(bool adds_space) {
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
std::vector<std::string> shown(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<std::string> out;
  for (const Token& token : tokenizer.tokenize(text)) {
    out.push_back(std::string(tokenizer.text_of(token.id)) + " " + std::to_string(token.begin) +
                  "-" + std::to_string(token.end) + "/" + std::to_string(token.word));
  }
  return out;
}

Tokenizer wordpiece() { return Tokenizer::parse(wordpiece_json().dump()).value(); }
Tokenizer bpe(bool adds_space = false) {
  return Tokenizer::parse(bpe_json(adds_space).dump()).value();
}

TEST(WordPiece, AccentsOfTheirOwnAreNotCountedIn) {
  EXPECT_THAT(shown(wordpiece(), "E\u0301\u00c9"), ElementsAre("ee 0-3/0"));
  EXPECT_THAT(shown(wordpiece(), "e\u0301 e"), ElementsAre("e 0-1/0", "e 3-4/1"));
}

TEST(WordPiece, OnlyAsciiSymbolsAndPunctuationStandAlone) {
  EXPECT_THAT(shown(wordpiece(), "e$e"), ElementsAre("e 0-1/0", "$ 1-2/1", "e 2-3/2"));
  EXPECT_THAT(shown(wordpiece(), "e€"), ElementsAre("[UNK] 0-2/0"));
  EXPECT_THAT(shown(wordpiece(), "€"), ElementsAre("€ 0-1/0"));
}

TEST(WordPiece, WordsOfMoreThan100CharactersAreUnknown) {
  EXPECT_EQ(wordpiece().tokenize(std::string(100, 'e')).size(), 99U);
  EXPECT_THAT(shown(wordpiece(), std::string(101, 'e')), ElementsAre("[UNK] 0-101/0"));
}

TEST(WordPiece, SpecialTokensAreCutOutCaseSensitively) {
  EXPECT_THAT(shown(wordpiece(), "e[MASK]e"), ElementsAre("e 0-1/0", "[MASK] 1-7/1", "e 7-8/2"));
  EXPECT_EQ(shown(wordpiece(), "[mask]").size(), 3U);
}

TEST(WordPiece, DottedCapitalIKeepsItsOffset) {
  EXPECT_THAT(shown(wordpiece(), "\u0130i"), ElementsAre("i 0-1/0", "##i 1-2/0"));
}

TEST(WordPiece, HangulIsDecomposedWithTheAccents) {
  EXPECT_THAT(shown(wordpiece(), "\ud55c"), ElementsAre("[UNK] 0-1/0"));
}

TEST(WordPiece, BytesThatAreNoUtf8AreDropped) {
  EXPECT_THAT(shown(wordpiece(),
                    "e\xff"
                    "e"),
              ElementsAre("ee 0-3/0"));
}

TEST(ByteBpe, MergesByRankNotFromTheLeft) {
  EXPECT_THAT(shown(bpe(), "abc bcab"),
              ElementsAre("abc 0-3/0", "\u0120 4-4/1", "bc 4-6/1", "ab 6-8/1"));
  EXPECT_THAT(shown(bpe(), "ab ab"), ElementsAre("ab 0-2/0",
                                                 "\u0120"
                                                 "ab 3-5/1"));
}

TEST(ByteBpe, ContractionsAndSpacesSplit) {
  EXPECT_THAT(shown(bpe(), "a's 'll"), ElementsAre("a 0-1/0", "' 1-2/1", "s 2-3/1", "\u0120 4-4/2",
                                                   "' 4-5/2", "l 5-6/3", "l 6-7/3"));
  EXPECT_THAT(shown(bpe(), "a  ab"), ElementsAre("a 0-1/0", "\u0120 2-2/1",
                                                 "\u0120"
                                                 "ab 3-5/2"));
  EXPECT_THAT(shown(bpe(), "a\n\na"),
              ElementsAre("a 0-1/0", "\u010a 1-2/1", "\u010a 2-3/2", "a 3-4/3"));
}

TEST(ByteBpe, APrefixSpaceBelongsToNoCharacter) {
  EXPECT_THAT(shown(bpe(true), "ab ab"), ElementsAre("\u0120"
                                                     "ab 0-2/0",
                                                     "\u0120"
                                                     "ab 3-5/1"));
  EXPECT_THAT(shown(bpe(true), " ab"), ElementsAre("\u0120"
                                                   "ab 0-3/0"));
  EXPECT_THAT(shown(bpe(true), "\tab"), ElementsAre("\u0120 0-0/0", "\u0109 0-1/1", "ab 1-3/2"));
}

TEST(ByteBpe, BytesOfOneCharacterShareItsOffset) {
  EXPECT_THAT(shown(bpe(), "é"), ElementsAre("\u00c3 0-1/0", "\u00a9 0-1/0"));
}

TEST(ByteBpe, TheMaskTakesTheSpaceBeforeIt) {
  EXPECT_THAT(shown(bpe(), "ab <mask>."), ElementsAre("ab 0-2/0", "<mask> 2-9/1", ". 9-10/2"));
}

TEST(ByteBpe, AWordOfAMillionLettersIsNoTrouble) {
  const Tokenizer tokenizer = bpe();
  std::string text;
  for (int i = 0; i < 300'000; ++i) text += "abc";
  EXPECT_EQ(tokenizer.tokenize(text).size(), 300'000U);
}

TEST(Tokenizer, PairsAreCutFromTheLonger) {
  const Tokenizer tokenizer = wordpiece();
  const auto sizes = [&](int first, int second, size_t most) {
    std::string a, b;
    for (int i = 0; i < first; ++i) a += "e ";
    for (int i = 0; i < second; ++i) b += "e ";
    int counts[2] = {};
    for (const auto& item : tokenizer.encode_pair(a, b, most).items) {
      if (item.sequence >= 0) ++counts[item.sequence];
    }
    return std::pair(counts[0], counts[1]);
  };
  EXPECT_EQ(sizes(3, 4, 10), std::pair(3, 4));
  EXPECT_EQ(sizes(3, 9, 10), std::pair(3, 4));
  EXPECT_EQ(sizes(1, 9, 10), std::pair(1, 6));
  EXPECT_EQ(sizes(9, 1, 10), std::pair(6, 1));
  EXPECT_EQ(sizes(9, 9, 10), std::pair(3, 4));
  EXPECT_EQ(sizes(9, 8, 10), std::pair(4, 3));
  EXPECT_EQ(sizes(9, 9, 2), std::pair(0, 0));
}

TEST(Tokenizer, DecodesWhatItWrote) {
  const auto decoded = [](const Tokenizer& tokenizer, std::string_view text) {
    std::vector<int32_t> ids;
    for (const Token& token : tokenizer.tokenize(text)) ids.push_back(token.id);
    return tokenizer.decode(ids);
  };
  EXPECT_EQ(decoded(wordpiece(), "Eeee, e"), "eeee, e");
  EXPECT_EQ(decoded(bpe(), "ab é\n"), "ab é\n");
}

struct Fault {
  const char* what;
  void (*make)(Json&);
  const char* message;
};

TEST(Tokenizer, FaultsNameTheKey) {
  const Fault faults[] = {
      {"unigram",
       [](Json& j) {
         j.set("model", Json::object({{"type", "Unigram"}}));
       },
       "model: type 'Unigram' is not served"},
      {"no vocabulary",
       [](Json& j) {
         j.set("model", Json::object({{"type", "WordPiece"}}));
       },
       "model.vocab: must be an object"},
      {"vocabulary of texts",
       [](Json& j) {
         j.set("model", Json::object({{"vocab", Json::object({{"a", "b"}})}}));
       },
       "model.vocab: 'a' has no whole number"},
      {"negative id",
       [](Json& j) {
         j.set("model", Json::object({{"vocab", Json::object({{"a", -1}})}}));
       },
       "the token 'a' has the id -1"},
      {"huge id",
       [](Json& j) {
         j.set("model", Json::object({{"vocab", Json::object({{"a", int64_t{1} << 40}})}}));
       },
       "the token 'a' has the id 1099511627776"},
      {"an id twice",
       [](Json& j) {
         j.set("model", Json::object({{"vocab", Json::object({{"a", 1}, {"b", 1}})}}));
       },
       "the id 1 belongs to 'a' and to 'b'"},
      {"added tokens", [](Json& j) { j.set("added_tokens", 3); }, "added_tokens: must be a list"},
      {"added token without id",
       [](Json& j) {
         j.set("added_tokens", Json(Json::Array{Json::object({{"content", "x"}})}));
       },
       "added_tokens: each needs content and id"},
      {"normalizer",
       [](Json& j) {
         j.set("normalizer", Json::object({{"type", "Precompiled"}}));
       },
       "normalizer: type 'Precompiled' is not served"},
      {"splitter",
       [](Json& j) {
         j.set("pre_tokenizer", Json::object({{"type", "Metaspace"}}));
       },
       "pre_tokenizer: type 'Metaspace' is not served"},
      {"ends",
       [](Json& j) {
         j.set("post_processor", Json::object({{"type", "Sequence"}}));
       },
       "post_processor: type 'Sequence' is not served"},
      {"end out of range",
       [](Json& j) {
         j.set("post_processor",
               Json::parse(R"({"type":"BertProcessing","cls":["x",99]})").value());
       },
       "post_processor.cls: must be a token and its id"},
      {"template",
       [](Json& j) {
         j.set("post_processor",
               Json::parse(R"({"type":"TemplateProcessing","single":[{"Sequence":{"id":"C"}}]})")
                   .value());
       },
       "post_processor.single: each must be"},
      {"template without id",
       [](Json& j) {
         j.set("post_processor",
               Json::parse(
                   R"({"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"[X]"}}]})")
                   .value());
       },
       "the special token '[X]' has no id"},
  };
  for (const Fault& fault : faults) {
    Json json = wordpiece_json();
    fault.make(json);
    const auto made = Tokenizer::parse(json.dump());
    ASSERT_FALSE(made) << fault.what;
    EXPECT_THAT(made.error().message(), HasSubstr(fault.message)) << fault.what;
  }
  EXPECT_FALSE(Tokenizer::parse("{"));
  EXPECT_FALSE(Tokenizer::parse("[]"));
}

TEST(Tokenizer, FaultsOfMergesNameTheEntry) {
  const auto fault = [](Json merges) {
    Json json = bpe_json(false);
    Json model = json["model"];
    model.set("merges", std::move(merges));
    json.set("model", model);
    return Tokenizer::parse(json.dump()).error().message();
  };
  EXPECT_THAT(fault(Json(Json::Array{"a b", "ab"})), HasSubstr("entry 1 must be two tokens"));
  EXPECT_THAT(fault(Json(Json::Array{7})), HasSubstr("entry 0 must be two tokens"));
  EXPECT_THAT(fault(Json(Json::Array{"a zz"})), HasSubstr("must be in the vocabulary"));
}

TEST(Tokenizer, AFolderWithoutFilesSaysWhatItNeeds) {
  const auto made = Tokenizer::open("/nonexistent");
  EXPECT_EQ(made.error().code(), Code::kNotFound);
  EXPECT_THAT(made.error().message(), HasSubstr("vocab.json with merges.txt"));
}

}  // namespace
}  // namespace thaw::tokenize
