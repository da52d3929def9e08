#include "inference/v2_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "inference/fields.h"
#include "inference/v2_tensors.h"

namespace thaw::inference {
namespace {

using encoder::Task;

std::string names_of(const std::vector<Tensor>& tensors) {
  std::vector<std::string_view> names;
  for (const Tensor& each : tensors) names.push_back(each.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

Error invalid(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }

/// All strings of data, however its lists are nested.
Status collect(const Json& data, const std::string& where, std::vector<std::string>& texts) {
  if (data.is_string()) {
    texts.push_back(data.as_string());
    return {};
  }
  if (!data.is_array()) return invalid(where + ".data: must be texts");
  for (const Json& each : data.as_array()) RETURN_IF_ERROR(collect(each, where, texts));
  return {};
}

/// The next `size` bytes of what follows the JSON.
Result<std::vector<std::string>> take_binary(const Json& size, const std::string& where,
                                             std::string_view& binary) {
  const bool fits =
      size.is_int() && size.as_int() >= 0 && std::cmp_less_equal(size.as_int(), binary.size());
  if (!fits) {
    return invalid(
        fmt::format("{}.parameters.binary_data_size: {:.40} is no size from 0 to {}, "
                    "the bytes that follow",
                    where, size.dump(), binary.size()));
  }
  const auto count = static_cast<size_t>(size.as_int());
  auto views = raw_texts(binary.substr(0, count), kMostInputs);
  if (!views) return std::move(views).error().with_context(where + ": its binary data");
  binary.remove_prefix(count);
  return std::vector<std::string>(views->begin(), views->end());
}

/// How many texts the shape says.
Result<int64_t> count_of(const Json* shape, const std::string& where) {
  if (shape == nullptr || !shape->is_array()) return invalid(where + ".shape: must be a list");
  int64_t count = 1;
  for (const Json& size : shape->as_array()) {
    if (!size.is_int() || size.as_int() < 1 || size.as_int() > int64_t{kMostInputs}) {
      return invalid(
          fmt::format("{}.shape: {} is no size from 1 to {}", where, size.dump(), kMostInputs));
    }
    count *= size.as_int();
    if (count > int64_t{kMostInputs}) break;
  }
  return count;
}

/// The texts of one input tensor.
Result<std::vector<std::string>> texts_of(const Json& tensor, const std::string& where,
                                          std::string_view& binary) {
  Fields fields(tensor, where + ".");
  (void)fields.text("name");
  const auto type = fields.text("datatype");
  if (type != "BYTES") fields.fault("datatype", "must be BYTES: texts");
  const Json* shape = fields.any("shape");
  const Json* data = fields.any("data");
  const Json* parameters = fields.any("parameters");
  RETURN_IF_ERROR(fields.finish());
  const Json* size = nullptr;
  if (parameters != nullptr) {
    Fields options(*parameters, where + ".parameters.");
    size = options.any("binary_data_size");
    RETURN_IF_ERROR(options.finish());
  }
  if (size != nullptr && data != nullptr) {
    return invalid(where + ".data: must be absent beside binary_data_size");
  }
  std::vector<std::string> texts;
  if (size != nullptr) {
    ASSIGN_OR_RETURN(texts, take_binary(*size, where, binary));
  } else {
    if (data == nullptr || !data->is_array()) return invalid(where + ".data: must be a list");
    RETURN_IF_ERROR(collect(*data, where, texts));
  }
  ASSIGN_OR_RETURN(const int64_t count, count_of(shape, where));
  if (count != static_cast<int64_t>(texts.size())) {
    return invalid(
        fmt::format("{}: the shape says {} texts, data has {}", where, count, texts.size()));
  }
  return texts;
}

/// The texts of each of the model's inputs; none of one that is not given.
Result<std::vector<std::vector<std::string>>> read_columns(const std::vector<Tensor>& known,
                                                           const Json::Array& inputs,
                                                           std::string_view binary) {
  std::vector<std::vector<std::string>> columns(known.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string where = fmt::format("inputs[{}]", i);
    const std::string name = inputs[i].string_or("name");
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](const Tensor& each) { return each.name == name; });
    if (found == known.end()) {
      return invalid(fmt::format("{}.name: the model has no input '{:.40}'; there are {}", where,
                                 name, names_of(known)));
    }
    auto& column = columns[static_cast<size_t>(found - known.begin())];
    if (!column.empty()) return invalid(fmt::format("{}.name: '{}' is there twice", where, name));
    ASSIGN_OR_RETURN(column, texts_of(inputs[i], where, binary));
  }
  if (!binary.empty()) {
    return invalid(fmt::format("inputs: {} bytes follow the JSON that no binary_data_size is for",
                               binary.size()));
  }
  return columns;
}

/// The columns as the task's own inputs, in its list form.
Result<Json> rows_of(Task task, const std::vector<Tensor>& known,
                     std::vector<std::vector<std::string>> columns) {
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
      list.emplace_back(std::move(columns[0][row]));
      continue;
    }
    list.push_back(Json::object({{known[0].name, std::move(columns[0][row])},
                                 {known[1].name, std::move(columns[1][row])}}));
  }
  return list;
}

Result<std::vector<WantedOutput>> read_outputs(const std::vector<Tensor>& known,
                                               const Json* outputs, bool are_binary) {
  std::vector<WantedOutput> wanted;
  if (outputs != nullptr && !outputs->is_array()) {
    return invalid("outputs: must be a list of the outputs that are wanted");
  }
  if (outputs == nullptr || outputs->as_array().empty()) {
    for (const Tensor& each : known) wanted.push_back({each, are_binary});
    return wanted;
  }
  const Json::Array& list = outputs->as_array();
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string where = fmt::format("outputs[{}].", i);
    Fields fields(list[i], where);
    const std::string name = fields.text("name").value_or("");
    const Json* parameters = fields.any("parameters");
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](const Tensor& each) { return each.name == name; });
    if (found == known.end()) {
      fields.fault("name", fmt::format("the model has no output '{:.40}'; there are {}", name,
                                       names_of(known)));
    }
    const bool is_there = std::any_of(wanted.begin(), wanted.end(), [&](const WantedOutput& each) {
      return each.tensor.name == name;
    });
    if (is_there) fields.fault("name", fmt::format("'{}' is there twice", name));
    RETURN_IF_ERROR(fields.finish());
    wanted.push_back({*found, are_binary});
    if (parameters == nullptr) continue;
    Fields options(*parameters, where + "parameters.");
    wanted.back().is_binary = options.flag("binary_data").value_or(are_binary);
    RETURN_IF_ERROR(options.finish());
  }
  return wanted;
}

/// Takes what is for the outputs, not for the task, out of the parameters.
Result<bool> take_binary_output(Json& parameters) {
  static constexpr std::string_view kName = "binary_data_output";
  const Json* binary = parameters.find(kName);
  if (binary == nullptr) return false;
  if (!binary->is_bool()) return invalid("parameters.binary_data_output: must be true or false");
  const bool is_wanted = binary->as_bool();
  std::erase_if(parameters.as_object(), [](const Json::Member& m) { return m.first == kName; });
  return is_wanted;
}

}  // namespace

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

Result<Infer> read_infer(Task task, const Json& body, std::string_view binary) {
  constexpr size_t kLongestId = 256;  // bytes
  Fields fields(body, "");
  Infer infer{.id = fields.text("id").value_or("")};
  if (infer.id.size() > kLongestId) {
    fields.fault("id",
                 fmt::format("has {} bytes, at most {} are allowed", infer.id.size(), kLongestId));
  }
  const Json* parameters = fields.any("parameters");
  const Json* inputs = fields.any("inputs");
  const Json* outputs = fields.any("outputs");
  if (inputs == nullptr || !inputs->is_array()) fields.fault("inputs", "must be a list of tensors");
  RETURN_IF_ERROR(fields.finish());
  const std::vector<Tensor> known = inputs_of(task);
  ASSIGN_OR_RETURN(auto columns, read_columns(known, inputs->as_array(), binary));
  ASSIGN_OR_RETURN(Json rows, rows_of(task, known, std::move(columns)));
  Json own = Json::object({{"inputs", std::move(rows)}});
  bool are_binary = false;
  if (parameters != nullptr) {
    Json of_task = *parameters;
    ASSIGN_OR_RETURN(are_binary, take_binary_output(of_task));
    own.set("parameters", std::move(of_task));
  }
  ASSIGN_OR_RETURN(infer.wanted, read_outputs(outputs_of(task), outputs, are_binary));
  ASSIGN_OR_RETURN(infer.task, read_request(task, own));
  std::optional<int>& top_k = infer.task.top_k;
  if (top_k && *top_k != 1 && task != Task::kFillMask) {
    return invalid("parameters.top_k: one answer fits a tensor; use /predict for more");
  }
  if (task != Task::kFillMask) top_k = std::nullopt;
  return infer;
}

}  // namespace thaw::inference
