// Sentence vectors of folders with other poolings and stages than the reference model's.
#include "encoder/pooling.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "encoder/damaged_folder_testing.h"
#include "encoder/embedding.h"

namespace thaw::encoder {
namespace {

using testing::HasSubstr;
using Vector = std::vector<float>;

const std::string kText = "The harbour of Lindow was opened in 1874.";
constexpr size_t kHidden = 48;

class PoolingTest : public testing::Test {
 protected:
  PoolingTest() { modules({}); }

  /// What modules.json lists after the pooling.
  void modules(const std::vector<std::pair<std::string, std::string>>& more) const {
    Json::Array list = {
        Json::object({{"path", ""}, {"type", "sentence_transformers.models.Transformer"}}),
        Json::object({{"path", "1_Pooling"}, {"type", "sentence_transformers.models.Pooling"}})};
    for (const auto& [path, type] : more) {
      list.push_back(
          Json::object({{"path", path}, {"type", "sentence_transformers.models." + type}}));
    }
    folder_.put("modules.json", Json(list).dump());
  }
  void pooling(const Json& config) const { folder_.put("1_Pooling/config.json", config.dump()); }
  void dense(const std::string& name, const Json& config) const {
    std::filesystem::create_directories(folder_.at(name));
    folder_.put(name + "/config.json", config.dump());
  }
  Vector embedded(const std::string& text = kText) const {
    const auto model = folder_.open();
    EXPECT_TRUE(model) << model.error().message();
    if (!model) return {};
    return embed(**model, std::vector<std::string>{text}, Model::TooLong::kCut).value().at(0);
  }
  std::string fault() const {
    const auto model = folder_.open();
    return model ? "" : model.error().message();
  }
  /// The vectors of the text's tokens, one after another.
  std::vector<Vector> tokens() const {
    const auto model = folder_.open().value();
    const auto encoding = model->encode(kText, Model::TooLong::kRefuse).value();
    std::vector<Vector> rows;
    model->run({&encoding, 1}, [&](size_t, const Hidden& hidden, size_t row) {
      for (size_t i = 0; i < encoding.items.size(); ++i) {
        const auto each = hidden.row(row, i);
        rows.emplace_back(each.begin(), each.end());
      }
    });
    return rows;
  }

  DamagedFolder folder_{"minilm-sentence"};
};

TEST_F(PoolingTest, StandsOnceBeforeAllElse) {
  const char* const kWhere = "a Pooling must stand once, before Dense, LayerNorm and Normalize";
  modules({{"1_Pooling", "Pooling"}});
  EXPECT_THAT(fault(), HasSubstr(kWhere));
  modules({{"2_Normalize", "Normalize"}, {"1_Pooling", "Pooling"}});
  EXPECT_THAT(fault(), HasSubstr(kWhere));
  folder_.put("modules.json", R"([{"path": "", "type": "x.Transformer"}])");
  EXPECT_EQ(embedded().size(), kHidden) << "without one it is the mean";
}

TEST_F(PoolingTest, SeveralModesStandSideBySideInTheirOrder) {
  pooling(Json::object({{"word_embedding_dimension", 48},
                        {"pooling_mode_lasttoken", true},
                        {"pooling_mode_weightedmean_tokens", true},
                        {"pooling_mode_mean_sqrt_len_tokens", true},
                        {"pooling_mode_mean_tokens", true},
                        {"pooling_mode_max_tokens", true},
                        {"pooling_mode_cls_token", true}}));
  const auto rows = tokens();
  const auto count = static_cast<float>(rows.size());
  const Vector vector = embedded();
  ASSERT_EQ(vector.size(), 6 * kHidden);
  for (size_t k = 0; k < kHidden; ++k) {
    float largest = -1e9F, sum = 0, weighted = 0;
    for (size_t i = 0; i < rows.size(); ++i) {
      largest = std::max(largest, rows[i][k]);
      sum += rows[i][k];
      weighted += static_cast<float>(i + 1) * rows[i][k];
    }
    const float wanted[] = {rows.front()[k],
                            largest,
                            sum / count,
                            sum / std::sqrt(count),
                            2 * weighted / (count * (count + 1)),
                            rows.back()[k]};
    for (size_t mode = 0; mode < 6; ++mode) {
      EXPECT_NEAR(vector[mode * kHidden + k], wanted[mode], 1e-5) << mode;
    }
  }
}

TEST_F(PoolingTest, TheMeanIsTakenWhereNothingIsSaidAndNamesDoAsWell) {
  pooling(Json::object({{"word_embedding_dimension", 48}}));
  const Vector mean = embedded();
  pooling(Json::object({{"pooling_mode", "mean"}}));
  EXPECT_EQ(embedded(), mean);
  pooling(Json::object({{"pooling_mode", "cls"}}));
  EXPECT_NE(embedded(), mean);
  EXPECT_EQ(embedded(), tokens().front());
}

TEST_F(PoolingTest, StagesFollowOneAnotherAsListed) {
  modules({{"2_Dense", "Dense"},
           {"3_Dropout", "Dropout"},
           {"", "Normalize"},
           {"4_LayerNorm", "LayerNorm"}});
  pooling(Json::object({{"pooling_mode_mean_tokens", true}}));
  // Three times the first number, and the second with the sign turned; no bias.
  Vector matrix(2 * kHidden, 0);
  matrix[0] = 3;
  matrix[kHidden + 1] = -1;
  dense("2_Dense", Json::object({{"in_features", 48},
                                 {"out_features", 2},
                                 {"bias", false},
                                 {"activation_function", "torch.nn.modules.linear.Identity"}}));
  folder_.add_tensor("2_Dense/" + kWeights, "linear.weight", {2, 48}, matrix);
  dense("4_LayerNorm", Json::object({{"dimension", 2}}));
  folder_.add_tensor("4_LayerNorm/" + kWeights, "norm.weight", {2}, {1, 2});
  folder_.add_tensor("4_LayerNorm/" + kWeights, "norm.bias", {2}, {0, 5});
  const Vector vector = embedded();
  ASSERT_EQ(vector.size(), 2U);

  modules({});
  const Vector mean = embedded();
  const double a = 3 * mean[0], b = -mean[1], length = std::sqrt(a * a + b * b);
  const double half = (a - b) / length / 2, scale = 1 / std::sqrt(half * half + 1e-5);
  EXPECT_NEAR(vector[0], half * scale, 1e-5);
  EXPECT_NEAR(vector[1], -half * scale * 2 + 5, 1e-5);
}

TEST_F(PoolingTest, TheSentencesOwnLengthCountsAndItMayBeLowerCased) {
  folder_.set("tokenizer_config.json", "model_max_length", 8);
  EXPECT_EQ(folder_.open().value()->longest(), 64U);
  folder_.remove("sentence_bert_config.json");
  EXPECT_EQ(folder_.open().value()->longest(), 8U);
  folder_.put("sentence_roberta_config.json", R"({"max_seq_length": 20})");
  EXPECT_EQ(folder_.open().value()->longest(), 20U);

  folder_.edit("tokenizer.json", [](Json& json) {
    json.set("normalizer",
             Json::parse(R"({"type": "BertNormalizer", "lowercase": false})").value());
  });
  EXPECT_NE(embedded("The BOAT"), embedded("the boat"));
  folder_.put("sentence_bert_config.json", R"({"do_lower_case": true})");
  EXPECT_EQ(embedded("The BOAT"), embedded("the boat"));
}

TEST_F(PoolingTest, FaultsNameFileAndKey) {
  pooling(Json::object({{"pooling_mode_mean_tokens", false}}));
  EXPECT_THAT(fault(), HasSubstr("1_Pooling/config.json: pooling_mode_...: none is chosen"));
  pooling(Json::object({{"pooling_mode", "median"}}));
  EXPECT_THAT(fault(), HasSubstr("pooling_mode: \"median\" is not served; cls, max, mean"));
  pooling(Json::object({{"word_embedding_dimension", 32}}));
  EXPECT_THAT(fault(), HasSubstr("word_embedding_dimension: must be the hidden size 48"));
  pooling(Json::object({}));
  modules({{"2_Dense", "Dense"}});
  dense("2_Dense", Json::object({{"in_features", 3}, {"out_features", 2}}));
  EXPECT_THAT(fault(), HasSubstr("2_Dense/config.json: in_features: must be 48"));
  dense("2_Dense", Json::object({{"out_features", 0}}));
  EXPECT_THAT(fault(), HasSubstr("2_Dense/config.json: out_features: must be a whole number"));
  dense("2_Dense", Json::object({{"out_features", 2}, {"activation_function", "a.Softsign"}}));
  EXPECT_THAT(fault(),
              HasSubstr("activation_function: 'a.Softsign' is not served; Tanh, Identity"));
  dense("2_Dense", Json::object({{"out_features", 2}}));
  EXPECT_THAT(fault(), HasSubstr("2_Dense: has neither model.safetensors"));
  modules({});
  folder_.put("sentence_bert_config.json", R"({"max_seq_length": "long"})");
  EXPECT_THAT(fault(), HasSubstr("sentence_bert_config.json: max_seq_length: must be"));
}

}  // namespace
}  // namespace thaw::encoder
