// The reference models that are no question answerers, through their tokenizers to their answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "encoder/classification.h"
#include "encoder/embedding.h"
#include "encoder/entities.h"
#include "tokenize/files.h"

namespace thaw::encoder {
namespace {

using testing::HasSubstr;

const std::string kFolder = THAW_SOURCE_DIR "/tests/data/encoders/";

class HeadReference : public testing::TestWithParam<std::string_view> {
 protected:
  void load(const std::string& name) {
    auto model = Model::open(kFolder + name, {.threads = 2, .kernels = GetParam()});
    if (!model) GTEST_SKIP() << model.error().message();
    model_ = *std::move(model);
    reference_ =
        Json::parse(tokenize::read_text_file(kFolder + name + "/reference.json").value()).value();
  }
  double tolerance(std::string_view key) const { return reference_["tolerance"][key].as_double(); }
  const Json::Array& items() const { return reference_["items"].as_array(); }

  void expect_classes() const {
    std::vector<TextInput> inputs;
    for (const Json& item : items()) {
      TextInput& input = inputs.emplace_back();
      input.text = item["text"].as_string();
      if (item["text_pair"].is_string()) input.pair = item["text_pair"].as_string();
    }
    const auto logits = classify_logits(*model_, inputs, Model::TooLong::kCut).value();
    for (size_t i = 0; i < inputs.size(); ++i) {
      const Json::Array& wanted = items()[i]["logits"].as_array();
      ASSERT_EQ(logits[i].size(), wanted.size());
      for (size_t k = 0; k < wanted.size(); ++k) {
        EXPECT_NEAR(logits[i][k], wanted[k].as_double(), tolerance("logits_abs")) << inputs[i].text;
      }
      const auto scores = score_labels(model_->config(), logits[i], ScoreFunction::kByModel);
      const Json::Array& labels = items()[i]["scores"].as_array();
      for (size_t k = 0; k < labels.size(); ++k) {
        EXPECT_EQ(scores[k].label, labels[k]["label"].as_string()) << inputs[i].text;
        const double score = labels[k]["score"].as_double();
        EXPECT_NEAR(scores[k].score, score, tolerance("scores_rel") * score) << inputs[i].text;
      }
    }
  }

  void expect_entities(const Json& item, const TokenLogits& logits,
                       std::string_view strategy) const {
    const std::string text = item["text"].as_string();
    const EntityOptions options = {.aggregation = parse_aggregation(strategy).value()};
    const auto entities =
        join_entities(model_->config(), model_->tokenizer(), logits, text, options);
    const Json::Array& wanted = item["entities"][strategy].as_array();
    ASSERT_EQ(entities.size(), wanted.size()) << text;
    for (size_t i = 0; i < wanted.size(); ++i) {
      const bool is_group = strategy != "none";
      EXPECT_EQ(entities[i].label, wanted[i][is_group ? "entity_group" : "entity"].as_string());
      EXPECT_EQ(entities[i].word, wanted[i]["word"].as_string());
      EXPECT_EQ(entities[i].start, wanted[i]["start"].as_int());
      EXPECT_EQ(entities[i].end, wanted[i]["end"].as_int());
      if (!is_group) {
        EXPECT_EQ(entities[i].index, wanted[i]["index"].as_int());
      }
      const double score = wanted[i]["score"].as_double();
      EXPECT_NEAR(entities[i].score, score, tolerance("scores_rel") * score);
    }
  }

  std::unique_ptr<Model> model_;
  Json reference_;
};

TEST_P(HeadReference, BertClassifiesTextsAndPairs) {
  load("bert-seqcls");
  if (model_) expect_classes();
}

TEST_P(HeadReference, RobertaClassifiesTextsAndPairs) {
  load("roberta-seqcls");
  if (model_) expect_classes();
}

TEST_P(HeadReference, SentencesBecomeVectors) {
  load("minilm-sentence");
  if (!model_) return;
  EXPECT_EQ(model_->task(), Task::kEmbedding);
  std::vector<std::string> texts;
  for (const Json& item : items()) texts.push_back(item["text"].as_string());
  const auto vectors = embed(*model_, texts, Model::TooLong::kCut).value();
  for (size_t i = 0; i < texts.size(); ++i) {
    const Json::Array& wanted = items()[i]["embedding"].as_array();
    ASSERT_EQ(vectors[i].size(), wanted.size());
    for (size_t k = 0; k < wanted.size(); ++k) {
      EXPECT_NEAR(vectors[i][k], wanted[k].as_double(), tolerance("embedding_abs")) << texts[i];
    }
  }
}

TEST_P(HeadReference, EntitiesOfTokensAndOfGroups) {
  load("bert-ner-cased");
  if (!model_) return;
  for (const Json& item : items()) {
    const std::string text = item["text"].as_string();
    const auto logits = entity_logits(*model_, text, Model::TooLong::kCut).value();
    const Json::Array& wanted = item["logits"].as_array();
    ASSERT_EQ(logits.rows.size(), wanted.size()) << text;
    for (size_t i = 0; i < wanted.size(); ++i) {
      for (size_t k = 0; k < logits.rows[i].size(); ++k) {
        EXPECT_NEAR(logits.rows[i][k], wanted[i].as_array()[k].as_double(),
                    tolerance("logits_abs"));
      }
    }
    for (const auto& [strategy, entities] : item["entities"].as_object()) {
      expect_entities(item, logits, strategy);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EachInstructionSet, HeadReference, testing::Values("avx2", "portable"),
                         [](const auto& each) { return std::string(each.param); });

TEST(Heads, ATextLongerThanTheModelIsRefusedUnlessItMayBeCut) {
  const auto model = Model::open(kFolder + "bert-seqcls", {.threads = 1}).value();
  std::vector<TextInput> inputs = {{.text = ""}};
  for (int i = 0; i < 200; ++i) inputs[0].text += "a ";
  EXPECT_THAT(classify_logits(*model, inputs, Model::TooLong::kRefuse).error().message(),
              HasSubstr("the text has 200 tokens, but the model takes 94"));
  inputs[0].pair = "b";
  EXPECT_THAT(classify_logits(*model, inputs, Model::TooLong::kRefuse).error().message(),
              HasSubstr("the two texts have 201 tokens, but the model takes 93"));
  EXPECT_TRUE(classify_logits(*model, inputs, Model::TooLong::kCut));
}

TEST(Heads, ManyTextsAreTheSameAsEachAlone) {
  const auto model = Model::open(kFolder + "bert-seqcls", {.threads = 2}).value();
  std::vector<TextInput> inputs;
  for (int i = 0; i < 60; ++i)
    inputs.push_back({.text = std::string(static_cast<size_t>(i), 'a') + " the museum"});
  const auto together = classify_logits(*model, inputs, Model::TooLong::kRefuse).value();
  for (size_t i = 0; i < inputs.size(); ++i) {
    const auto alone = classify_logits(*model, {&inputs[i], 1}, Model::TooLong::kRefuse).value();
    for (size_t k = 0; k < alone[0].size(); ++k) EXPECT_NEAR(together[i][k], alone[0][k], 1e-5);
  }
}

TEST(ScoreLabels, EachProblemHasItsFunction) {
  EncoderConfig config;
  config.labels = {"a", "b"};
  const std::vector<float> logits = {0, 2};
  const auto first = [&](ScoreFunction function) {
    const auto scores = score_labels(config, logits, function);
    EXPECT_EQ(scores[0].label, "b");
    return scores[0].score;
  };
  EXPECT_NEAR(first(ScoreFunction::kByModel), 0.8807971, 1e-6);
  EXPECT_NEAR(first(ScoreFunction::kSigmoid), 0.8807971, 1e-6);
  EXPECT_EQ(first(ScoreFunction::kNone), 2);
  config.problem = EncoderConfig::Problem::kRegression;
  EXPECT_EQ(first(ScoreFunction::kByModel), 2);
  config.problem = EncoderConfig::Problem::kMultiLabel;
  EXPECT_NEAR(score_labels(config, logits, ScoreFunction::kByModel)[1].score, 0.5, 1e-12);
}

}  // namespace
}  // namespace thaw::encoder
