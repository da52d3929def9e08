#include "inference/v2_infer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "inference/v2_messages.h"
#include "inference/v2_request.h"
#include "inference/v2_tensors.h"
#include "inference/vectors.h"

namespace thaw::inference {
namespace {

using encoder::Task;

constexpr const char* kJsonLength = "inference-header-content-length";

Json tensors_json(const std::vector<Tensor>& tensors) {
  Json::Array list;
  for (const Tensor& each : tensors) {
    Json::Array shape(each.shape.begin(), each.shape.end());
    list.push_back(
        Json::object({{"name", each.name}, {"datatype", each.type}, {"shape", std::move(shape)}}));
  }
  return list;
}

/// The item's value in that column; of an item without one (a context without words has no answer)
/// the empty text or 0.
Json cell(const Json& item, const Tensor& tensor) {
  if (item.is_object()) return item[tensor.name];
  if (tensor.type == "BYTES") return "";
  return tensor.type == "INT64" ? Json(int64_t{0}) : Json(0.0);
}

/// The column of an answer.
Json output_json(const Tensor& tensor, const TaskAnswer& answer) {
  Json::Array data;
  for (const Json& item : answer.items) {
    data.push_back(tensor.name == "json" ? Json(item.dump()) : cell(item, tensor));
  }
  Json::Array shape = {Json(static_cast<int64_t>(answer.was_cut.size()))};
  if (!answer.vectors.empty()) {
    shape.emplace_back(static_cast<int64_t>(answer.vectors.front().size()));
  }
  Json output =
      Json::object({{"name", tensor.name}, {"datatype", tensor.type}, {"shape", std::move(shape)}});
  if (answer.vectors.empty()) output.set("data", std::move(data));
  return output;
}

/// The values of the output that is vectors, one after another.
std::vector<float> flat(const TaskAnswer& answer) {
  std::vector<float> all;
  for (const auto& vector : answer.vectors) all.insert(all.end(), vector.begin(), vector.end());
  return all;
}

/// The answer's JSON, whose only output's data is these.
std::string with_vectors(const Json& json, const std::vector<float>& numbers) {
  constexpr std::string_view kEnds = "}]}";
  std::string text = json.dump();
  text.resize(text.size() - kEnds.size());
  text += R"(,"data":)";
  append_vector(text, numbers);
  return text + std::string(kEnds) + "\n";
}

/// The answer's JSON and, where outputs are to be binary, their bytes behind it.
http::Response response_of(Json json, const std::vector<WantedOutput>& wanted,
                           const TaskAnswer& answer) {
  Json::Array outputs;
  std::string binary;
  bool is_binary = false;
  for (const WantedOutput& each : wanted) {
    Json output = output_json(each.tensor, answer);
    if (each.is_binary) {
      is_binary = true;
      const std::string bytes = answer.vectors.empty() ? raw_of(output) : raw_of(flat(answer));
      binary += bytes;
      std::erase_if(output.as_object(),
                    [](const Json::Member& member) { return member.first == "data"; });
      output.set("parameters", Json::object({{"binary_data_size", uint64_t{bytes.size()}}}));
    }
    outputs.push_back(std::move(output));
  }
  json.set("outputs", std::move(outputs));
  if (!is_binary && !answer.vectors.empty()) {
    return http::Response::json(200, with_vectors(json, flat(answer)));
  }
  if (!is_binary) return ok(json);
  const std::string head = json.dump();
  http::Response response{200, {{"content-type", "application/octet-stream"}}, head + binary};
  response.headers.add(kJsonLength, std::to_string(head.size()));
  return response;
}

/// A ModelInferResponse.
http::Response message_of(Json json, const std::vector<WantedOutput>& wanted,
                          const TaskAnswer& answer, InferMessage::Tensors tensors) {
  Json::Array outputs;
  for (const WantedOutput& each : wanted) outputs.push_back(output_json(each.tensor, answer));
  json.set("outputs", std::move(outputs));
  auto message = encode_infer(json, flat(answer), tensors);
  if (!message) return failure(message.error());
  return {200, {{"content-type", "application/grpc"}}, *std::move(message)};
}

/// The length of the JSON in the body; all of it where no header says otherwise.
Result<size_t> json_length(const http::Request& request) {
  const auto header = request.headers.find(kJsonLength);
  if (!header) return request.body.size();
  size_t length = 0;
  const auto [end, fault] =
      std::from_chars(header->data(), header->data() + header->size(), length);
  if (fault != std::errc() || end != header->data() + header->size() ||
      length > request.body.size()) {
    return Error(Code::kInvalidArgument,
                 fmt::format("Inference-Header-Content-Length: '{:.40}' is no length from 0 to "
                             "{}, the body's",
                             *header, request.body.size()));
  }
  return length;
}

}  // namespace

Json inputs_json(Task task) { return tensors_json(inputs_of(task)); }
Json outputs_json(Task task) { return tensors_json(outputs_of(task)); }

namespace {

/// Of the answer's head and of what became of the inputs.
using Encode = std::function<http::Response(Json head, const std::vector<WantedOutput>& wanted,
                                            const TaskAnswer& answer)>;

/// `binary`: what follows the body's JSON.
Result<Work> work_of(const std::vector<Served>& models, size_t model, const Json& body,
                     std::string_view binary, Encode encode) {
  ASSIGN_OR_RETURN(const Task task, task_of(models[model]));
  ASSIGN_OR_RETURN(Infer infer, read_infer(task, body, binary));
  Work work;
  work.model = model;
  work.tokens = estimated_tokens(task, infer.task, longest_of(models[model]));
  work.task = std::make_shared<const TaskRequest>(std::move(infer.task));
  work.finish = [id = infer.id, name = models[model].spec.name, wanted = std::move(infer.wanted),
                 encode = std::move(encode)](const encoder::Model&, const TaskAnswer& answer) {
    Json head = Json::object({{"model_name", name}, {"model_version", "1"}});
    if (!id.empty()) head.set("id", id);
    return encode(std::move(head), wanted, answer);
  };
  return work;
}

}  // namespace

Result<Work> infer_work(const std::vector<Served>& models, size_t model,
                        const http::Request& request) {
  ASSIGN_OR_RETURN(const size_t length, json_length(request));
  RETURN_IF_ERROR(check_content_type(request));
  const std::string_view body = request.body;
  ASSIGN_OR_RETURN(const Json json, parse_body(body.substr(0, length)));
  return work_of(models, model, json, body.substr(length), response_of);
}

Result<Work> infer_message_work(const std::vector<Served>& models, size_t model,
                                std::string_view message) {
  ASSIGN_OR_RETURN(const InferMessage infer, decode_infer(message));
  const auto encode = [tensors = infer.tensors](Json head, const std::vector<WantedOutput>& wanted,
                                                const TaskAnswer& answer) {
    return message_of(std::move(head), wanted, answer, tensors);
  };
  return work_of(models, model, infer.body, "", encode);
}

}  // namespace thaw::inference
