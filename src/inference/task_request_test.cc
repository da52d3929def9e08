// The options of /predict's bodies as the pipelines name them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inference/task.h"

namespace thaw::inference {
namespace {

using encoder::Task;
using testing::ElementsAre;
using testing::HasSubstr;

Result<TaskRequest> read(Task task, const std::string& parameters) {
  const std::string inputs =
      task == Task::kQuestionAnswering ? R"({"question": "a", "context": "b"})" : R"("a")";
  const std::string body = R"({"inputs": )" + inputs + R"(, "parameters": )" + parameters + "}";
  return read_request(task, Json::parse(body).value());
}
std::string fault(Task task, const std::string& parameters) {
  const auto request = read(task, parameters);
  return request ? "" : request.error().message();
}

TEST(TaskRequest, NullOfTopKGivesAllLabels) {
  const Task task = Task::kTextClassification;
  EXPECT_EQ(read(task, R"({"top_k": null})")->top_k, -1);
  EXPECT_EQ(read(task, R"({"top_k": 2})")->top_k, 2);
  EXPECT_EQ(read(task, "{}")->top_k, std::nullopt);
  EXPECT_EQ(read(Task::kQuestionAnswering, R"({"top_k": null})")->top_k, std::nullopt);
}

TEST(TaskRequest, NamesOfOptionsAreTakenInEitherCase) {
  EXPECT_EQ(read(Task::kTextClassification, R"({"function_to_apply": "SIGMOID"})")->function,
            encoder::ScoreFunction::kSigmoid);
  EXPECT_EQ(
      read(Task::kTokenClassification, R"({"aggregation_strategy": "MAX"})")->entities.aggregation,
      encoder::Aggregation::kMax);
}

TEST(TaskRequest, TruncationHasTheTokenizersNames) {
  const Task task = Task::kTextClassification;
  const auto request =
      read(task, R"({"truncation": "only_second", "max_length": 9, "padding": true})");
  ASSERT_TRUE(request) << request.error().message();
  EXPECT_EQ(request->limits.cut, tokenize::Cut::kOnlySecond);
  EXPECT_EQ(request->limits.longest, 9);
  EXPECT_EQ(read(task, R"({"truncation": "only_first"})")->limits.cut, tokenize::Cut::kOnlyFirst);
  for (const char* cuts : {"true", R"("longest_first")", "null"}) {
    const auto cut = read(task, std::string(R"({"truncation": )") + cuts + "}");
    EXPECT_EQ(cut->too_long, TaskRequest::Long::kCutAndTell) << cuts;
    EXPECT_EQ(cut->limits.cut, tokenize::Cut::kLongestFirst) << cuts;
  }
  for (const char* refuses : {"false", R"("do_not_truncate")"}) {
    EXPECT_EQ(read(task, std::string(R"({"truncation": )") + refuses + "}")->too_long,
              TaskRequest::Long::kRefuse);
  }
  EXPECT_THAT(fault(task, R"({"truncation": 7})"),
              HasSubstr("parameters.truncation: must be true, false, longest_first"));
  EXPECT_THAT(fault(task, R"({"max_length": 0})"), HasSubstr("parameters.max_length: 0 must be"));
}

TEST(TaskRequest, TargetsAreATextOrTexts) {
  const Task task = Task::kFillMask;
  EXPECT_THAT(read(task, R"({"targets": "a"})")->targets, ElementsAre("a"));
  EXPECT_THAT(read(task, R"({"targets": ["a", "b"]})")->targets, ElementsAre("a", "b"));
  for (const char* wrong : {"[]", "7", R"(["a", 7])"}) {
    EXPECT_THAT(fault(task, std::string(R"({"targets": )") + wrong + "}"),
                HasSubstr("parameters.targets: must be a text or 1 to 1000 texts"))
        << wrong;
  }
  EXPECT_THAT(fault(Task::kEmbedding, R"({"targets": "a"})"), HasSubstr("unknown field"));
}

TEST(TaskRequest, WindowsMayShareNoTokens) {
  EXPECT_EQ(read(Task::kQuestionAnswering, R"({"doc_stride": 0})")->question.stride, 0);
  EXPECT_EQ(read(Task::kTokenClassification, R"({"stride": 0})")->entities.stride, 0);
  EXPECT_THAT(fault(Task::kTokenClassification, R"({"stride": -1})"),
              HasSubstr("parameters.stride: -1 must be"));
}

}  // namespace
}  // namespace thaw::inference
