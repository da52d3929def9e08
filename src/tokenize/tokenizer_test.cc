#include "tokenize/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tokenize/tokenizer_testing.h"
#include "tokenize/unicode.h"

namespace thaw::tokenize {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

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

TEST(WordPiece, PunctuationMarksAndFormatsAreThoseOfUnicode8) {
  // In pairs: of Unicode 8, and of a later one.
  EXPECT_TRUE(is_punctuation(U'\u2E42'));
  EXPECT_FALSE(is_punctuation(U'\u2E43'));
  EXPECT_TRUE(is_nonspacing_mark(U'\u08E3'));
  EXPECT_FALSE(is_nonspacing_mark(U'\u08D3'));
  EXPECT_TRUE(is_control(U'\u061C'));
  EXPECT_FALSE(is_control(U'\u08E2'));
  // Those whose kind is another one now.
  EXPECT_TRUE(is_punctuation(U'\u166D'));
  EXPECT_TRUE(is_nonspacing_mark(U'\u1734'));
  EXPECT_TRUE(is_punctuation(U'\U000111C9'));
  EXPECT_FALSE(is_nonspacing_mark(U'\U000111C9'));
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

TEST(ByteBpe, TheMaskTakesTheSpaceBeforeItWhichIsTrimmedOffItsOffset) {
  EXPECT_THAT(shown(bpe(), "ab <mask>."), ElementsAre("ab 0-2/0", "<mask> 3-9/1", ". 9-10/2"));
  EXPECT_THAT(shown(bpe(), "ab  <mask>"), ElementsAre("ab 0-2/0", "<mask> 4-10/1"));
}

TEST(ByteBpe, AWordOfAMillionLettersIsNoTrouble) {
  const Tokenizer tokenizer = bpe();
  std::string text;
  for (int i = 0; i < 300'000; ++i) text += "abc";
  EXPECT_EQ(tokenizer.tokenize(text).size(), 300'000U);
}

TEST(Tokenizer, NormalizersAndSplittersCanBeOtherOnes) {
  Json json = wordpiece_json();
  json.set("normalizer", Json::parse(R"({"type": "Sequence", "normalizers": [
      {"type": "NFD"}, {"type": "Lowercase"}, {"type": "StripAccents"}]})")
                             .value());
  json.set("pre_tokenizer", Json::object({{"type", "Whitespace"}}));
  const Tokenizer words = Tokenizer::parse(json.dump()).value();
  EXPECT_THAT(shown(words, "\u00c9E, e"), ElementsAre("ee 0-2/0", ", 2-3/1", "e 4-5/2"));
  EXPECT_THAT(shown(words, "$$"), ElementsAre("[UNK] 0-2/0"));
  json.set("pre_tokenizer", Json::object({{"type", "WhitespaceSplit"}}));
  const Tokenizer spaces = Tokenizer::parse(json.dump()).value();
  EXPECT_THAT(shown(spaces, "ee, e"), ElementsAre("[UNK] 0-3/0", "e 4-5/1"));
}

TEST(ByteBpe, OnlyASingleSpaceAtTheStartMayBeTheOneThatWasAdded) {
  Json json = bpe_json(true);
  Json model = json["model"];
  Json vocabulary = model["vocab"];
  vocabulary.set("\u0120\u0120", 200);
  model.set("vocab", vocabulary);
  Json merges = model["merges"];
  merges.push_back("\u0120 \u0120");
  model.set("merges", merges);
  json.set("model", model);
  const Tokenizer tokenizer = Tokenizer::parse(json.dump()).value();
  EXPECT_THAT(shown(tokenizer, "  "), ElementsAre("\u0120\u0120 2-2/0"));
  EXPECT_THAT(shown(tokenizer, " "), ElementsAre("\u0120 0-0/0"));
}

TEST(ByteBpe, OnlyPostProcessorsThatSaySoTrimOffsets) {
  Json json = bpe_json(false);
  const auto of_second = [&](const char* processor) {
    json.set("post_processor", Json::parse(processor).value());
    return shown(Tokenizer::parse(json.dump()).value(), "a b").at(1);
  };
  EXPECT_EQ(of_second("null"), "\u0120 1-2/1");
  EXPECT_EQ(of_second(R"({"type": "BertProcessing", "cls": ["<s>", 0], "sep": ["</s>", 1]})"),
            "\u0120 1-2/1");
  EXPECT_EQ(of_second(R"({"type": "ByteLevel", "add_prefix_space": false})"), "\u0120 2-2/1");
  EXPECT_EQ(of_second(R"({"type": "ByteLevel", "trim_offsets": false})"), "\u0120 1-2/1");
  EXPECT_EQ(of_second(R"({"type": "Sequence", "processors": [
      {"type": "ByteLevel", "add_prefix_space": false},
      {"type": "BertProcessing", "cls": ["<s>", 0], "sep": ["</s>", 1]}]})"),
            "\u0120 2-2/1");
}

TEST(ByteBpe, BytesOutsideTheVocabularyAreUnknownIfThatHasAToken) {
  Json json = bpe_json(false);
  EXPECT_THAT(shown(Tokenizer::parse(json.dump()).value(), "a\u00dfa"),
              ElementsAre("a 0-1/0", "\u00c3 1-2/0", "a 2-3/0"));
  Json model = json["model"];
  model.set("unk_token", "<mask>");
  json.set("model", model);
  EXPECT_THAT(shown(Tokenizer::parse(json.dump()).value(), "a\u05d0"),
              ElementsAre("a 0-1/0", "<mask> 1-2/0", "<mask> 1-2/0"));
  model.set("fuse_unk", true);
  json.set("model", model);
  EXPECT_THAT(shown(Tokenizer::parse(json.dump()).value(), "a\u05d0"),
              ElementsAre("a 0-1/0", "<mask> 1-2/0"));
}

TEST(Tokenizer, BrokenCharactersAreOneReplacementEach) {
  EXPECT_EQ(decode_utf8("\xF0\x9F\x98"), U"\uFFFD");
  EXPECT_EQ(decode_utf8("\xF0\x9F\x98"
                        "a"),
            U"\uFFFDa");
  EXPECT_EQ(decode_utf8("\xE2\x82\xE2\x82\xAC"), U"\uFFFD\u20AC");
  EXPECT_EQ(decode_utf8("\xED\xA0\x80"), U"\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(decode_utf8("\xC0\x80\xFF"), U"\uFFFD\uFFFD\uFFFD");
}

TEST(Tokenizer, OneTextAloneIsCutWhereThatIsWanted) {
  const Tokenizer tokenizer = wordpiece();
  const auto sizes = [&](size_t most, Cut cut) {
    int counts[2] = {};
    for (const auto& item : tokenizer.encode_pair("e e e e", "e e e e e", most, cut).items) {
      if (item.sequence >= 0) ++counts[item.sequence];
    }
    return std::pair(counts[0], counts[1]);
  };
  EXPECT_EQ(sizes(10, Cut::kOnlyFirst), std::pair(2, 5));
  EXPECT_EQ(sizes(10, Cut::kOnlySecond), std::pair(4, 3));
  EXPECT_EQ(sizes(5, Cut::kOnlySecond), std::pair(4, 0));  // more than 5 are left
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

TEST(Tokenizer, AnIdBeyondTheModelsIsRefusedBeforeMemoryIsTakenForIt) {
  const std::string text = wordpiece_json().dump();
  EXPECT_TRUE(Tokenizer::parse(text, 13));
  const auto over = Tokenizer::parse(text, 12);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().code(), Code::kOutOfRange);
  EXPECT_THAT(over.error().message(), HasSubstr("the id 12, which is not from 0 to 11"));
  Json far = wordpiece_json();
  far.set("added_tokens", Json(Json::Array{Json::parse(R"({"id": 40, "content": "x"})").value()}));
  EXPECT_FALSE(Tokenizer::parse(far.dump(), 40));
  EXPECT_TRUE(Tokenizer::parse(far.dump(), 41));
}

TEST(Tokenizer, AFolderWithoutFilesSaysWhatItNeeds) {
  const auto made = Tokenizer::open("/nonexistent");
  EXPECT_EQ(made.error().code(), Code::kNotFound);
  EXPECT_THAT(made.error().message(), HasSubstr("vocab.json with merges.txt"));
}

}  // namespace
}  // namespace thaw::tokenize
