// The OpenAPI document.
#include <fmt/format.h>

#include "inference/routes.h"

namespace thaw::inference {
namespace {

using encoder::Task;

/// An example body of /predict.
std::string example_of(Task task) {
  switch (task) {
    case Task::kQuestionAnswering:
      return R"({"question": "Who wrote it?", "context": "The report was written by Ada."})";
    case Task::kFillMask:
      return R"({"inputs": "The [MASK] is open."})";
    default:
      return R"({"inputs": "The museum is wonderful."})";
  }
}

std::string example_of_v2(Task task) {
  const auto tensor = [](std::string_view name, std::string_view text) {
    return fmt::format(R"({{"name": "{}", "datatype": "BYTES", "shape": [1], "data": ["{}"]}})",
                       name, text);
  };
  const std::string inputs =
      task == Task::kQuestionAnswering
          ? tensor("question", "Who wrote it?") + ", " +
                tensor("context", "The report was written by Ada.")
          : tensor("text", task == Task::kFillMask ? "The [MASK] is open." : "A wonderful museum.");
  return "{\"inputs\": [" + inputs + "]}";
}

Json operation(const std::string& summary, const std::string& example) {
  Json json = Json::object({{"summary", summary}});
  if (!example.empty()) {
    const auto parsed = Json::parse(example);
    json.set(
        "requestBody",
        Json::object({{"required", true},
                      {"content",
                       Json::object({{"application/json",
                                      Json::object({{"schema", Json::object({{"type", "object"}})},
                                                    {"example", parsed ? *parsed : Json()}})}})}}));
  }
  json.set("responses",
           Json::object({{"200", Json::object({{"description", "the answer"}})},
                         {"400", Json::object({{"description", "a fault in a field, named"}})},
                         {"429", Json::object({{"description", "too many requests wait"}})}}));
  return json;
}

}  // namespace

std::string openapi(const std::vector<Served>& models) {
  const auto first = task_of(models.front());
  const Task task = first ? *first : Task::kEmbedding;
  Json paths = Json::object();
  const auto post = [&](const std::string& path, const std::string& what,
                        const std::string& example) {
    paths.set(path, Json::object({{"post", operation(what, example)}}));
  };
  const auto get = [&](const std::string& path, const std::string& what) {
    paths.set(path, Json::object({{"get", operation(what, "")}}));
  };
  if (models.size() == 1) {
    post("/predict", std::string(encoder::task_name(task)), example_of(task));
  }
  for (const Served& each : models) {
    const auto own = task_of(each);
    if (!own) continue;
    post(fmt::format("/models/{}/predict", each.spec.name), std::string(encoder::task_name(*own)),
         example_of(*own));
    post(fmt::format("/v2/models/{}/infer", each.spec.name), "Open Inference Protocol v2",
         example_of_v2(*own));
  }
  if (task == Task::kEmbedding) {
    post("/embed", "a vector for each text", R"({"inputs": ["one", "two"]})");
    post("/v1/embeddings", "the same in OpenAI's form", R"({"input": "one", "model": "any"})");
  }
  if (task == Task::kTextClassification) {
    post("/rerank", "texts by how well they fit a query",
         R"({"query": "harbour", "texts": ["the port", "a tree"]})");
  }
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
