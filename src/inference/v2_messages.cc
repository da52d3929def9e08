#include "inference/v2_messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "base/utf8.h"
#include "inference/v2_tensors.h"
#include "rpc/wire.h"

namespace thaw::inference {
namespace {

using rpc::WireReader;
using rpc::WireWriter;

Error malformed() { return {Code::kInvalidArgument, "the message is malformed"}; }

/// Calls take(reader) for each field of the message.
template <class Take>
Status read_fields(std::string_view message, const Take& take) {
  WireReader reader(message);
  while (reader.next()) RETURN_IF_ERROR(take(reader));
  return reader.is_whole() ? Status() : malformed();
}

// ---- Requests ----

Status too_many(size_t most, std::string_view what) {
  return Error(Code::kInvalidArgument, fmt::format("more than {} {}", most, what));
}

/// A map's entry: its name and its InferParameter.
Status read_parameter(std::string_view entry, Json& parameters) {
  std::string name;
  Json value;
  bool is_of_another_kind = false;
  RETURN_IF_ERROR(read_fields(entry, [&](WireReader& field) -> Status {
    if (field.field() == 1) name = field.text();
    if (field.field() != 2) return {};
    return read_fields(field.bytes(), [&](WireReader& choice) -> Status {
      if (choice.field() == 1) value = choice.number() != 0;
      if (choice.field() == 2) value = choice.number();
      if (choice.field() == 3) value = choice.text();
      if (choice.field() < 1 || choice.field() > 3) is_of_another_kind = true;
      return {};
    });
  }));
  if (is_of_another_kind) {
    return Error(Code::kInvalidArgument,
                 fmt::format("parameters.{:.80}: is neither bool_param nor int64_param nor "
                             "string_param",
                             name));
  }
  parameters.set(name, value);
  if (parameters.as_object().size() > kMostParameters) {
    return too_many(kMostParameters, "parameters");
  }
  return {};
}

struct InputTensor {
  std::string name, type;
  std::vector<int64_t> shape;
  Json parameters = Json::object();
  Json::Array texts;
  bool has_other_values = false;  // than texts
};

/// Some sizes of the shape.
Status read_shape(const WireReader& field, std::vector<int64_t>& shape) {
  constexpr size_t kLongestVarint = 10;  // bytes
  if (field.bytes().size() > kMostDimensions * kLongestVarint) {
    return too_many(kMostDimensions, "sizes of a shape");
  }
  if (!field.numbers(shape)) return malformed();
  return shape.size() > kMostDimensions ? too_many(kMostDimensions, "sizes of a shape") : Status();
}

/// An output that is asked for.
Result<Json> read_output(std::string_view message) {
  Json output = Json::object(), parameters = Json::object();
  RETURN_IF_ERROR(read_fields(message, [&](WireReader& field) -> Status {
    if (field.field() == 1) output.set("name", field.text());
    return field.field() == 2 ? read_parameter(field.bytes(), parameters) : Status();
  }));
  if (!parameters.as_object().empty()) output.set("parameters", std::move(parameters));
  return output;
}

/// Here raw tensors are what binary ones are in the REST form.
Status refuse_binary(const Json& parameters, std::string_view name) {
  if (parameters.find(name) == nullptr) return {};
  return Error(
      Code::kInvalidArgument,
      fmt::format("parameters.{}: is of the protocol's REST form; here the answer's tensors "
                  "are raw where the request's are",
                  name));
}

/// A value of its InferTensorContents. `left`: how many texts more the request may have.
Status read_value(const WireReader& value, const std::string& where, InputTensor& tensor,
                  size_t& left) {
  constexpr uint32_t kBytesContents = 8;
  if (value.field() != kBytesContents) {
    tensor.has_other_values = true;
    return {};
  }
  if (left == 0) return too_many(kMostValues, "texts");
  if (!is_utf8(value.bytes())) {
    return Error(Code::kInvalidArgument,
                 fmt::format("{}.bytes_contents[{}]: is no UTF-8", where, tensor.texts.size()));
  }
  --left;
  tensor.texts.emplace_back(value.bytes());
  return {};
}

/// The last of `inputs`.
Status read_tensor(std::string_view message, std::vector<InputTensor>& inputs, size_t& left) {
  InputTensor& tensor = inputs.back();
  const std::string where = fmt::format("inputs[{}].contents", inputs.size() - 1);
  RETURN_IF_ERROR(read_fields(message, [&](WireReader& field) -> Status {
    if (field.field() == 1) tensor.name = field.text();
    if (field.field() == 2) tensor.type = field.text();
    if (field.field() == 3) return read_shape(field, tensor.shape);
    if (field.field() == 4) return read_parameter(field.bytes(), tensor.parameters);
    if (field.field() != 5) return {};
    return read_fields(field.bytes(), [&](const WireReader& value) -> Status {
      return read_value(value, where, tensor, left);
    });
  }));
  if (tensor.type == "BYTES" && tensor.has_other_values) {
    return Error(Code::kInvalidArgument, where + ": only bytes_contents is of BYTES");
  }
  return {};
}

Status place_raw(const std::vector<std::string_view>& raw, std::vector<InputTensor>& inputs) {
  size_t left = kMostValues;
  if (raw.size() != inputs.size()) {
    return Error(Code::kInvalidArgument,
                 fmt::format("raw_input_contents: has {} tensors, inputs has {}", raw.size(),
                             inputs.size()));
  }
  for (size_t i = 0; i < raw.size(); ++i) {
    if (!inputs[i].texts.empty() || inputs[i].has_other_values) {
      return Error(Code::kInvalidArgument,
                   fmt::format("inputs[{}].contents: must be empty beside raw_input_contents", i));
    }
    if (inputs[i].type != "BYTES") continue;
    auto texts = raw_texts(raw[i], kMostValues);
    if (!texts) {
      return std::move(texts).error().with_context(fmt::format("raw_input_contents[{}]", i));
    }
    if (texts->size() > left) return too_many(kMostValues, "texts");
    left -= texts->size();
    inputs[i].texts.assign(texts->begin(), texts->end());
  }
  return {};
}

/// As the REST form has it.
Json json_of(InputTensor tensor) {
  Json::Array shape(tensor.shape.begin(), tensor.shape.end());
  Json json = Json::object({{"name", std::move(tensor.name)},
                            {"datatype", std::move(tensor.type)},
                            {"shape", std::move(shape)},
                            {"data", std::move(tensor.texts)}});
  if (!tensor.parameters.as_object().empty()) json.set("parameters", std::move(tensor.parameters));
  return json;
}

// ---- Answers ----

void write_head(WireWriter& writer, const Json& tensor) {
  std::vector<int64_t> shape;
  for (const Json& size : tensor["shape"].as_array()) shape.push_back(size.as_int());
  writer.bytes(1, tensor.string_or("name"));
  writer.bytes(2, tensor.string_or("datatype"));
  writer.packed(3, shape);
}

/// JSON has null where a number is none.
double number_of(const Json& value) {
  return value.is_number() ? value.as_double() : std::numeric_limits<double>::quiet_NaN();
}

template <class Number>
std::vector<Number> numbers_of(const Json& data) {
  std::vector<Number> numbers;
  for (const Json& value : data.as_array()) {
    if constexpr (std::is_integral_v<Number>) {
      numbers.push_back(value.as_int());
    } else {
      numbers.push_back(static_cast<Number>(number_of(value)));
    }
  }
  return numbers;
}

/// Whether each output's values are what its datatype says.
Status check_answer(const Json& answer) {
  for (const Json& each : answer["outputs"].as_array()) {
    const std::string type = each.string_or("datatype");
    const auto fits = [&](const Json& value) {
      if (type == "BYTES") return value.is_string();
      return type == "INT64" ? value.is_int() : value.is_number() || value.is_null();
    };
    const Json& data = each["data"];
    if (data.is_array() && !std::ranges::all_of(data.as_array(), fits)) {
      return Error(Code::kInternal, fmt::format("the output '{}' has a value that is no {}",
                                                each.string_or("name"), type));
    }
  }
  return {};
}

/// InferTensorContents.
void write_contents(WireWriter& writer, const Json& tensor, std::span<const float> vectors) {
  constexpr uint32_t kInt64 = 3, kFloat = 6, kDouble = 7, kBytes = 8;
  const std::string type = tensor.string_or("datatype");
  const Json& data = tensor["data"];
  if (data.is_null()) return writer.packed<float>(kFloat, vectors);
  if (type == "BYTES") {
    for (const Json& value : data.as_array()) {
      writer.bytes(kBytes, value.as_string(), WireWriter::Empty::kToo);
    }
  } else if (type == "INT64") {
    writer.packed(kInt64, numbers_of<int64_t>(data));
  } else if (type == "FP32") {
    writer.packed<float>(kFloat, numbers_of<float>(data));
  } else {
    writer.packed<double>(kDouble, numbers_of<double>(data));
  }
}

}  // namespace

Result<InferMessage> decode_infer(std::string_view message) {
  InferMessage infer;
  std::string id;
  Json parameters = Json::object();
  std::vector<InputTensor> inputs;
  std::vector<std::string_view> outputs, raw;
  size_t left = kMostValues;
  RETURN_IF_ERROR(read_fields(message, [&](WireReader& field) -> Status {
    if (field.field() == 1) infer.model.name = field.text();
    if (field.field() == 2) infer.model.version = field.text();
    if (field.field() == 3) id = field.text();
    if (field.field() == 4) return read_parameter(field.bytes(), parameters);
    if (field.field() == 7) raw.push_back(field.bytes());
    if (field.field() == 5) inputs.emplace_back();
    if (field.field() == 6) outputs.push_back(field.bytes());
    if (inputs.size() > kMostTensors || raw.size() > kMostTensors ||
        outputs.size() > kMostTensors) {
      return too_many(kMostTensors, "tensors");
    }
    return field.field() == 5 ? read_tensor(field.bytes(), inputs, left) : Status();
  }));
  RETURN_IF_ERROR(refuse_binary(parameters, "binary_data_output"));
  if (!raw.empty()) {
    infer.tensors = InferMessage::Tensors::kRaw;
    RETURN_IF_ERROR(place_raw(raw, inputs));
  }
  Json::Array tensors;
  for (InputTensor& each : inputs) {
    RETURN_IF_ERROR(refuse_binary(each.parameters, "binary_data_size"));
    tensors.push_back(json_of(std::move(each)));
  }
  infer.body = Json::object({{"inputs", std::move(tensors)}});
  Json::Array asked;
  for (const std::string_view each : outputs) {
    ASSIGN_OR_RETURN(Json output, read_output(each));
    RETURN_IF_ERROR(refuse_binary(output["parameters"], "binary_data"));
    asked.push_back(std::move(output));
  }
  if (!asked.empty()) infer.body.set("outputs", std::move(asked));
  if (!id.empty()) infer.body.set("id", id);
  if (!parameters.as_object().empty()) infer.body.set("parameters", parameters);
  return infer;
}

Result<ModelName> decode_name(std::string_view message) {
  ModelName model;
  RETURN_IF_ERROR(read_fields(message, [&](WireReader& field) -> Status {
    if (field.field() == 1) model.name = field.text();
    if (field.field() == 2) model.version = field.text();
    return {};
  }));
  return model;
}

std::string encode_flag(bool value) { return value ? std::string("\x08\x01") : std::string(); }

std::string encode_server_metadata(const Json& about) {
  WireWriter out;
  out.bytes(1, about.string_or("name"));
  out.bytes(2, about.string_or("version"));
  for (const Json& each : about["extensions"].as_array()) out.bytes(3, each.as_string());
  return std::move(out).take();
}

std::string encode_model_metadata(const Json& about) {
  WireWriter out;
  const auto tensors = [&out](uint32_t field, const Json& list) {
    for (const Json& each : list.as_array()) {
      const auto mark = out.begin(field);
      write_head(out, each);
      out.end(mark);
    }
  };
  out.bytes(1, about.string_or("name"));
  for (const Json& each : about["versions"].as_array()) out.bytes(2, each.as_string());
  out.bytes(3, about.string_or("platform"));
  tensors(4, about["inputs"]);
  tensors(5, about["outputs"]);
  return std::move(out).take();
}

Result<std::string> encode_infer(const Json& answer, std::span<const float> vectors,
                                 InferMessage::Tensors tensors) {
  RETURN_IF_ERROR(check_answer(answer));
  WireWriter out;
  out.bytes(1, answer.string_or("model_name"));
  out.bytes(2, "1");
  out.bytes(3, answer.string_or("id"));
  const bool raw = tensors == InferMessage::Tensors::kRaw;
  for (const Json& each : answer["outputs"].as_array()) {
    const auto tensor = out.begin(5);
    write_head(out, each);
    if (!raw) {
      const auto contents = out.begin(5);
      write_contents(out, each, vectors);
      out.end(contents);
    }
    out.end(tensor);
  }
  if (!raw) return std::move(out).take();
  for (const Json& each : answer["outputs"].as_array()) {
    const bool is_vectors = each["data"].is_null();
    out.bytes(6, is_vectors ? raw_of(vectors) : raw_of(each), WireWriter::Empty::kToo);
  }
  return std::move(out).take();
}

}  // namespace thaw::inference
