// How tokens become entities, with labels that are made up; the forward pass is heads_test.cc's.
#include "encoder/entities.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace thaw::encoder {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kFolder = THAW_SOURCE_DIR "/tests/data/encoders/";

/// The tokens of a text with these labels, each certain.
TokenLogits labelled(const tokenize::Tokenizer& tokenizer, const EncoderConfig& config,
                     std::string_view text, const std::vector<std::string>& labels) {
  TokenLogits logits;
  logits.encoding = tokenizer.assemble(tokenizer.tokenize(text));
  size_t next = 0;
  for (const auto& item : logits.encoding.items) {
    auto& row = logits.rows.emplace_back(config.labels.size(), 0.F);
    if (item.sequence < 0) continue;
    const std::string& label = labels.at(next++);
    for (size_t i = 0; i < row.size(); ++i) row[i] = config.labels[i] == label ? 9.F : 0.F;
  }
  EXPECT_EQ(next, labels.size()) << "the text has other tokens";
  return logits;
}

std::vector<std::string> words(const std::vector<Entity>& entities) {
  std::vector<std::string> shown;
  for (const Entity& each : entities) {
    shown.push_back(each.label + " " + std::to_string(each.start) + "-" + std::to_string(each.end) +
                    " '" + each.word + "'");
  }
  return shown;
}

TEST(Entities, AtByteLevelAWordGoesOnUntilTheNextSpace) {
  const auto tokenizer = tokenize::Tokenizer::open(kFolder + "roberta-seqcls").value();
  EncoderConfig config;
  config.labels = {"O", "B-PER", "I-PER", "LOC"};
  // Two tokens to each word; the last token of one is followed by a space.
  const std::string text = "xq zv";
  ASSERT_EQ(tokenizer.tokenize(text).size(), 5U);
  const auto logits = labelled(tokenizer, config, text, {"B-PER", "LOC", "O", "LOC", "B-PER"});
  const auto found = [&](Aggregation aggregation) {
    return words(join_entities(config, tokenizer, logits, text, {.aggregation = aggregation}));
  };
  EXPECT_THAT(found(Aggregation::kSimple),
              ElementsAre("PER 0-1 'x'", "LOC 1-2 'q'", "LOC 3-4 'z'", "PER 4-5 'v'"));
  EXPECT_THAT(found(Aggregation::kFirst), ElementsAre("PER 0-2 'xq'", "LOC 3-5 'zv'"));
}

TEST(Entities, BytesOfBrokenCharactersAreShownOnce) {
  const auto tokenizer = tokenize::Tokenizer::open(kFolder + "roberta-seqcls").value();
  EncoderConfig config;
  config.labels = {"O", "LOC"};
  const std::string text = "\U0001F600";
  ASSERT_EQ(tokenizer.tokenize(text).size(), 4U);
  const auto logits = labelled(tokenizer, config, text, {"LOC", "LOC", "LOC", "O"});
  EXPECT_THAT(
      words(join_entities(config, tokenizer, logits, text, {.aggregation = Aggregation::kSimple})),
      ElementsAre("LOC 0-1 '\uFFFD'"));
}

TEST(Entities, OfThoseThatOverlapTheLongestStays) {
  const auto entity = [](const char* label, double score, int start, int end) {
    return Entity{.label = label, .score = score, .start = start, .end = end};
  };
  const auto kept = without_overlaps({entity("a", 0.9, 0, 4), entity("b", 0.5, 2, 9),
                                      entity("c", 0.6, 20, 24), entity("d", 0.7, 20, 24),
                                      entity("e", 0.1, 24, 25), entity("f", 0.2, 12, 15)});
  std::vector<std::string> labels;
  for (const Entity& each : kept) labels.push_back(each.label);
  EXPECT_THAT(labels, ElementsAre("b", "f", "d", "e"));
  EXPECT_TRUE(without_overlaps({}).empty());
}

class WindowsTest : public testing::Test {
 protected:
  std::string fault(std::string_view text, const EntityOptions& options) {
    const auto found = find_entities(*model_, text, options, work_);
    return found ? "" : found.error().message();
  }
  std::unique_ptr<Model> model_ = Model::open(kFolder + "bert-ner-cased", {.threads = 1}).value();
  EntityWork work_;
};

TEST_F(WindowsTest, ATextOfAnyLengthIsReadToItsEnd) {
  std::string text;
  for (int i = 0; i < 150; ++i) text += "the harbour of Lindow ";
  const auto windows = windowed_entity_logits(*model_, text, 10, work_).value();
  ASSERT_GT(windows.size(), 3U);
  const auto& last = windows.back().encoding.items;
  EXPECT_EQ(last[last.size() - 2].token.end, static_cast<int>(text.size()) - 1);
  // Neighbours share ten tokens.
  const auto& first = windows[0].encoding.items;
  EXPECT_EQ(first[first.size() - 11].token, windows[1].encoding.items[1].token);
  const EntityOptions all = {.aggregation = Aggregation::kSimple, .ignored = {}, .stride = 10};
  const auto entities = find_entities(*model_, text, all, work_).value();
  ASSERT_FALSE(entities.empty());
  for (size_t i = 1; i < entities.size(); ++i) {
    EXPECT_GE(entities[i].start, entities[i - 1].end);
  }
  EXPECT_GT(entities.back().end, static_cast<int>(text.size()) - 30);
}

TEST_F(WindowsTest, AllTextsOfARequestShareTheWindows) {
  std::string text;
  for (int i = 0; i < 150; ++i) text += "the harbour of Lindow ";
  const EntityOptions options = {.aggregation = Aggregation::kSimple, .stride = 10};
  const size_t count = windowed_entity_logits(*model_, text, 10, work_).value().size();
  EXPECT_EQ(work_.windows_left, kMostEntityWindows - count);
  work_.windows_left = 2 * count - 1;
  EXPECT_EQ(fault(text, options), "");
  EXPECT_THAT(fault(text, options), HasSubstr("all texts may have 4096 together"));
  EXPECT_EQ(fault("Marta Oswin", options), "") << "what was refused took nothing";
}

TEST_F(WindowsTest, AreGivenUpWhenNobodyWaits) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "the harbour of Lindow ";
  int asked = 0;
  work_.is_wanted = [&] { return ++asked < 2; };
  const auto windows = windowed_entity_logits(*model_, text, 10, work_);
  ASSERT_FALSE(windows);
  EXPECT_EQ(windows.error().code(), Code::kCancelled);
  EXPECT_EQ(asked, 2);
}

TEST_F(WindowsTest, AShortTextIsTheSameWithAndWithoutThem) {
  const std::string text = "Marta Oswin opened the harbour.";
  const EntityOptions plain = {.aggregation = Aggregation::kFirst};
  EntityOptions windowed = plain;
  windowed.stride = 4;
  const auto a = find_entities(*model_, text, plain, work_).value();
  const auto b = find_entities(*model_, text, windowed, work_).value();
  EXPECT_EQ(words(a), words(b));
}

TEST_F(WindowsTest, WhatCannotBeIsRefused) {
  EXPECT_THAT(fault("a", {.stride = 4}), HasSubstr("stride: needs an aggregation_strategy"));
  EXPECT_THAT(fault("a", {.aggregation = Aggregation::kSimple, .stride = 94}),
              HasSubstr("stride: 94 must be from 0 to 93"));
  std::string text;
  for (int i = 0; i < 4400; ++i) text += "a ";
  EXPECT_THAT(fault(text, {.aggregation = Aggregation::kSimple, .stride = 93}),
              HasSubstr("windows, and all texts may have 4096 together"));
}

}  // namespace
}  // namespace thaw::encoder
