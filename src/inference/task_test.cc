// What requests are estimated to cost, without a model.
#include "inference/task.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace thaw::inference {
namespace {

using encoder::Task;

size_t cost_of(Task task, const Json& body, size_t longest = 512) {
  return estimated_tokens(task, read_request(task, body).value(), longest);
}

TEST(EstimatedTokens, OfATextAreNoMoreThanTheModelTakesAndALittleForReadingIt) {
  const auto cost = [](size_t bytes) {
    return cost_of(Task::kEmbedding, Json::object({{"inputs", std::string(bytes, 'a')}}));
  };
  EXPECT_EQ(cost(400), 101u);
  EXPECT_EQ(cost(2048), 512u + 3);
  EXPECT_EQ(cost(1 << 20), 512u + 1024 + 1);
  const Json pairs = *Json::parse(R"({"inputs":[{"text":"12345678","text_pair":"1234"},"1234"]})");
  EXPECT_EQ(cost_of(Task::kTextClassification, pairs), 3u + 1 + 1 + 1);
}

TEST(EstimatedTokens, OfAContextAreThoseOfAllItsWindows) {
  std::string context;  // of 1,500 tokens
  for (int i = 0; i < 1200; ++i) context += "word ";
  const auto cost = [&](const Json& options) {
    Json body = Json::object({{"question", "Who is it?"}, {"context", context}});
    for (const auto& [name, value] : options.as_object()) body.set(name, value);
    return cost_of(Task::kQuestionAnswering, body);
  };
  const size_t plain = cost(Json::object());
  EXPECT_EQ(plain, 6 * 384u + 6) << "382 tokens, then 254 more each";
  EXPECT_EQ(cost(Json::object({{"doc_stride", 378}})), 281 * 384u + 6) << "4 more each";
  EXPECT_EQ(cost(Json::object({{"doc_stride", 100'000}})), 1119 * 384u + 6) << "at least one more";
  EXPECT_EQ(cost(Json::object({{"max_seq_len", 100'000}})),
            (1500 - 510 + 381) / 382 * 512 + 512u + 6)
      << "the model takes 512";
  context.resize(800);
  EXPECT_EQ(cost(Json::object({{"doc_stride", 378}})), 2 + 200 + 1u) << "one window, not full";
}

TEST(EstimatedTokens, OfEntitiesAreThoseOfAllWindowsToo) {
  const std::string text(40'000, 'a');
  const auto cost = [&](const Json& options) {
    return cost_of(Task::kTokenClassification,
                   Json::object({{"inputs", text}, {"parameters", options}}));
  };
  EXPECT_EQ(cost(Json::object()), 512 + 40u) << "it is cut";
  EXPECT_EQ(cost(Json::object({{"stride", 510}})), 4096 * 512 + 40u) << "the most windows";
  EXPECT_EQ(cost(Json::object({{"stride", 0}})), 20 * 512 + 40u);
}

TEST(EstimatedTokens, OfWhatIsCutShorterAreFewer) {
  const Json body = Json::object({{"text", std::string(4000, 'a')}, {"max_length", 100}});
  EXPECT_EQ(cost_of(Task::kTextClassification, body), 100 + 4u);
}

TEST(TaskRequest, ATextThatIsTooLongIsCalledByItsField) {
  const Json longest(std::string(kLongestText + 1, 'a'));
  const auto fault = [](Task task, const Json& body) {
    const auto request = read_request(task, body);
    return request ? "" : request.error().message().substr(0, 24);
  };
  const Task qa = Task::kQuestionAnswering, classes = Task::kTextClassification;
  EXPECT_EQ(fault(qa, Json::object({{"question", longest}, {"context", "a"}})),
            "question: has 4194305 by");
  EXPECT_EQ(fault(qa, Json::object({{"question", "a"}, {"context", longest}})),
            "context: has 4194305 byt");
  EXPECT_EQ(fault(classes, Json::object({{"text", longest}})), "text: has 4194305 bytes,");
  EXPECT_EQ(fault(classes, Json::object({{"text", "a"}, {"text_pair", longest}})),
            "text_pair: has 4194305 b");
  const auto in_list = [&](const Json& input) {
    return Json::object({{"inputs", Json::Array{input}}});
  };
  EXPECT_EQ(fault(classes, in_list(longest)), "inputs[0]: has 4194305 b");
  EXPECT_EQ(fault(qa, in_list(Json::object({{"question", longest}, {"context", "a"}}))),
            "inputs[0].question: has ");
  EXPECT_EQ(fault(classes, in_list(Json::object({{"text", "a"}, {"text_pair", longest}}))),
            "inputs[0].text_pair: has");
}

TEST(EstimatedTokens, NoOptionsMakeThemOverflow) {
  for (const int longest : {1, 2, 4, 512}) {
    for (const int sequence : {4, 100'000}) {
      for (const int stride : {1, 4, 100'000}) {
        const Json body = Json::object({{"question", std::string(10'000, 'q')},
                                        {"context", std::string(1 << 20, 'c')},
                                        {"max_seq_len", sequence},
                                        {"doc_stride", stride}});
        const size_t cost = cost_of(Task::kQuestionAnswering, body, static_cast<size_t>(longest));
        EXPECT_GE(cost, 1024u);
        EXPECT_LE(cost, encoder::kMostWindows * 512 + 2048);
      }
    }
  }
}

}  // namespace
}  // namespace thaw::inference
