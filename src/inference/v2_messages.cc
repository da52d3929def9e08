#include "inference/v2_messages.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>
#include <optional>
#include <vector>

namespace thaw::inference {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are sent as they lie");

Error malformed() { return {Code::kInvalidArgument, "the message is malformed"}; }

/// One field of a message: a number, or bytes.
struct Field {
  uint32_t id = 0;
  uint64_t number = 0;
  std::string_view bytes;
};

/// Protobuf's wire format, a field at a time.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  /// nullopt at the end.
  Result<std::optional<Field>> next() {
    if (text_.empty()) return std::optional<Field>();
    Field field;
    ASSIGN_OR_RETURN(const uint64_t key, varint());
    field.id = static_cast<uint32_t>(key >> 3);
    if (field.id == 0 || key >> 32 != 0) return malformed();
    switch (key & 7) {
      case 0: {
        ASSIGN_OR_RETURN(field.number, varint());
        break;
      }
      case 1: {
        RETURN_IF_ERROR(fixed(8, field));
        break;
      }
      case 5: {
        RETURN_IF_ERROR(fixed(4, field));
        break;
      }
      case 2: {
        ASSIGN_OR_RETURN(const uint64_t size, varint());
        if (size > text_.size()) return malformed();
        field.bytes = text_.substr(0, size);
        text_.remove_prefix(size);
        break;
      }
      default:
        return malformed();
    }
    return std::optional<Field>(field);
  }
  Result<uint64_t> varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (text_.empty()) return malformed();
      const auto byte = static_cast<unsigned char>(text_.front());
      text_.remove_prefix(1);
      value |= uint64_t{byte & 127u} << shift;
      if (byte < 128) return value;
    }
    return malformed();
  }
  bool at_end() const { return text_.empty(); }

 private:
  Status fixed(size_t size, Field& field) {
    if (size > text_.size()) return malformed();
    std::memcpy(&field.number, text_.data(), size);
    text_.remove_prefix(size);
    return {};
  }

  std::string_view text_;
};

/// Calls take(field) for each field of the message.
template <class Take>
Status read_fields(std::string_view message, const Take& take) {
  Reader reader(message);
  for (;;) {
    ASSIGN_OR_RETURN(const auto field, reader.next());
    if (!field) return {};
    RETURN_IF_ERROR(take(*field));
  }
}

void append_varint(std::string& out, uint64_t value) {
  for (; value > 127; value >>= 7) out += static_cast<char>(value | 128);
  out += static_cast<char>(value);
}

void append_bytes(std::string& out, uint32_t id, std::string_view bytes) {
  append_varint(out, id << 3 | 2);
  append_varint(out, bytes.size());
  out += bytes;
}

template <class Number>
void append_raw(std::string& out, Number number) {
  char bytes[sizeof number];
  std::memcpy(bytes, &number, sizeof number);
  out.append(bytes, sizeof number);
}

// ---- Requests ----

/// A map's entry: its name and its InferParameter.
Status read_parameter(std::string_view entry, Json& parameters) {
  std::string name;
  Json value;
  RETURN_IF_ERROR(read_fields(entry, [&](const Field& field) -> Status {
    if (field.id == 1) name = field.bytes;
    if (field.id != 2) return {};
    return read_fields(field.bytes, [&](const Field& choice) -> Status {
      if (choice.id == 1) value = choice.number != 0;
      if (choice.id == 2) value = static_cast<int64_t>(choice.number);
      if (choice.id == 3) value = choice.bytes;
      return {};
    });
  }));
  parameters.set(name, value);
  return {};
}

struct InputTensor {
  std::string name, type;
  Json::Array shape, texts;
  bool has_other_values = false;
};

Status add_size(InputTensor& tensor, uint64_t size) {
  constexpr size_t kMostDimensions = 16;
  if (tensor.shape.size() == kMostDimensions) return malformed();
  tensor.shape.emplace_back(static_cast<int64_t>(size));
  return {};
}

Status read_tensor(std::string_view message, InputTensor& tensor) {
  return read_fields(message, [&](const Field& field) -> Status {
    if (field.id == 1) tensor.name = field.bytes;
    if (field.id == 2) tensor.type = field.bytes;
    if (field.id == 3 && field.bytes.empty()) return add_size(tensor, field.number);
    if (field.id == 3) {  // packed
      for (Reader sizes(field.bytes); !sizes.at_end();) {
        ASSIGN_OR_RETURN(const uint64_t size, sizes.varint());
        RETURN_IF_ERROR(add_size(tensor, size));
      }
    }
    if (field.id != 5) return {};
    return read_fields(field.bytes, [&](const Field& value) -> Status {
      constexpr uint32_t kBytesContents = 8;
      if (value.id != kBytesContents) {
        tensor.has_other_values = true;
      } else if (tensor.texts.size() < kMostValues) {
        tensor.texts.emplace_back(value.bytes);
      } else {
        return Error(Code::kInvalidArgument, fmt::format("more than {} texts", kMostValues));
      }
      return {};
    });
  });
}

/// The texts of a raw BYTES tensor: each after its length, four bytes, the lowest first.
Status read_raw(std::string_view raw, size_t index, InputTensor& tensor) {
  while (!raw.empty()) {
    uint32_t size = 0;
    if (raw.size() >= sizeof size) std::memcpy(&size, raw.data(), sizeof size);
    if (raw.size() < sizeof size || raw.size() - sizeof size < size ||
        tensor.texts.size() == kMostValues) {
      return Error(Code::kInvalidArgument,
                   fmt::format("raw_input_contents[{}]: is no list of texts, each after its length "
                               "as four bytes",
                               index));
    }
    tensor.texts.emplace_back(raw.substr(sizeof size, size));
    raw.remove_prefix(sizeof size + size);
  }
  return {};
}

Status place_raw(const std::vector<std::string_view>& raw, std::vector<InputTensor>& inputs) {
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
    if (inputs[i].type == "BYTES") RETURN_IF_ERROR(read_raw(raw[i], i, inputs[i]));
  }
  return {};
}

// ---- Answers ----

void append_shape(std::string& out, const Json& shape) {
  std::string packed;
  for (const Json& size : shape.as_array()) {
    append_varint(packed, static_cast<uint64_t>(size.as_int()));
  }
  append_bytes(out, 3, packed);
}

std::string tensor_head(const Json& tensor) {
  std::string out;
  append_bytes(out, 1, tensor.string_or("name"));
  append_bytes(out, 2, tensor.string_or("datatype"));
  append_shape(out, tensor["shape"]);
  return out;
}

/// InferTensorContents.
std::string contents_of(const Json& tensor) {
  constexpr uint32_t kInt64 = 3, kFloat = 6, kDouble = 7, kBytes = 8;
  const std::string type = tensor.string_or("datatype");
  std::string out, packed;
  for (const Json& value : tensor["data"].as_array()) {
    if (type == "BYTES") {
      append_bytes(out, kBytes, value.as_string());
    } else if (type == "INT64") {
      append_varint(packed, static_cast<uint64_t>(value.as_int()));
    } else if (type == "FP32") {
      append_raw(packed, static_cast<float>(value.as_double()));
    } else {
      append_raw(packed, value.as_double());
    }
  }
  if (type != "BYTES") {
    append_bytes(out, type == "INT64" ? kInt64 : type == "FP32" ? kFloat : kDouble, packed);
  }
  return out;
}

std::string raw_of(const Json& tensor) {
  const std::string type = tensor.string_or("datatype");
  std::string out;
  for (const Json& value : tensor["data"].as_array()) {
    if (type == "BYTES") {
      append_raw(out, static_cast<uint32_t>(value.as_string().size()));
      out += value.as_string();
    } else if (type == "INT64") {
      append_raw(out, value.as_int());
    } else if (type == "FP32") {
      append_raw(out, static_cast<float>(value.as_double()));
    } else {
      append_raw(out, value.as_double());
    }
  }
  return out;
}

}  // namespace

Result<InferMessage> decode_infer(std::string_view message) {
  InferMessage infer;
  std::string id;
  Json parameters = Json::object();
  std::vector<InputTensor> inputs;
  std::vector<std::string_view> raw;
  RETURN_IF_ERROR(read_fields(message, [&](const Field& field) -> Status {
    if (field.id == 1) infer.model = field.bytes;
    if (field.id == 2) infer.version = field.bytes;
    if (field.id == 3) id = field.bytes;
    if (field.id == 4) return read_parameter(field.bytes, parameters);
    if (field.id == 7) raw.push_back(field.bytes);
    if (field.id == 5) inputs.emplace_back();
    if (inputs.size() > kMostTensors || raw.size() > kMostTensors) {
      return Error(Code::kInvalidArgument, fmt::format("more than {} tensors", kMostTensors));
    }
    return field.id == 5 ? read_tensor(field.bytes, inputs.back()) : Status();
  }));
  if (!raw.empty()) {
    infer.tensors = InferMessage::Tensors::kRaw;
    RETURN_IF_ERROR(place_raw(raw, inputs));
  }
  Json::Array tensors;
  for (InputTensor& each : inputs) {
    tensors.push_back(Json::object({{"name", each.name},
                                    {"datatype", each.type},
                                    {"shape", std::move(each.shape)},
                                    {"data", std::move(each.texts)}}));
  }
  infer.body = Json::object({{"inputs", std::move(tensors)}});
  if (!id.empty()) infer.body.set("id", id);
  if (!parameters.as_object().empty()) infer.body.set("parameters", parameters);
  return infer;
}

Result<std::string> decode_name(std::string_view message) {
  std::string name;
  RETURN_IF_ERROR(read_fields(message, [&](const Field& field) -> Status {
    if (field.id == 1) name = field.bytes;
    return {};
  }));
  return name;
}

std::string encode_flag(bool value) { return value ? std::string("\x08\x01") : std::string(); }

std::string encode_server_metadata(const Json& about) {
  std::string out;
  append_bytes(out, 1, about.string_or("name"));
  append_bytes(out, 2, about.string_or("version"));
  for (const Json& each : about["extensions"].as_array()) append_bytes(out, 3, each.as_string());
  return out;
}

std::string encode_model_metadata(const Json& about) {
  std::string out;
  append_bytes(out, 1, about.string_or("name"));
  for (const Json& each : about["versions"].as_array()) append_bytes(out, 2, each.as_string());
  append_bytes(out, 3, about.string_or("platform"));
  for (const Json& each : about["inputs"].as_array()) append_bytes(out, 4, tensor_head(each));
  for (const Json& each : about["outputs"].as_array()) append_bytes(out, 5, tensor_head(each));
  return out;
}

std::string encode_infer(const Json& answer, InferMessage::Tensors tensors) {
  std::string out;
  append_bytes(out, 1, answer.string_or("model_name"));
  append_bytes(out, 2, "1");
  append_bytes(out, 3, answer.string_or("id"));
  const bool raw = tensors == InferMessage::Tensors::kRaw;
  for (const Json& each : answer["outputs"].as_array()) {
    std::string tensor = tensor_head(each);
    if (!raw) append_bytes(tensor, 5, contents_of(each));
    append_bytes(out, 5, tensor);
  }
  if (!raw) return out;
  for (const Json& each : answer["outputs"].as_array()) append_bytes(out, 6, raw_of(each));
  return out;
}

}  // namespace thaw::inference
