// Tokens that are cut out of texts, from tokenizer.json and from the files beside it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "tokenize/tokenizer_testing.h"

namespace thaw::tokenize {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// wordpiece_json() with these tokens added to the five that it has.
Tokenizer with_added(const char* tokens) {
  Json json = wordpiece_json();
  Json::Array all = json["added_tokens"].as_array();
  const Json more = Json::parse(tokens).value();
  for (const Json& each : more.as_array()) all.push_back(each);
  json.set("added_tokens", all);
  return Tokenizer::parse(json.dump()).value();
}

TEST(AddedTokens, NormalizedOnesAreFoundInTheNormalizedText) {
  const Tokenizer tokenizer = with_added(
      R"([{"id": 20, "content": "Éi", "normalized": true, "special": false},
          {"id": 21, "content": "Ie", "normalized": false, "special": false}])");
  EXPECT_THAT(shown(tokenizer, "e \u00c9I"), ElementsAre("e 0-1/0", "\u00c9i 2-4/1"));
  EXPECT_THAT(shown(tokenizer, "E\u0301i"), ElementsAre("\u00c9i 0-3/0"));
  EXPECT_THAT(shown(tokenizer, "ie"), ElementsAre("i 0-1/0", "##e 1-2/0"));
  EXPECT_THAT(shown(tokenizer, "Ie"), ElementsAre("Ie 0-2/0"));
  // What is cut out of the text as it is goes first.
  EXPECT_THAT(shown(tokenizer, "EIe"), ElementsAre("e 0-1/0", "Ie 1-3/1"));
}

TEST(AddedTokens, AreFoundWhenListedAfterOneThatMakesTheVocabularyLonger) {
  const char* name = "a token of over sixteen bytes";
  Json json = wordpiece_json();
  Json vocabulary = json["model"]["vocab"];
  vocabulary.set(name, 19);
  Json model = json["model"];
  model.set("vocab", vocabulary);
  json.set("model", model);
  Json::Array all = json["added_tokens"].as_array();
  for (const int64_t id : {5000, 19, 19}) {
    all.push_back(Json::object({{"id", id}, {"content", id == 19 ? name : "new"}}));
  }
  json.set("added_tokens", all);
  const Tokenizer tokenizer = Tokenizer::parse(json.dump()).value();
  EXPECT_EQ(tokenizer.id_of(name), 19);
  EXPECT_EQ(tokenizer.id_of("new"), 5000);
  EXPECT_EQ(tokenizer.text_of(19), name);
}

TEST(AddedTokens, OneThatIsNoWordHidesWhatItOverlaps) {
  const Tokenizer tokenizer = with_added(R"([{"id": 20, "content": "ee$", "single_word": true},
                     {"id": 21, "content": "e$i"}, {"id": 22, "content": "i"}])");
  EXPECT_THAT(shown(tokenizer, "ee$ i"), ElementsAre("ee$ 0-3/0", "i 4-5/1"));
  EXPECT_THAT(shown(tokenizer, "ee$i"), ElementsAre("ee 0-2/0", "$ 2-3/1", "i 3-4/2"));
  EXPECT_THAT(shown(tokenizer, "e$i"), ElementsAre("e$i 0-3/0"));
}

TEST(AddedTokens, LettersMarksDigitsAndJoinersMakeAWord) {
  const Tokenizer tokenizer =
      with_added(R"([{"id": 20, "content": "##", "single_word": true, "normalized": false}])");
  const auto is_found_before = [&](const char* part) {
    return tokenizer.tokenize(std::string("##") + part)[0].id == 20;
  };
  for (const char* part : {"e", "_", "\u0301", "\u0663", "\u2163", "\u200d", "\u24b6", "\u4e2d"}) {
    EXPECT_FALSE(is_found_before(part)) << part;
  }
  for (const char* part : {"", "\u00bd", "\u20ac", "-", " ", "\u00b2"}) {
    EXPECT_TRUE(is_found_before(part)) << part;
  }
}

TEST(AddedTokens, NoneIsAPartOfAWord) {
  const Tokenizer tokenizer =
      with_added(R"([{"id": 20, "content": "eei", "single_word": true, "normalized": false}])");
  EXPECT_THAT(shown(tokenizer, "eei"), ElementsAre("eei 0-3/0"));
  EXPECT_THAT(shown(tokenizer, "eeie"), ElementsAre("ee 0-2/0", "##i 2-3/0", "##e 3-4/0"));
}

TEST(AddedTokens, TheModelsOwnNumberOfATokenCounts) {
  const Tokenizer tokenizer = with_added(R"([{"id": 20, "content": "$", "special": false}])");
  EXPECT_EQ(tokenizer.tokenize("$")[0].id, 8);
}

TEST(Tokenizer, SpecialTokensAreLeftOutOfATextWhereThatIsWanted) {
  const Tokenizer tokenizer = with_added(R"([{"id": 20, "content": "<x>", "special": false}])");
  const std::vector<int32_t> ids = {1, 4, 20, 2};
  EXPECT_EQ(tokenizer.decode(ids), "[CLS] e <x> [SEP]");
  EXPECT_EQ(tokenizer.decode(ids, Tokenizer::Specials::kLeaveOut), "e <x>");
}

class FolderTest : public testing::Test {
 protected:
  FolderTest() {
    std::string path = testing::TempDir() + "tokenizer-XXXXXX";
    folder_ = mkdtemp(path.data());
  }
  ~FolderTest() override { std::filesystem::remove_all(folder_); }
  void put(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ + "/" + name) << text;
  }

  std::string folder_;
};

TEST_F(FolderTest, ItsOtherFilesNameTokensAndAddSome) {
  put("tokenizer.json", wordpiece_json().dump());
  put("tokenizer_config.json", R"({"mask_token": "ee", "pad_token": {"content": "i"},
      "clean_up_tokenization_spaces": true,
      "added_tokens_decoder": {"0": {"content": "[UNK]"},
        "40": {"content": "<x>", "lstrip": true, "normalized": false, "special": true}}})");
  put("added_tokens.json", R"({"<y>": 41})");
  const auto tokenizer = Tokenizer::open(folder_);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  EXPECT_EQ(tokenizer->mask_id(), 6);
  EXPECT_EQ(tokenizer->padding_id(), 7);
  EXPECT_THAT(shown(*tokenizer, "e <x><y>"), ElementsAre("e 0-1/0", "<x> 1-5/1", "<y> 5-8/2"));
  EXPECT_TRUE(tokenizer->is_special(40));
  EXPECT_FALSE(tokenizer->is_special(41));
}

TEST_F(FolderTest, FaultsOfAddedTokensNameTheFile) {
  put("tokenizer.json", wordpiece_json().dump());
  put("tokenizer_config.json", R"({"added_tokens_decoder": {"x": {"content": "<x>"}}})");
  EXPECT_THAT(Tokenizer::open(folder_).error().message(),
              HasSubstr("tokenizer_config.json: added_tokens_decoder: 'x' is no id"));
  put("tokenizer_config.json", R"({"added_tokens_decoder": {"1": {"content": "<x>"}}})");
  EXPECT_THAT(Tokenizer::open(folder_).error().message(),
              HasSubstr("the id 1 belongs to '[CLS]' and to '<x>'"));
  put("tokenizer_config.json", "{}");
  put("added_tokens.json", R"({"<y>": "a"})");
  EXPECT_THAT(Tokenizer::open(folder_).error().message(),
              HasSubstr("added_tokens.json: '<y>' is no id"));
}

TEST_F(FolderTest, OfTwoEqualLinesTheLaterOneIsTheToken) {
  put("vocab.txt", "[UNK]\n[CLS]\n[SEP]\ne\n##e\ne\n##e\n");
  const auto tokenizer = Tokenizer::open(folder_);
  ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  const auto tokens = tokenizer->tokenize("ee");
  ASSERT_EQ(tokens.size(), 2U);
  EXPECT_EQ(tokens[0].id, 5);
  EXPECT_EQ(tokens[1].id, 6);
}

}  // namespace
}  // namespace thaw::tokenize
