#include "inference/routes.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/base64.h"
#include "base/json_bounds.h"
#include "inference/fields.h"
#include "inference/vectors.h"
#include "predict/docs.h"
#include "tokenize/files.h"

namespace thaw::inference {
namespace {

constexpr size_t kMostValues = 100'000;  // of a body's JSON; what is read has some thousands
constexpr const char* kCutHeader = "x-truncated-inputs";

Routed at_once(std::string path, http::Response response) {
  return {std::move(path), std::move(response)};
}

std::string names_of(const std::vector<Served>& models) {
  std::vector<std::string> names;
  for (const Served& each : models) names.push_back(each.spec.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

Routed task_route(const std::string& path, const http::Request& request,
                  const std::vector<Served>& models, const std::string& name) {
  if (request.method != "POST") return wrong_method(path, request.method, "POST");
  const auto model = find_model(models, name);
  if (!model) return at_once(path, failure(model.error()));
  return {path, [&request, &models, model = *model]() -> Result<Work> {
            ASSIGN_OR_RETURN(const Json body, parse_body(request));
            return task_work(models, model, body);
          }};
}

/// A Pub/Sub push: {"message": {"data": base64}, "subscription": ...}.
Result<Work> read_push(const http::Request& request, const std::vector<Served>& models) {
  ASSIGN_OR_RETURN(const Json json, parse_body(request));
  const Json& data = json["message"]["data"];
  if (!data.is_string()) {
    return Error(Code::kInvalidArgument, "message.data: is missing: POST / takes Pub/Sub pushes");
  }
  const auto body = from_base64(data.as_string());
  if (!body) return Error(Code::kInvalidArgument, "message.data: is no base64 text");
  ASSIGN_OR_RETURN(const size_t model, find_model(models, ""));
  ASSIGN_OR_RETURN(const Json message, parse_body(*body));
  return task_work(models, model, message);
}

}  // namespace

Status check_content_type(const http::Request& request) {
  // What clients send when nobody told them: curl says it is a form.
  constexpr std::string_view kRead[] = {"application/json", "text/json", "text/plain",
                                        "application/octet-stream",
                                        "application/x-www-form-urlencoded"};
  const std::string_view type = request.headers.get("content-type");
  std::string media(type.substr(0, type.find(';')));
  std::transform(media.begin(), media.end(), media.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  while (media.ends_with(' ')) media.pop_back();
  if (media.empty() || media.ends_with("+json") ||
      std::find(std::begin(kRead), std::end(kRead), media) != std::end(kRead)) {
    return {};
  }
  return Error(Code::kInvalidArgument,
               fmt::format("Content-Type {:.80} is not read: send application/json", media));
}

Result<Json> parse_body(const http::Request& request) {
  RETURN_IF_ERROR(check_content_type(request));
  return parse_body(request.body);
}

Result<Json> parse_body(std::string_view body) {
  auto json = parse_json(body, kMostValues);
  if (!json) return std::move(json).error().with_context("the body");
  return json;
}

Routed reading(const std::string& path, const http::Request& request,
               const std::function<http::Response()>& answer) {
  if (request.method == "GET" || request.method == "HEAD") return at_once(path, answer());
  return wrong_method(path, request.method, "GET, HEAD");
}

Routed wrong_method(const std::string& path, std::string_view method, std::string_view allowed) {
  http::Response response = failure(
      405, "UNIMPLEMENTED", fmt::format("'{:.20}' is not allowed here: use {}", method, allowed));
  response.headers.add("allow", std::string(allowed));
  return at_once(path, std::move(response));
}

Result<size_t> find_model(const std::vector<Served>& models, const std::string& name) {
  if (name.empty()) {
    if (models.size() == 1) return size_t{0};
    return Error(Code::kInvalidArgument,
                 fmt::format("several models are served: use /models/NAME/predict; there are {}",
                             names_of(models)));
  }
  for (size_t i = 0; i < models.size(); ++i) {
    if (models[i].spec.name == name) return i;
  }
  return Error(Code::kNotFound,
               fmt::format("no model '{:.80}'; there are {}", name, names_of(models)));
}

namespace {

/// Read once: the loop must not wait for the disk with each request.
Result<Served::Told> told_of(const Served& served) {
  if (served.model) return Served::Told{served.model->task(), served.model->config().labels.size()};
  if (served.told) return *served.told;
  ASSIGN_OR_RETURN(const std::string text,
                   tokenize::read_text_file(served.spec.folder + "/config.json"));
  ASSIGN_OR_RETURN(const Json json, Json::parse(text));
  ASSIGN_OR_RETURN(const encoder::EncoderConfig config, encoder::parse_config(json));
  ASSIGN_OR_RETURN(const auto pooling, encoder::read_pooling(served.spec.folder, config.hidden));
  const encoder::Task own = pooling ? encoder::Task::kEmbedding : config.task;
  served.told = {served.spec.options.task.value_or(own), config.labels.size()};
  return *served.told;
}

}  // namespace

Result<encoder::Task> task_of(const Served& served) {
  if (!served.model && served.spec.options.task) return *served.spec.options.task;
  ASSIGN_OR_RETURN(const Served::Told told, told_of(served));
  return told.task;
}

bool is_reranker(const Served& served) {
  const auto told = told_of(served);
  return told && told->task == encoder::Task::kTextClassification && told->labels == 1;
}

size_t longest_of(const Served& served) {
  constexpr size_t kUsual = 512;
  return served.model ? served.model->longest() : kUsual;
}

Result<Work> task_work(const std::vector<Served>& models, size_t model, const Json& body) {
  ASSIGN_OR_RETURN(const encoder::Task task, task_of(models[model]));
  ASSIGN_OR_RETURN(TaskRequest request, read_request(task, body));
  Work work;
  work.model = model;
  work.tokens = estimated_tokens(task, request, longest_of(models[model]));
  work.task = std::make_shared<const TaskRequest>(std::move(request));
  work.finish = [asked = work.task](const encoder::Model& served, TaskAnswer answer) {
    http::Response response;
    if (served.task() != encoder::Task::kEmbedding) {
      response = ok(shape(served.task(), *asked, std::move(answer.items)));
    } else {
      std::string json = vectors_json(answer.vectors);
      if (asked->form != Form::kList) json = json.substr(1, json.size() - 2);
      response = http::Response::json(200, json + "\n");
    }
    const auto cut = std::count(answer.was_cut.begin(), answer.was_cut.end(), 1);
    if (cut > 0) response.headers.add(kCutHeader, std::to_string(cut));
    return response;
  };
  return work;
}

Routed route(const http::Request& request, const std::vector<Served>& models) {
  const auto parts = http::split_path(request.path);
  if (!parts) return at_once("", failure(400, "INVALID_ARGUMENT", "the path is malformed"));
  if (request.path == "/predict") {
    return task_route("/predict", request, models, "");
  }
  if (parts->size() == 3 && (*parts)[0] == "models" && (*parts)[2] == "predict") {
    return task_route("/models/{model}/predict", request, models, (*parts)[1]);
  }
  if (request.path == "/health") {
    return reading("/health", request, [] { return ok(Json::object({{"status", "ok"}})); });
  }
  if (request.path == "/" && request.method == "POST") {
    return {"/", [&request, &models] { return read_push(request, models); }};
  }
  if (request.path == "/openapi.json") {
    return reading("/openapi.json", request,
                   [&] { return http::Response::json(200, openapi(models)); });
  }
  if (request.path == "/docs" || request.path == "/") {
    return reading("/docs", request, predict::docs_page);
  }
  if (auto routed = route_text(request, models)) return *std::move(routed);
  if (auto routed = route_v2(request, *parts, models)) return *std::move(routed);
  return at_once("", failure(404, "NOT_FOUND",
                             fmt::format("no path '{:.100}': there are /predict, /embed, /rerank, "
                                         "/v1/embeddings, /v2, /health, /ready, /metrics, /docs",
                                         request.path)));
}

}  // namespace thaw::inference
