// /embed, /rerank (as text-embeddings-inference) and /v1/embeddings (as OpenAI's API).
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <numeric>
#include <utility>

#include "base/base64.h"
#include "inference/fields.h"
#include "inference/routes.h"
#include "inference/vectors.h"

namespace thaw::inference {
namespace {

/// A text or a list of texts.
std::vector<std::string> texts_of(Fields& fields, std::string_view name, const Json* json) {
  std::vector<std::string> texts;
  if (json == nullptr) {
    fields.fault(name, "is missing");
    return texts;
  }
  if (json->is_string() && json->as_string().size() <= kLongestText) return {json->as_string()};
  if (json->is_string()) {
    fields.fault(name, fmt::format("must be a text of at most {} bytes", kLongestText));
    return texts;
  }
  if (!json->is_array() || json->as_array().empty() || json->as_array().size() > kMostInputs) {
    fields.fault(name, fmt::format("must be a text or a list of 1 to {} texts", kMostInputs));
    return texts;
  }
  for (const Json& each : json->as_array()) {
    if (!each.is_string() || each.as_string().size() > kLongestText) {
      fields.fault(name, fmt::format("must be texts of at most {} bytes", kLongestText));
      return {};
    }
    texts.push_back(each.as_string());
  }
  return texts;
}

/// `cut`: those that are too long are cut, not refused.
TaskRequest request_of(std::vector<std::string>& texts, bool cut) {
  TaskRequest request;
  request.form = Form::kList;
  request.too_long = cut ? TaskRequest::Long::kCutAndTell : TaskRequest::Long::kRefuse;
  for (std::string& text : texts) request.inputs.push_back({std::move(text), std::nullopt});
  return request;
}

/// Without what answers it.
Work work_of(const std::vector<Served>& models, size_t model, TaskRequest request) {
  Work work;
  work.model = model;
  work.tokens = 0;
  for (const encoder::TextInput& each : request.inputs) {
    const size_t bytes = each.text.size() + (each.pair ? each.pair->size() : 0);
    work.tokens += estimated_tokens(bytes, longest_of(models[model]));
  }
  work.task = std::make_shared<const TaskRequest>(std::move(request));
  return work;
}

bool embeds(const Served& served) {
  const auto task = task_of(served);
  return task && *task == encoder::Task::kEmbedding;
}

/// The only model of that kind. `what`: "gives embeddings".
Result<size_t> only_model(const std::vector<Served>& models, bool (*is_one)(const Served&),
                          std::string_view what) {
  std::vector<size_t> found;
  std::vector<std::string> names, all;
  for (size_t i = 0; i < models.size(); ++i) {
    const auto task = task_of(models[i]);
    if (!task) return task.error();
    all.push_back(fmt::format("{} ({})", models[i].spec.name, encoder::task_name(*task)));
    if (!is_one(models[i])) continue;
    found.push_back(i);
    names.push_back(models[i].spec.name);
  }
  if (found.size() == 1) return found[0];
  if (found.empty()) {
    return Error(Code::kFailedPrecondition,
                 fmt::format("no model here {}; there are {}", what, fmt::join(all, ", ")));
  }
  return Error(Code::kInvalidArgument,
               fmt::format("several models here do what is asked: {}; this path is for one: use "
                           "/models/NAME/predict",
                           fmt::join(names, ", ")));
}

void check_direction(Fields& fields) {
  const auto direction = fields.text("truncation_direction");
  if (direction && *direction != "Right" && *direction != "right") {
    fields.fault("truncation_direction", "only Right is supported");
  }
}

/// TEI's answer to a text that is too long and must not be cut.
http::Response too_long(const Error& error) {
  return error.code() == Code::kInvalidArgument
             ? failure(413, code_name(error.code()), error.message())
             : failure(error);
}

Result<Work> embed_work(const std::vector<Served>& models, const Json& body) {
  ASSIGN_OR_RETURN(const size_t model, only_model(models, embeds, "gives embeddings"));
  Fields fields(body, "");
  auto texts = texts_of(fields, "inputs", fields.any("inputs"));
  const bool cut = fields.flag("truncate").value_or(false);
  check_direction(fields);
  const bool scaled = fields.flag("normalize").value_or(true);
  if (fields.any("prompt_name") != nullptr) {
    fields.fault("prompt_name", "no prompts are kept here: put it before the text");
  }
  RETURN_IF_ERROR(fields.finish());
  TaskRequest request = request_of(texts, cut);
  request.scale = scaled ? encoder::Scale::kToOne : encoder::Scale::kNot;
  Work work = work_of(models, model, std::move(request));
  work.fault = too_long;
  work.finish = [](const encoder::Model&, const TaskAnswer& answer) {
    return http::Response::json(200, vectors_json(answer.vectors) + "\n");
  };
  return work;
}

Result<Work> rerank_work(const std::vector<Served>& models, const Json& body) {
  ASSIGN_OR_RETURN(const size_t model,
                   only_model(models, is_reranker, "re-ranks: classifies with one label"));
  Fields fields(body, "");
  const auto query = fields.text("query");
  if (!query) fields.fault("query", "is missing");
  constexpr size_t kLongestQuery = 64 << 10;  // it is read again with each text
  if (query && query->size() > kLongestQuery) {
    fields.fault("query",
                 fmt::format("has {} bytes, at most {} are allowed", query->size(), kLongestQuery));
  }
  auto texts = texts_of(fields, "texts", fields.any("texts"));
  const bool raw = fields.flag("raw_scores").value_or(false);
  const bool return_text = fields.flag("return_text").value_or(false);
  const bool cut = fields.flag("truncate").value_or(false);
  check_direction(fields);
  RETURN_IF_ERROR(fields.finish());
  TaskRequest request = request_of(texts, cut);
  for (encoder::TextInput& each : request.inputs) each.pair = std::exchange(each.text, *query);
  request.function = raw ? encoder::ScoreFunction::kNone : encoder::ScoreFunction::kSigmoid;
  Work work = work_of(models, model, std::move(request));
  work.fault = too_long;
  work.finish = [asked = work.task, return_text](const encoder::Model&, const TaskAnswer& answer) {
    const auto score = [&](size_t i) { return answer.items[i].double_or("score", 0); };
    std::vector<size_t> order(answer.items.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::ranges::stable_sort(order, std::greater<>(), score);
    Json::Array list;
    for (const size_t i : order) {
      Json item = Json::object({{"index", static_cast<int64_t>(i)}, {"score", score(i)}});
      if (return_text) item.set("text", *asked->inputs[i].pair);
      list.push_back(std::move(item));
    }
    return ok(std::move(list));
  };
  return work;
}

/// As OpenAI's API has them.
std::string embeddings_json(const TaskAnswer& answer, const std::string& model, bool as_base64) {
  std::string json = R"({"object":"list","data":[)";
  for (size_t i = 0; i < answer.vectors.size(); ++i) {
    const std::vector<float>& vector = answer.vectors[i];
    if (i > 0) json += ',';
    json += fmt::format(R"({{"object":"embedding","index":{},"embedding":)", i);
    if (as_base64) {
      std::string bytes(vector.size() * sizeof(float), '\0');  // little-endian, as here
      std::memcpy(bytes.data(), vector.data(), bytes.size());
      json += fmt::format(R"("{}")", base64(bytes));
    } else {
      append_vector(json, vector);
    }
    json += '}';
  }
  const int64_t tokens = std::accumulate(answer.tokens.begin(), answer.tokens.end(), int64_t{0});
  const Json usage = Json::object({{"prompt_tokens", tokens}, {"total_tokens", tokens}});
  return json + fmt::format(R"(],"model":{},"usage":{}}})", Json(model).dump(), usage.dump());
}

Result<Work> openai_work(const std::vector<Served>& models, const Json& body) {
  Fields fields(body, "");
  auto texts = texts_of(fields, "input", fields.any("input"));
  const auto name = fields.text("model");
  const auto encoding = fields.text("encoding_format");
  if (encoding && *encoding != "float" && *encoding != "base64") {
    fields.fault("encoding_format", "must be float or base64");
  }
  if (fields.any("dimensions") != nullptr) fields.fault("dimensions", "cannot be chosen");
  (void)fields.any("user");
  RETURN_IF_ERROR(fields.finish());
  // Clients must name a model; with one model any name is that one.
  const bool is_named = models.size() > 1 && name && !name->empty();
  ASSIGN_OR_RETURN(const size_t model, is_named ? find_model(models, *name)
                                                : only_model(models, embeds, "gives embeddings"));
  if (!embeds(models[model])) {
    return Error(Code::kFailedPrecondition, fmt::format("model: '{}' gives no embeddings", *name));
  }
  Work work = work_of(models, model, request_of(texts, false));
  work.finish = [as_base64 = encoding == "base64", name = models[model].spec.name](
                    const encoder::Model&, const TaskAnswer& answer) {
    return http::Response::json(200, embeddings_json(answer, name, as_base64) + "\n");
  };
  return work;
}

}  // namespace

std::optional<Routed> route_text(const http::Request& request, const std::vector<Served>& models) {
  using Make = Result<Work> (*)(const std::vector<Served>& models, const Json& body);
  constexpr std::pair<std::string_view, Make> kRoutes[] = {
      {"/embed", embed_work}, {"/rerank", rerank_work}, {"/v1/embeddings", openai_work}};
  for (const auto& [path, make] : kRoutes) {
    if (request.path != path) continue;
    const std::string name(path);
    if (request.method != "POST") return wrong_method(name, request.method, "POST");
    return Routed{name, [&request, &models, make = make]() -> Result<Work> {
                    ASSIGN_OR_RETURN(const Json json, parse_body(request));
                    return make(models, json);
                  }};
  }
  return std::nullopt;
}

}  // namespace thaw::inference
