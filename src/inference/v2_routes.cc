// Open Inference Protocol, version 2, over REST (github.com/kserve/open-inference-protocol).
//
// Texts travel in BYTES tensors. A model's inputs by task: "question" and "context"; "text" and,
// for classification, optionally "text_pair". Outputs: "answer", "score", "start", "end"; "label",
// "score"; "embedding" [N, H]; for the others "json", each item's answer as text.
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "inference/fields.h"
#include "inference/routes.h"

namespace thaw::inference {
namespace {

using encoder::Task;

struct Tensor {
  std::string name, type;
  std::vector<int64_t> shape;
};

std::vector<Tensor> inputs_of(Task task) {
  if (task == Task::kQuestionAnswering) {
    return {{"question", "BYTES", {-1}}, {"context", "BYTES", {-1}}};
  }
  if (task == Task::kTextClassification) {
    return {{"text", "BYTES", {-1}}, {"text_pair", "BYTES", {-1}}};
  }
  return {{"text", "BYTES", {-1}}};
}

std::vector<Tensor> outputs_of(Task task) {
  switch (task) {
    case Task::kQuestionAnswering:
      return {{"answer", "BYTES", {-1}},
              {"score", "FP64", {-1}},
              {"start", "INT64", {-1}},
              {"end", "INT64", {-1}}};
    case Task::kTextClassification:
      return {{"label", "BYTES", {-1}}, {"score", "FP64", {-1}}};
    case Task::kEmbedding:
      return {{"embedding", "FP32", {-1, -1}}};
    default:
      return {{"json", "BYTES", {-1}}};
  }
}

Json tensors_json(const std::vector<Tensor>& tensors) {
  Json::Array list;
  for (const Tensor& each : tensors) {
    Json::Array shape(each.shape.begin(), each.shape.end());
    list.push_back(
        Json::object({{"name", each.name}, {"datatype", each.type}, {"shape", std::move(shape)}}));
  }
  return list;
}

Error invalid(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }

/// The texts of one input tensor.
Result<std::vector<std::string>> texts_of(const Json& tensor, const std::string& where) {
  Fields fields(tensor, where + ".");
  (void)fields.text("name");
  const auto type = fields.text("datatype");
  if (type != "BYTES") fields.fault("datatype", "must be BYTES: texts");
  const Json* shape = fields.any("shape");
  const Json* data = fields.any("data");
  (void)fields.any("parameters");
  RETURN_IF_ERROR(fields.finish());
  if (data == nullptr || !data->is_array()) return invalid(where + ".data: must be a list");
  std::vector<std::string> texts;
  const std::function<Status(const Json&)> collect = [&](const Json& json) -> Status {
    if (json.is_string()) {
      texts.push_back(json.as_string());
      return {};
    }
    if (!json.is_array()) return invalid(where + ".data: must be texts");
    for (const Json& each : json.as_array()) RETURN_IF_ERROR(collect(each));
    return {};
  };
  RETURN_IF_ERROR(collect(*data));
  int64_t count = 1;
  if (shape == nullptr || !shape->is_array()) return invalid(where + ".shape: must be a list");
  for (const Json& size : shape->as_array()) {
    if (!size.is_int() || size.as_int() < 1 || size.as_int() > int64_t{kMostInputs}) {
      return invalid(
          fmt::format("{}.shape: {} is no size from 1 to {}", where, size.dump(), kMostInputs));
    }
    count *= size.as_int();
    if (count > int64_t{kMostInputs}) break;
  }
  if (count != static_cast<int64_t>(texts.size())) {
    return invalid(
        fmt::format("{}: the shape says {} texts, data has {}", where, count, texts.size()));
  }
  return texts;
}

/// The item's value in that column; of an item without one (a context without words has no answer)
/// the empty text or 0.
Json cell(const Json& item, const Tensor& tensor) {
  if (item.is_object()) return item[tensor.name];
  if (tensor.type == "BYTES") return "";
  return tensor.type == "INT64" ? Json(int64_t{0}) : Json(0.0);
}

/// The columns of an answer by their names.
Json outputs_json(Task task, const TaskAnswer& answer) {
  Json::Array outputs;
  const auto count = static_cast<int64_t>(answer.items.size());
  for (const Tensor& tensor : outputs_of(task)) {
    Json::Array data;
    int64_t columns = 0;
    for (const Json& item : answer.items) {
      if (tensor.name == "embedding") {
        columns = static_cast<int64_t>(item.as_array().size());
        data.insert(data.end(), item.as_array().begin(), item.as_array().end());
      } else if (tensor.name == "json") {
        data.emplace_back(item.dump());
      } else {
        data.push_back(cell(item, tensor));
      }
    }
    Json::Array shape = {Json(count)};
    if (tensor.name == "embedding") shape.emplace_back(columns);
    outputs.push_back(Json::object({{"name", tensor.name},
                                    {"datatype", tensor.type},
                                    {"shape", std::move(shape)},
                                    {"data", std::move(data)}}));
  }
  return outputs;
}

/// The request as the task's own, in its list form.
Result<TaskRequest> read_infer(Task task, const Json& body, std::string& id) {
  Fields fields(body, "");
  id = fields.text("id").value_or("");
  const Json* parameters = fields.any("parameters");
  const Json* inputs = fields.any("inputs");
  (void)fields.any("outputs");
  if (inputs == nullptr || !inputs->is_array()) fields.fault("inputs", "must be a list of tensors");
  RETURN_IF_ERROR(fields.finish());
  const std::vector<Tensor> known = inputs_of(task);
  std::vector<std::vector<std::string>> columns(known.size());
  for (size_t i = 0; i < inputs->as_array().size(); ++i) {
    const Json& tensor = inputs->as_array()[i];
    const std::string where = fmt::format("inputs[{}]", i);
    const std::string name = tensor.string_or("name");
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](const Tensor& each) { return each.name == name; });
    if (found == known.end()) {
      return invalid(fmt::format("{}.name: the model has no input '{:.40}'", where, name));
    }
    ASSIGN_OR_RETURN(columns[static_cast<size_t>(found - known.begin())], texts_of(tensor, where));
  }
  if (columns[0].empty()) return invalid(fmt::format("inputs: '{}' is missing", known[0].name));
  const bool paired = columns.size() > 1 && !columns[1].empty();
  if (task == Task::kQuestionAnswering && !paired) {
    return invalid("inputs: 'context' is missing");
  }
  if (paired && columns[1].size() != columns[0].size()) {
    return invalid(fmt::format("inputs: '{}' has {} texts, '{}' has {}", known[0].name,
                               columns[0].size(), known[1].name, columns[1].size()));
  }
  Json::Array list;
  for (size_t row = 0; row < columns[0].size(); ++row) {
    if (!paired) {
      list.emplace_back(columns[0][row]);
      continue;
    }
    Json item = Json::object();
    item.set(known[0].name, columns[0][row]);
    item.set(known[1].name, columns[1][row]);
    list.push_back(std::move(item));
  }
  Json own = Json::object({{"inputs", std::move(list)}});
  if (parameters != nullptr) own.set("parameters", *parameters);
  ASSIGN_OR_RETURN(TaskRequest request, read_request(task, own));
  if (request.top_k && *request.top_k != 1 && task != Task::kFillMask) {
    return invalid("parameters.top_k: one answer fits a tensor; use /predict for more");
  }
  if (task != Task::kFillMask) request.top_k = std::nullopt;
  return request;
}

Result<Work> infer_work(const std::vector<Served>& models, size_t model, const Json& body) {
  ASSIGN_OR_RETURN(const Task task, task_of(models[model]));
  std::string id;
  ASSIGN_OR_RETURN(TaskRequest request, read_infer(task, body, id));
  Work work;
  work.model = model;
  work.tokens = estimated_tokens(task, request, longest_of(models[model]));
  work.task = std::make_shared<const TaskRequest>(std::move(request));
  work.finish = [id, name = models[model].spec.name](const encoder::Model& served,
                                                     const TaskAnswer& answer) {
    Json json = Json::object({{"model_name", name}});
    if (!id.empty()) json.set("id", id);
    json.set("outputs", outputs_json(served.task(), answer));
    return ok(json);
  };
  return work;
}

Routed model_route(const http::Request& request, const Parts& parts,
                   const std::vector<Served>& models) {
  const std::string action = parts.size() > 3 ? parts[3] : "";
  const std::string path = "/v2/models/{model}" + (action.empty() ? "" : "/" + action);
  const auto model = find_model(models, parts[2]);
  if (!model) return {path, failure(model.error())};
  const Served& served = models[*model];
  if (action == "infer") {
    if (request.method != "POST") return wrong_method(path, request.method, "POST");
    return {path, [&request, &models, model = *model]() -> Result<Work> {
              ASSIGN_OR_RETURN(const Json json, parse_body(request));
              return infer_work(models, model, json);
            }};
  }
  if (request.method != "GET") return wrong_method(path, request.method, "GET");
  if (action == "ready") {
    return {path, served.model ? ok(Json::object({{"name", served.spec.name}, {"ready", true}}))
                               : failure(503, "UNAVAILABLE", "the model is loading")};
  }
  const auto task = task_of(served);
  if (!task) return {path, failure(task.error())};
  return {path, ok(Json::object({{"name", served.spec.name},
                                 {"versions", Json::Array{"1"}},
                                 {"platform", "thaw"},
                                 {"task", encoder::task_name(*task)},
                                 {"inputs", tensors_json(inputs_of(*task))},
                                 {"outputs", tensors_json(outputs_of(*task))}}))};
}

}  // namespace

std::optional<Routed> route_v2(const http::Request& request, const Parts& parts,
                               const std::vector<Served>& models) {
  if (parts.empty() || parts[0] != "v2") return std::nullopt;
  const bool is_model = parts.size() >= 3 && parts[1] == "models";
  if (is_model) {
    Parts without_version = parts;  // .../versions/1/...: there is one
    if (parts.size() >= 5 && parts[3] == "versions") {
      without_version.erase(without_version.begin() + 3, without_version.begin() + 5);
    }
    const size_t count = without_version.size();
    const bool known =
        count == 3 ||
        (count == 4 && (without_version[3] == "infer" || without_version[3] == "ready"));
    return known ? std::optional(model_route(request, without_version, models)) : std::nullopt;
  }
  const auto reading = [&](const std::string& path, http::Response response) {
    return request.method == "GET" ? Routed{path, std::move(response)}
                                   : wrong_method(path, request.method, "GET");
  };
  if (parts.size() == 1) {
    return reading(
        "/v2",
        ok(Json::object({{"name", "thaw"}, {"version", "2"}, {"extensions", Json::Array{}}})));
  }
  if (request.path == "/v2/health/live") {
    return reading("/v2/health/live", ok(Json::object({{"live", true}})));
  }
  if (request.path == "/v2/health/ready") {
    const bool ready = std::all_of(models.begin(), models.end(),
                                   [](const Served& each) { return each.model != nullptr; });
    return reading("/v2/health/ready", ready
                                           ? ok(Json::object({{"ready", true}}))
                                           : failure(503, "UNAVAILABLE", "the models are loading"));
  }
  return std::nullopt;
}

}  // namespace thaw::inference
