// Masks filled by a head that is made up: its biases say which tokens are likely.
#include "encoder/fill_mask.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "encoder/damaged_folder_testing.h"

namespace thaw::encoder {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr size_t kHidden = 32;

/// bert-seqcls with a head for masks whose logits are these biases, and all others zero.
class FillMaskTest : public testing::Test {
 protected:
  void likely(const std::vector<std::pair<const char*, float>>& tokens) {
    const auto tokenizer = tokenize::Tokenizer::open(folder_.path()).value();
    std::vector<float> biases(tokenizer.vocabulary_size(), 0), zeros(kHidden, 0);
    for (const auto& [token, bias] : tokens) {
      biases[static_cast<size_t>(tokenizer.id_of(token).value())] = bias;
    }
    folder_.set("config.json", "architectures", Json(Json::Array{"BertForMaskedLM"}));
    const std::string head = "cls.predictions.transform.";
    folder_.add_tensor(kWeights, head + "dense.weight", {32, 32},
                       std::vector<float>(kHidden * kHidden, 0));
    folder_.add_tensor(kWeights, head + "dense.bias", {32}, zeros);
    folder_.add_tensor(kWeights, head + "LayerNorm.weight", {32}, zeros);
    folder_.add_tensor(kWeights, head + "LayerNorm.bias", {32}, zeros);
    folder_.add_tensor(kWeights, "cls.predictions.bias", {static_cast<int64_t>(biases.size())},
                       biases);
    model_ = folder_.open().value();
  }
  FillBudget budget_;
  std::vector<std::string> sequences(const std::string& text, const FillOptions& options = {}) {
    std::vector<std::string> all;
    const auto filled =
        fill_masks(*model_, text, fill_candidates(*model_, {}).value(), options, budget_);
    EXPECT_TRUE(filled) << filled.error().message();
    for (const auto& mask : filled.value()) {
      for (const Filling& each : mask) all.push_back(each.token_text + ": " + each.sequence);
    }
    return all;
  }

  DamagedFolder folder_{"bert-seqcls"};
  std::unique_ptr<Model> model_;
};

TEST_F(FillMaskTest, OfOneMaskTheTextIsReadableOfSeveralAllIsShown) {
  likely({{"the", 9}, {"is", 8}, {"##s", 7}});
  EXPECT_THAT(sequences("Open [MASK] harbour!", {.top_k = 3}),
              ElementsAre("the: open the harbour!", "is: open is harbour!", "##s: opens harbour!"));
  EXPECT_THAT(sequences("[MASK] [MASK].", {.top_k = 1}),
              ElementsAre("the: [CLS] the [MASK]. [SEP]", "the: [CLS] [MASK] the. [SEP]"));
}

TEST_F(FillMaskTest, PaddingIsLeftOutOfTheText) {
  likely({{"[PAD]", 9}});
  EXPECT_THAT(sequences("is [MASK] the [MASK]", {.top_k = 1}),
              ElementsAre("[PAD]: [CLS] is the [MASK] [SEP]", "[PAD]: [CLS] is [MASK] the [SEP]"));
}

TEST_F(FillMaskTest, TargetsAreScoredAmongAllTokens) {
  likely({{"the", 9}, {"is", 8}, {"of", 7}});
  const auto filled =
      fill_masks(*model_, "[MASK]", fill_candidates(*model_, {"of", "is", "of", "isxyz"}).value(),
                 {}, budget_)
          .value()
          .at(0);
  ASSERT_EQ(filled.size(), 2U);  // the first token of what is none is "is" again
  EXPECT_EQ(filled[0].token_text, "is");
  EXPECT_EQ(filled[1].token_text, "of");
  const double others = static_cast<double>(model_->config().vocabulary) - 3;
  EXPECT_NEAR(filled[0].score, std::exp(8) / (std::exp(9) + std::exp(8) + std::exp(7) + others),
              1e-6);
  const auto none = fill_candidates(*model_, {"\x01", ""});
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message(), HasSubstr("targets: none of them has a token"));
}

TEST_F(FillMaskTest, ATextNeedsAMask) {
  likely({});
  const auto none = fill_masks(*model_, "nothing", {}, {}, budget_);
  ASSERT_FALSE(none);
  EXPECT_THAT(none.error().message(), HasSubstr("the text has 0 masks: write [MASK]"));
}

TEST_F(FillMaskTest, FillingsOfAllTextsTogetherAreBounded) {
  likely({});
  const FillOptions all = {.top_k = 10'000};
  const auto any = fill_candidates(*model_, {}).value();
  const size_t each = model_->tokenizer().vocabulary_size() * (kTokensPerFilling + 3);
  FillBudget budget = {.left = 3 * each};
  EXPECT_TRUE(fill_masks(*model_, "[MASK]", any, all, budget));
  EXPECT_EQ(budget.left, 2 * each);
  EXPECT_THAT(fill_masks(*model_, "[MASK] [MASK]", any, all, budget).error().message(),
              HasSubstr("fillings of 2 masks are too many"));
  EXPECT_TRUE(fill_masks(*model_, "[MASK]", any, all, budget)) << "what was refused took nothing";
  EXPECT_TRUE(fill_masks(*model_, "[MASK]", any, {.top_k = 1}, budget));
  EXPECT_FALSE(fill_masks(*model_, "[MASK]", any, all, budget));
}

}  // namespace
}  // namespace thaw::encoder
