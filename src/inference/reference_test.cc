// The reference answers of tests/data/encoders, asked for over real sockets, for every task.
#include <fmt/format.h>

#include "inference/server_testing.h"

namespace thaw::inference {
namespace {

/// The items of a reference, one by one and as one list, in the form of the task's own fields.
class Reference : public ServerTest {
 protected:
  void serve_reference(const std::string& name) {
    serve({name.c_str()});
    load();
    reference_ = reference(name);
    ASSERT_GE(items().size(), 10u);
  }
  const Json::Array& items() const { return reference_["items"].as_array(); }
  double tolerance(std::string_view key) const { return reference_["tolerance"][key].as_double(); }

  static Json input_of(const Json& item) {
    if (!item["text_pair"].is_string()) return item["text"];
    return Json::object({{"text", item["text"]}, {"text_pair", item["text_pair"]}});
  }
  Json::Array inputs() const {
    Json::Array all;
    for (const Json& item : items()) all.push_back(input_of(item));
    return all;
  }
  Json ask(Json inputs, Json parameters) {
    return post("/predict", Json::object({{"inputs", std::move(inputs)},
                                          {"parameters", std::move(parameters)}}));
  }

  void expect_scores(const Json& got, const Json& wanted, const std::string& label,
                     const std::string& where) {
    ASSERT_EQ(got.as_array().size(), wanted.as_array().size()) << where << got.dump();
    for (size_t i = 0; i < wanted.as_array().size(); ++i) {
      const Json &ours = got.as_array()[i], &theirs = wanted.as_array()[i];
      EXPECT_EQ(ours[label], theirs[label]) << where;
      const double score = theirs["score"].as_double();
      EXPECT_NEAR(ours["score"].as_double(), score, tolerance("scores_rel") * score) << where;
      for (const char* exact : {"word", "start", "end", "index"}) {
        EXPECT_EQ(ours[exact], theirs[exact]) << where << exact;
      }
    }
  }
  void expect_classes() {
    const Json list = ask(inputs(), Json::object({{"top_k", -1}}));
    ASSERT_EQ(list.as_array().size(), items().size());
    for (size_t i = 0; i < items().size(); ++i) {
      const Json& wanted = items()[i]["scores"];
      const std::string where = fmt::format("item {} ", i);
      expect_scores(list.as_array()[i], wanted, "label", where + "of the list");
      expect_scores(ask(input_of(items()[i]), Json::object({{"top_k", -1}})), wanted, "label",
                    where + "alone");
      const Json best = ask(input_of(items()[i]), Json::object());
      const Json& one = best.is_array() ? best.as_array().at(0) : best;
      EXPECT_EQ(one["label"], wanted.as_array().at(0)["label"]) << where;
    }
  }
  void expect_vector(const Json& got, const Json& wanted, const std::string& where) {
    ASSERT_EQ(got.as_array().size(), wanted.as_array().size()) << where;
    for (size_t k = 0; k < wanted.as_array().size(); ++k) {
      EXPECT_NEAR(got.as_array()[k].as_double(), wanted.as_array()[k].as_double(),
                  tolerance("embedding_abs"))
          << where;
    }
  }

  Json reference_;
};

TEST_F(Reference, QuestionsAreAnswered) {
  serve_reference("distilbert-qa");
  for (const Json& item : items()) {
    const Json input = Json::object({{"question", item["question"]}, {"context", item["context"]}});
    const Json options = item["options"].is_object() ? item["options"] : Json::object();
    Json plain = input;  // the form of the task's own fields has the options beside them
    for (const auto& [name, value] : options.as_object()) plain.set(name, value);
    const Json list = ask(Json::Array{input, input}, options);
    ASSERT_EQ(list.as_array().size(), 2u);
    for (const Json& got :
         {post("/predict", plain), ask(input, options), list.as_array()[0], list.as_array()[1]}) {
      const Json answers = got.is_array() ? got : Json(Json::Array{got});
      expect_scores(answers, item["answers"], "answer", plain.dump());
    }
  }
}

TEST_F(Reference, TextsAndPairsAreClassifiedByBert) {
  serve_reference("bert-seqcls");
  expect_classes();
}

TEST_F(Reference, TextsAndPairsAreClassifiedByRoberta) {
  serve_reference("roberta-seqcls");
  expect_classes();
}

TEST_F(Reference, EntitiesAreFoundWithEveryStrategy) {
  serve_reference("bert-ner-cased");
  for (const auto& [strategy, unused] : items()[0]["entities"].as_object()) {
    const std::string label = strategy == "none" ? "entity" : "entity_group";
    const Json options = Json::object({{"aggregation_strategy", strategy}});
    const Json list = ask(inputs(), options);
    ASSERT_EQ(list.as_array().size(), items().size());
    for (size_t i = 0; i < items().size(); ++i) {
      const Json& wanted = items()[i]["entities"][strategy];
      const std::string where = fmt::format("{} item {} ", strategy, i);
      expect_scores(list.as_array()[i], wanted, label, where);
      Json plain = Json::object({{"text", items()[i]["text"]}, {"aggregation_strategy", strategy}});
      expect_scores(post("/predict", plain), wanted, label, where);
    }
  }
}

TEST_F(Reference, SentencesBecomeVectorsOnEveryPath) {
  serve_reference("minilm-sentence");
  const Json predicted = ask(inputs(), Json::object());
  const Json embedded = post("/embed", Json::object({{"inputs", inputs()}, {"truncate", true}}));
  for (size_t i = 0; i < items().size(); ++i) {
    const Json& wanted = items()[i]["embedding"];
    expect_vector(predicted.as_array().at(i), wanted, "/predict");
    expect_vector(embedded.as_array().at(i), wanted, "/embed");
    constexpr size_t kLongest = 64;  // tokens; what follows cuts nothing off
    if (items()[i]["encodings"].as_array()[0]["ids"].as_array().size() >= kLongest) continue;
    const Json openai =
        post("/v1/embeddings", Json::object({{"input", items()[i]["text"]}, {"model", "any"}}));
    expect_vector(openai["data"].as_array().at(0)["embedding"], wanted, "/v1/embeddings");
  }
}

}  // namespace
}  // namespace thaw::inference
