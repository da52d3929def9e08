// Models in 8 bits beside themselves in floats, on every instruction set.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cmath>
#include <filesystem>

#include "base/json.h"
#include "encoder/embedding.h"
#include "encoder/model.h"
#include "encoder/question_answering.h"
#include "tokenize/files.h"

namespace thaw::encoder {
namespace {

const std::string kFolder = THAW_SOURCE_DIR "/tests/data/encoders/";

class Int8Model : public testing::TestWithParam<std::string_view> {
 protected:
  static std::unique_ptr<Model> open(const std::string& name, Precision precision,
                                     std::vector<std::string> folders = {}) {
    ModelOptions options = {.threads = 2, .precision = precision, .kernels = GetParam()};
    options.panel_folders = std::move(folders);
    options.least_panel_bytes = 1;
    auto model = Model::open(kFolder + name, options);
    return model ? *std::move(model) : nullptr;
  }
  static Json reference(const std::string& name) {
    return Json::parse(tokenize::read_text_file(kFolder + name + "/reference.json").value())
        .value();
  }
};

/// How far apart two lists of numbers are, as a share of their length as vectors.
double distance(std::span<const float> a, std::span<const float> b) {
  double difference = 0, length = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
    length += double{a[i]} * a[i];
  }
  return std::sqrt(difference / length);
}

TEST_P(Int8Model, HiddenVectorsAreWithinFourPercentOfTheFloats) {
  const auto exact = open("distilbert-qa", Precision::kFloat32);
  if (!exact) GTEST_SKIP() << "no " << GetParam();
  const auto rounded = open("distilbert-qa", Precision::kInt8);
  std::vector<Sequence> sequences(2);
  for (int i = 0; i < 40; ++i) {
    sequences[static_cast<size_t>(i % 2)].ids.push_back(5 + i * 7 % 50);
    sequences[static_cast<size_t>(i % 2)].types.push_back(0);
  }
  const double off =
      distance(exact->encoder().run(sequences).rows, rounded->encoder().run(sequences).rows);
  EXPECT_LT(off, 0.04);
  EXPECT_GT(off, 1e-6) << "nothing was rounded";
}

TEST_P(Int8Model, LogitsOfQuestionsAreNearTheReferences) {
  const auto model = open("distilbert-qa", Precision::kInt8);
  if (!model) GTEST_SKIP() << "no " << GetParam();
  double difference = 0, length = 0;
  const Json wanted = reference("distilbert-qa");
  for (const Json& item : wanted["items"].as_array()) {
    QuestionOptions options;
    const Json& given = item["options"];
    if (given.find("max_seq_len")) {
      options.max_sequence = static_cast<int>(given["max_seq_len"].as_int());
    }
    if (given.find("doc_stride")) options.stride = static_cast<int>(given["doc_stride"].as_int());
    const auto windows =
        question_windows(*model, item["question"].as_string(), item["context"].as_string(), options)
            .value();
    const auto logits = question_logits(*model, windows);
    for (size_t w = 0; w < windows.size(); ++w) {
      for (size_t i = 0; i < windows[w].items.size(); ++i) {
        const double exact = item["start_logits"].as_array()[w].as_array()[i].as_double();
        difference += (logits[w].start[i] - exact) * (logits[w].start[i] - exact);
        length += exact * exact;
      }
    }
  }
  ASSERT_GT(length, 0);
  EXPECT_LT(std::sqrt(difference / length), 0.05);
}

TEST_P(Int8Model, PanelsInEightBitsHaveAFileOfTheirOwn) {
  std::string path = testing::TempDir() + "int8-XXXXXX";
  const std::string cache = mkdtemp(path.data());
  if (!open("minilm-sentence", Precision::kInt8, {cache})) GTEST_SKIP() << "no " << GetParam();
  const auto again = open("minilm-sentence", Precision::kInt8, {cache});
  EXPECT_EQ(again->report().filled.from, Arena::Filled::From::kCache);
  EXPECT_THAT(again->report().filled.path, testing::EndsWith(".s8x16.panels"));
  const auto fresh = open("minilm-sentence", Precision::kInt8);
  const std::vector<Sequence> sequences = {{{5, 6, 7, 8}, {0, 0, 0, 0}}};
  EXPECT_EQ(again->encoder().run(sequences).rows, fresh->encoder().run(sequences).rows);
  EXPECT_EQ(open("minilm-sentence", Precision::kFloat32, {cache})->report().filled.from,
            Arena::Filled::From::kPacked);
  std::filesystem::remove_all(cache);
}

INSTANTIATE_TEST_SUITE_P(EachInstructionSet, Int8Model,
                         testing::Values("portable", "avx2", "avx512", "amx"),
                         [](const auto& each) { return std::string(each.param); });

}  // namespace
}  // namespace thaw::encoder
