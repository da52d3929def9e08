// The OpenAPI document.
#include <fmt/format.h>

#include "base/base64.h"
#include "inference/routes.h"

namespace thaw::inference {
namespace {

using encoder::Task;

constexpr std::string_view kQuestion = "Who wrote it?";
constexpr std::string_view kContext = "The report was written by Ada.";

/// A text that the model's task can be asked about.
std::string text_for(const Served& served, Task task) {
  if (task != Task::kFillMask) return "The museum is wonderful.";
  std::string mask = "[MASK]";
  if (served.model) {
    const auto& tokenizer = served.model->tokenizer();
    if (const auto id = tokenizer.mask_id()) mask = tokenizer.text_of(*id);
  }
  return "The " + mask + " is open.";
}

/// An example body of /predict.
Json example_of(const Served& served, Task task) {
  if (task == Task::kQuestionAnswering) {
    return Json::object({{"question", kQuestion}, {"context", kContext}});
  }
  return Json::object({{"inputs", text_for(served, task)}});
}

Json example_of_v2(const Served& served, Task task) {
  const auto tensor = [](std::string_view name, std::string_view text) {
    return Json::object({{"name", name},
                         {"datatype", "BYTES"},
                         {"shape", Json::Array{1}},
                         {"data", Json::Array{text}}});
  };
  Json::Array inputs = {tensor("text", text_for(served, task))};
  if (task == Task::kQuestionAnswering) {
    inputs = {tensor("question", kQuestion), tensor("context", kContext)};
  }
  return Json::object({{"inputs", std::move(inputs)}});
}

Json operation(const std::string& summary, const Json& example) {
  Json json = Json::object({{"summary", summary}});
  if (!example.is_null()) {
    const Json content =
        Json::object({{"schema", Json::object({{"type", "object"}})}, {"example", example}});
    json.set("requestBody",
             Json::object(
                 {{"required", true}, {"content", Json::object({{"application/json", content}})}}));
  }
  json.set("responses",
           Json::object({{"200", Json::object({{"description", "the answer"}})},
                         {"400", Json::object({{"description", "a fault in a field, named"}})},
                         {"429", Json::object({{"description", "too many requests wait"}})}}));
  return json;
}

}  // namespace

std::string openapi(const std::vector<Served>& models) {
  Json paths = Json::object();
  const auto post = [&](const std::string& path, std::string_view what, const Json& example) {
    paths.set(path, Json::object({{"post", operation(std::string(what), example)}}));
  };
  const auto get = [&](const std::string& path, const std::string& what) {
    paths.set(path, Json::object({{"get", operation(what, Json())}}));
  };
  bool has_embeddings = false, has_reranker = false;
  for (const Served& each : models) {
    const auto task = task_of(each);
    if (!task) continue;
    has_embeddings = has_embeddings || *task == Task::kEmbedding;
    has_reranker = has_reranker || is_reranker(each);
    const std::string_view what = encoder::task_name(*task);
    const Json example = example_of(each, *task);
    if (models.size() == 1) {
      post("/predict", what, example);
      post("/", "a Pub/Sub push of a body of /predict",
           Json::object({{"message", Json::object({{"data", base64(example.dump())}})}}));
    }
    const std::string& name = each.spec.name;
    post(fmt::format("/models/{}/predict", name), what, example);
    const std::string v2 = "/v2/models/" + name;
    post(v2 + "/infer", "Open Inference Protocol v2", example_of_v2(each, *task));
    get(v2, "the model's tensors");
    get(v2 + "/ready", "200 once the model is loaded");
  }
  if (has_embeddings) {
    post("/embed", "a vector for each text", *Json::parse(R"({"inputs": ["one", "two"]})"));
    post("/v1/embeddings", "the same in OpenAI's form",
         *Json::parse(R"({"input": "one", "model": "any"})"));
  }
  if (has_reranker) {
    post("/rerank", "texts by how well they fit a query",
         *Json::parse(R"({"query": "harbour", "texts": ["the port", "a tree"]})"));
  }
  get("/v2", "the server and its extensions");
  get("/v2/health/live", "200 while the server runs");
  get("/v2/health/ready", "200 once the models are loaded");
  get("/health", "200 while the server runs");
  get("/ready", "200 once the models are loaded");
  get("/metrics", "counters for Prometheus");
  return Json::object({{"openapi", "3.0.3"},
                       {"info", Json::object({{"title", "Thaw model server"}, {"version", "1"}})},
                       {"paths", std::move(paths)}})
             .dump(Json::Style::kIndented) +
         "\n";
}

}  // namespace thaw::inference
