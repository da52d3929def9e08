// Which requests of a batch go through the model together, and that each gets its own answer.
#include "inference/work.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "inference/routes.h"
#include "tokenize/files.h"

namespace thaw::inference {
namespace {

using encoder::Task;
using testing::ElementsAre;
using testing::HasSubstr;
using Group = std::vector<size_t>;

const std::string kData = THAW_SOURCE_DIR "/tests/data/encoders/";

Work work_of(Task task, const std::string& body) {
  Work work;
  work.task = std::make_shared<const TaskRequest>(read_request(task, *Json::parse(body)).value());
  return work;
}

std::vector<Group> grouped(const std::vector<Work>& works, Task task) {
  std::vector<const Work*> batch;
  for (const Work& each : works) batch.push_back(&each);
  return groups_of(batch, task);
}

TEST(RunBatch, ThoseOfEqualOptionsGoTogether) {
  const Task task = Task::kTextClassification;
  const std::vector<Work> works = {
      work_of(task, R"({"text":"a"})"), work_of(task, R"({"text":"b","top_k":2})"),
      work_of(task, R"({"inputs":["c","d"]})"), work_of(task, R"({"text":"f","top_k":3})"),
      work_of(task, R"({"text":"e","top_k":2})")};
  EXPECT_THAT(grouped(works, task), ElementsAre(Group{0, 2}, Group{1, 4}, Group{3}));
}

TEST(RunBatch, TasksThatGainNothingGoOneByOne) {
  for (const Task task : {Task::kFillMask, Task::kTokenClassification}) {
    const std::vector<Work> works = {work_of(task, R"({"text":"a"})"),
                                     work_of(task, R"({"text":"b"})")};
    EXPECT_THAT(grouped(works, task), ElementsAre(Group{0}, Group{1}));
  }
}

class RunBatchOfAModel : public testing::Test {
 protected:
  void serve(const std::string& name) {
    models.push_back({{name, kData + name, {.threads = 1}}, nullptr});
    models[0].model = encoder::Model::open(kData + name, {.threads = 1}).value();
  }
  std::vector<http::Response> run(const std::vector<std::string>& bodies) {
    std::vector<Work> works;
    for (const std::string& each : bodies) {
      works.push_back(task_work(models, 0, *Json::parse(each)).value());
    }
    std::vector<const Work*> batch;
    for (const Work& each : works) batch.push_back(&each);
    return run_batch(*models[0].model, batch);
  }
  std::vector<Served> models;
};

TEST_F(RunBatchOfAModel, OnesFaultIsItsOwn) {
  serve("bert-seqcls");
  std::string longest;
  for (int i = 0; i < 1000; ++i) longest += "word ";
  const std::string text = R"("inputs":"fine","parameters":{"truncation":false})";
  const std::string bad = R"({"inputs":[")" + longest + R"("],"parameters":{"truncation":false}})";
  const auto alone = run({"{" + text + "}"});
  const auto answers = run({"{" + text + "}", bad, "{" + text + "}", bad});
  ASSERT_EQ(answers.size(), 4u);
  for (const size_t i : {0u, 2u}) {
    EXPECT_EQ(answers[i].status, 200);
    EXPECT_EQ(answers[i].body, alone[0].body);
  }
  for (const size_t i : {1u, 3u}) {
    EXPECT_EQ(answers[i].status, 400);
    EXPECT_THAT(answers[i].body, HasSubstr("token"));
  }
}

TEST_F(RunBatchOfAModel, AFaultIsToldWithoutTheModelsWork) {
  serve("distilbert-qa");
  const auto fault = [&](const std::string& body) {
    const TaskRequest request = read_request(Task::kQuestionAnswering, *Json::parse(body)).value();
    const Status checked = check(*models[0].model, request);
    const auto answered = answer(*models[0].model, request, [] { return true; });
    const std::string told = checked ? "" : checked.error().message();
    EXPECT_EQ(told, answered ? "" : answered.error().message());
    return told;
  };
  EXPECT_EQ(fault(R"({"question":"Who?","context":"Ada came."})"), "");
  EXPECT_THAT(fault(R"({"inputs":[{"question":"Who?","context":"Ada came."},
      {"question":"","context":"Ada came."}]})"),
              HasSubstr("inputs[1]"));
}

TEST_F(RunBatchOfAModel, WhatIsCutIsCountedForEach) {
  serve("bert-seqcls");
  std::string longest;
  for (int i = 0; i < 1000; ++i) longest += "word ";
  const auto answers = run({R"({"text":"short"})", R"({"inputs":["short",")" + longest + R"("]})"});
  EXPECT_EQ(answers[0].headers.get("x-truncated-inputs"), "");
  EXPECT_EQ(answers[1].headers.get("x-truncated-inputs"), "1");
}

}  // namespace
}  // namespace thaw::inference
