// /embed, /rerank (as text-embeddings-inference) and /v1/embeddings (as OpenAI's API).
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "base/base64.h"
#include "inference/fields.h"
#include "inference/routes.h"

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

/// `beside`: bytes that are read with each text.
size_t tokens_in(const std::vector<std::string>& texts, const Served& served, size_t beside = 0) {
  size_t tokens = 0;
  for (const std::string& text : texts) {
    tokens += estimated_tokens(text.size() + beside, longest_of(served));
  }
  return tokens;
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
  const auto texts = texts_of(fields, "inputs", fields.any("inputs"));
  const bool cut = fields.flag("truncate").value_or(false);
  check_direction(fields);
  const bool scaled = fields.flag("normalize").value_or(true);
  if (fields.any("prompt_name") != nullptr) {
    fields.fault("prompt_name", "no prompts are kept here: put it before the text");
  }
  RETURN_IF_ERROR(fields.finish());
  Work work;
  work.model = model;
  work.tokens = tokens_in(texts, models[model]);
  work.run = [texts, cut, scaled](const encoder::Model& served, const IsWanted& is_wanted) {
    const auto how = cut ? TaskRequest::Long::kCutAndTell : TaskRequest::Long::kRefuse;
    const auto scale = scaled ? encoder::Scale::kToOne : encoder::Scale::kNot;
    const auto embedded = embed_texts(served, texts, how, scale, is_wanted);
    if (!embedded) return too_long(embedded.error());
    Json::Array list;
    for (const auto& vector : embedded->vectors) list.push_back(vector_json(vector));
    return ok(std::move(list));
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
  const auto texts = texts_of(fields, "texts", fields.any("texts"));
  const bool raw = fields.flag("raw_scores").value_or(false);
  const bool return_text = fields.flag("return_text").value_or(false);
  const bool cut = fields.flag("truncate").value_or(false);
  check_direction(fields);
  RETURN_IF_ERROR(fields.finish());
  Work work;
  work.model = model;
  work.tokens = tokens_in(texts, models[model], query->size());
  work.run = [texts, query = *query, raw, return_text, cut](const encoder::Model& served,
                                                            const IsWanted& is_wanted) {
    const auto scores =
        rerank(served, query, texts, raw ? Scores::kRaw : Scores::kSigmoid,
               cut ? TaskRequest::Long::kCutAndTell : TaskRequest::Long::kRefuse, is_wanted);
    if (!scores) return too_long(scores.error());
    std::vector<size_t> order(texts.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return (*scores)[a] > (*scores)[b]; });
    Json::Array list;
    for (const size_t i : order) {
      Json item = Json::object({{"index", static_cast<int64_t>(i)}, {"score", (*scores)[i]}});
      if (return_text) item.set("text", texts[i]);
      list.push_back(std::move(item));
    }
    return ok(std::move(list));
  };
  return work;
}

Result<Work> openai_work(const std::vector<Served>& models, const Json& body) {
  Fields fields(body, "");
  const auto texts = texts_of(fields, "input", fields.any("input"));
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
  Work work;
  work.model = model;
  work.tokens = tokens_in(texts, models[model]);
  work.run = [texts, base64_wanted = encoding == "base64", name = models[model].spec.name](
                 const encoder::Model& served, const IsWanted& is_wanted) {
    const auto embedded = embed_texts(served, texts, TaskRequest::Long::kRefuse,
                                      encoder::Scale::kByFolder, is_wanted);
    if (!embedded) return failure(embedded.error());
    Json::Array list;
    for (size_t i = 0; i < texts.size(); ++i) {
      const std::vector<float>& vector = embedded->vectors[i];
      std::string bytes(vector.size() * sizeof(float), '\0');  // little-endian, as here
      std::memcpy(bytes.data(), vector.data(), bytes.size());
      list.push_back(
          Json::object({{"object", "embedding"},
                        {"index", static_cast<int64_t>(i)},
                        {"embedding", base64_wanted ? Json(base64(bytes)) : vector_json(vector)}}));
    }
    const Json usage =
        Json::object({{"prompt_tokens", embedded->tokens}, {"total_tokens", embedded->tokens}});
    return ok(Json::object(
        {{"object", "list"}, {"data", std::move(list)}, {"model", name}, {"usage", usage}}));
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
