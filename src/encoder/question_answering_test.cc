#include "encoder/question_answering.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/json.h"
#include "encoder/model.h"
#include "tokenize/files.h"

namespace thaw::encoder {
namespace {

using testing::HasSubstr;

const std::string kFolder = THAW_SOURCE_DIR "/tests/data/encoders/distilbert-qa";

/// Every instruction set, with one thread and with several.
struct Way {
  std::string_view kernels;
  int threads;
};
class QuestionReference : public testing::TestWithParam<Way> {
 protected:
  void SetUp() override {
    auto model =
        Model::open(kFolder, {.threads = GetParam().threads, .kernels = GetParam().kernels});
    if (!model) GTEST_SKIP() << model.error().message();
    model_ = *std::move(model);
  }
  static Json read(const std::string& name) {
    return Json::parse(tokenize::read_text_file(kFolder + "/" + name).value()).value();
  }
  std::unique_ptr<Model> model_;
};

QuestionOptions options_of(const Json& json) {
  QuestionOptions options;
  options.top_k = static_cast<int>(json.int_or("top_k", 1));
  options.max_answer_tokens = static_cast<int>(json.int_or("max_answer_len", 15));
  if (json.find("max_seq_len"))
    options.max_sequence = static_cast<int>(json["max_seq_len"].as_int());
  if (json.find("doc_stride")) options.stride = static_cast<int>(json["doc_stride"].as_int());
  options.may_be_impossible = json.bool_or("handle_impossible_answer", false);
  options.align_to_words = json.bool_or("align_to_words", true);
  return options;
}

void expect_windows(const std::vector<tokenize::Encoding>& windows, const Json& wanted) {
  ASSERT_EQ(windows.size(), wanted.as_array().size());
  for (size_t w = 0; w < windows.size(); ++w) {
    const Json& ids = wanted.as_array()[w]["ids"];
    const Json& offsets = wanted.as_array()[w]["offsets"];
    ASSERT_EQ(windows[w].items.size(), ids.as_array().size());
    for (size_t i = 0; i < windows[w].items.size(); ++i) {
      EXPECT_EQ(windows[w].items[i].token.id, ids.as_array()[i].as_int());
      EXPECT_EQ(windows[w].items[i].token.begin, offsets.as_array()[i].as_array()[0].as_int());
      EXPECT_EQ(windows[w].items[i].token.end, offsets.as_array()[i].as_array()[1].as_int());
    }
  }
}

TEST_P(QuestionReference, WindowsLogitsAndAnswersAreTheReferences) {
  const Json reference = read("reference.json");
  const double tolerance = reference["tolerance"]["logits_abs"].as_double();
  const double relative = reference["tolerance"]["scores_rel"].as_double();
  for (const Json& item : reference["items"].as_array()) {
    const std::string question = item["question"].as_string(),
                      context = item["context"].as_string();
    const QuestionOptions options = options_of(item["options"]);
    const auto windows = question_windows(*model_, question, context, options).value();
    expect_windows(windows, item["encodings"]);
    const auto logits = question_logits(*model_, windows);
    for (size_t w = 0; w < windows.size(); ++w) {
      for (size_t i = 0; i < windows[w].items.size(); ++i) {
        ASSERT_NEAR(logits[w].start[i],
                    item["start_logits"].as_array()[w].as_array()[i].as_double(), tolerance);
        ASSERT_NEAR(logits[w].end[i], item["end_logits"].as_array()[w].as_array()[i].as_double(),
                    tolerance);
      }
    }
    const auto answers = choose_answers(windows, logits, context, options);
    const Json::Array& wanted = item["answers"].as_array();
    ASSERT_EQ(answers.size(), wanted.size()) << question;
    for (size_t i = 0; i < answers.size(); ++i) {
      EXPECT_EQ(answers[i].text, wanted[i]["answer"].as_string());
      EXPECT_EQ(answers[i].start, wanted[i]["start"].as_int());
      EXPECT_EQ(answers[i].end, wanted[i]["end"].as_int());
      const double score = wanted[i]["score"].as_double();
      EXPECT_NEAR(answers[i].score, score, relative * score);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, QuestionReference,
                         testing::Values(Way{"avx2", 1}, Way{"avx2", 3}, Way{"portable", 1},
                                         Way{"portable", 2}),
                         [](const auto& each) {
                           return std::string(each.param.kernels) +
                                  std::to_string(each.param.threads);
                         });

class QuestionTest : public testing::Test {
 protected:
  std::string fault(std::string_view question, std::string_view context,
                    const QuestionOptions& options = {}) {
    const auto answers = answer_question(*model_, question, context, options);
    return answers ? "" : answers.error().message();
  }
  std::unique_ptr<Model> model_ = Model::open(kFolder, {.threads = 1}).value();
};

TEST_F(QuestionTest, WhatCannotBeAskedIsRefused) {
  EXPECT_THAT(fault("", "a"), HasSubstr("question: must not be empty"));
  EXPECT_THAT(fault("who", " \n"), HasSubstr("context: must not be empty"));
  std::string many;
  for (int i = 0; i < 130; ++i) many += "a ";
  EXPECT_THAT(fault(many, "a"), HasSubstr("leave no room for the context in a window of 128"));
  EXPECT_THAT(fault("who", "a", {.max_sequence = 129}),
              HasSubstr("max_seq_len: 129 must be from 1"));
  EXPECT_THAT(fault("who", "a", {.max_sequence = 10, .stride = 6}), HasSubstr("doc_stride: 6"));
  std::string long_context;
  for (int i = 0; i < 5000; ++i) long_context += "a ";
  EXPECT_THAT(fault("who", long_context, {.max_sequence = 6, .stride = 1}),
              HasSubstr("more than 4096: split it"));
}

TEST_F(QuestionTest, AFirstTokenWrittenInTheQuestionIsNoAnswer) {
  for (const bool align : {true, false}) {
    const auto answers = answer_question(*model_, "Who of the museum [CLS] opened [CLS] it?",
                                         "boat it", {.top_k = 500, .align_to_words = align})
                             .value();
    ASSERT_FALSE(answers.empty());
    for (const Answer& each : answers) {
      EXPECT_LE(0, each.start);
      EXPECT_LT(each.start, each.end);
      EXPECT_LE(each.end, 7);
    }
  }
}

TEST_F(QuestionTest, AQuestionThatLeavesLittleRoomStillReadsTheWholeContext) {
  std::string question, context;
  for (int i = 0; i < 120; ++i) question += "a ";
  for (int i = 0; i < 40; ++i) context += "b ";
  const auto windows = question_windows(*model_, question, context, {}).value();
  EXPECT_EQ(windows.back().items[windows.back().items.size() - 2].token.end, 79);
}

}  // namespace
}  // namespace thaw::encoder
