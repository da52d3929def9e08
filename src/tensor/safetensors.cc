#include "tensor/safetensors.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include "base/check.h"
#include "base/json.h"

namespace thaw::tensor {
namespace {

constexpr size_t kLengthBytes = 8;
constexpr uint64_t kLongestHeader = 100'000'000;
constexpr size_t kMostTensors = 1'000'000;
constexpr size_t kMostDimensions = 8;
constexpr size_t kShownName = 200;

struct DTypeRow {
  std::string_view name;
  DType dtype;
  size_t size;
};
constexpr std::array<DTypeRow, 13> kDTypes = {{{"F64", DType::kF64, 8},
                                               {"F32", DType::kF32, 4},
                                               {"F16", DType::kF16, 2},
                                               {"BF16", DType::kBf16, 2},
                                               {"I64", DType::kI64, 8},
                                               {"I32", DType::kI32, 4},
                                               {"I16", DType::kI16, 2},
                                               {"I8", DType::kI8, 1},
                                               {"U64", DType::kU64, 8},
                                               {"U32", DType::kU32, 4},
                                               {"U16", DType::kU16, 2},
                                               {"U8", DType::kU8, 1},
                                               {"BOOL", DType::kBool, 1}}};

const DTypeRow& row_of(DType dtype) { return kDTypes[static_cast<size_t>(dtype)]; }

Error wrong(std::string message) { return Error(Code::kInvalidArgument, std::move(message)); }

std::string shown(std::string_view text) {
  return text.size() <= kShownName ? std::string(text)
                                   : std::string(text.substr(0, kShownName)) + "...";
}

Result<DType> parse_dtype(const Json& value) {
  if (value.is_null()) return wrong("dtype is missing");
  if (!value.is_string()) return wrong("dtype must be a text such as \"F32\"");
  for (const DTypeRow& row : kDTypes) {
    if (row.name == value.as_string()) return row.dtype;
  }
  return wrong(fmt::format("unknown dtype \"{}\"", shown(value.as_string())));
}

/// Fills `shape` and answers the number of elements.
Result<uint64_t> parse_shape(const Json& value, std::vector<int64_t>& shape) {
  if (value.is_null()) return wrong("shape is missing");
  if (!value.is_array()) return wrong("shape must be a list of whole numbers");
  if (value.as_array().size() > kMostDimensions) {
    return wrong(fmt::format("shape has {} dimensions, more than {}", value.as_array().size(),
                             kMostDimensions));
  }
  uint64_t elements = 1;
  for (const Json& dimension : value.as_array()) {
    if (!dimension.is_int() || dimension.as_int() < 0) {
      return wrong(
          fmt::format("shape holds {}, which is no whole number >= 0", shown(dimension.dump())));
    }
    const auto size = static_cast<uint64_t>(dimension.as_int());
    if (__builtin_mul_overflow(elements, size, &elements)) {
      return wrong("shape is larger than any memory");
    }
    shape.push_back(dimension.as_int());
  }
  return elements;
}

Result<std::span<const std::byte>> parse_range(const Json& value, std::span<const std::byte> data) {
  if (value.is_null()) return wrong("data_offsets is missing");
  const bool is_pair =
      value.is_array() && value.as_array().size() == 2 &&
      std::ranges::all_of(value.as_array(), [](const Json& each) { return each.is_int(); });
  if (!is_pair) return wrong("data_offsets must be two whole numbers [begin, end]");
  const int64_t begin = value.as_array()[0].as_int(), end = value.as_array()[1].as_int();
  if (begin < 0 || end < begin) {
    return wrong(fmt::format("data_offsets [{}, {}] is no range", begin, end));
  }
  if (static_cast<uint64_t>(end) > data.size()) {
    return wrong(
        fmt::format("data_offsets [{}, {}] end behind the file's {} bytes of data: the "
                    "file was cut short, fetch it again",
                    begin, end, data.size()));
  }
  return data.subspan(static_cast<size_t>(begin), static_cast<size_t>(end - begin));
}

Result<TensorView> parse_tensor(const Json& entry, std::span<const std::byte> data) {
  if (!entry.is_object()) return wrong("must be an object with dtype, shape and data_offsets");
  for (const auto& [key, unused] : entry.as_object()) {
    if (key != "dtype" && key != "shape" && key != "data_offsets") {
      return wrong(fmt::format("unknown key \"{}\"", shown(key)));
    }
  }
  TensorView tensor;
  ASSIGN_OR_RETURN(tensor.dtype, parse_dtype(entry["dtype"]));
  ASSIGN_OR_RETURN(const uint64_t elements, parse_shape(entry["shape"], tensor.shape));
  ASSIGN_OR_RETURN(tensor.data, parse_range(entry["data_offsets"], data));
  uint64_t bytes = 0;
  if (__builtin_mul_overflow(elements, dtype_size(tensor.dtype), &bytes) ||
      bytes != tensor.data.size()) {
    return wrong(fmt::format("{} of shape {} does not take the {} bytes of its data_offsets",
                             dtype_name(tensor.dtype), shape_text(tensor.shape),
                             tensor.data.size()));
  }
  return tensor;
}

Result<std::string_view> header_text(std::span<const std::byte> file) {
  if (file.size() < kLengthBytes) {
    return wrong(
        fmt::format("{} bytes are no safetensors file, which begins with 8 bytes of "
                    "header length",
                    file.size()));
  }
  uint64_t length = 0;
  for (size_t i = kLengthBytes; i-- > 0;) length = length << 8 | std::to_integer<uint64_t>(file[i]);
  if (length > kLongestHeader) {
    return wrong(fmt::format("the header's length is {}, more than {}: this is no safetensors file",
                             length, kLongestHeader));
  }
  if (length > file.size() - kLengthBytes) {
    return wrong(
        fmt::format("the header's length is {}, but the file has {} bytes: it was cut "
                    "short, fetch it again",
                    length, file.size()));
  }
  return std::string_view(reinterpret_cast<const char*>(file.data()) + kLengthBytes,
                          static_cast<size_t>(length));
}

Status check_metadata(const Json& metadata) {
  const bool is_good =
      metadata.is_object() && std::ranges::all_of(metadata.as_object(), [](const auto& member) {
        return member.second.is_string();
      });
  if (!is_good) return wrong("__metadata__: must be an object of texts");
  return {};
}

/// The data is filled once and whole; anything else is a file that something has gone wrong with.
Status check_coverage(const std::vector<TensorView>& tensors, std::span<const std::byte> data) {
  const std::byte* next = data.data();
  for (const TensorView& tensor : tensors) {
    if (tensor.data.data() != next) {
      return wrong(
          fmt::format("tensor '{}': begins at byte {} of the data, but the one before it "
                      "ends at {}",
                      shown(tensor.name), tensor.data.data() - data.data(), next - data.data()));
    }
    next += tensor.data.size();
  }
  if (next != data.data() + data.size()) {
    return wrong(fmt::format("the tensors end at byte {} of the data, which has {}",
                             next - data.data(), data.size()));
  }
  return {};
}

float half_to_float(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000U) << 16;
  const uint32_t exponent = half >> 10 & 0x1FU, fraction = half & 0x3FFU;
  if (exponent == 0x1F) return std::bit_cast<float>(sign | 0x7F800000U | fraction << 13);
  if (exponent != 0) {
    return std::bit_cast<float>(sign | (exponent + (127 - 15)) << 23 | fraction << 13);
  }
  const float small = static_cast<float>(fraction) * 0x1p-24F;
  return sign ? -small : small;
}

template <class Stored, class Convert>
void convert_all(const std::byte* from, std::span<float> out, Convert convert) {
  for (size_t i = 0; i < out.size(); ++i) {
    Stored stored;
    std::memcpy(&stored, from + i * sizeof(Stored), sizeof(Stored));
    out[i] = convert(stored);
  }
}

}  // namespace

std::string_view dtype_name(DType dtype) { return row_of(dtype).name; }
size_t dtype_size(DType dtype) { return row_of(dtype).size; }

std::string shape_text(std::span<const int64_t> shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

Result<std::vector<TensorView>> parse_safetensors(std::span<const std::byte> file) {
  ASSIGN_OR_RETURN(const std::string_view text, header_text(file));
  auto header = Json::parse(text);
  if (!header) return std::move(header).error().with_context("header");
  if (!header->is_object()) return wrong("header: must be a JSON object");
  if (header->as_object().size() > kMostTensors) {
    return wrong(
        fmt::format("header: {} tensors, more than {}", header->as_object().size(), kMostTensors));
  }
  const std::span<const std::byte> data = file.subspan(kLengthBytes + text.size());
  std::vector<TensorView> tensors;
  for (auto& [name, entry] : header->as_object()) {
    if (name == "__metadata__") {
      RETURN_IF_ERROR(check_metadata(entry));
      continue;
    }
    auto tensor = parse_tensor(entry, data);
    if (!tensor) {
      return std::move(tensor).error().with_context(fmt::format("tensor '{}'", shown(name)));
    }
    tensor->name = name;
    tensors.push_back(*std::move(tensor));
  }
  std::ranges::stable_sort(tensors, [](const TensorView& a, const TensorView& b) {
    return std::pair(a.data.data(), a.data.size()) < std::pair(b.data.data(), b.data.size());
  });
  RETURN_IF_ERROR(check_coverage(tensors, data));
  return tensors;
}

bool is_float(DType dtype) {
  return dtype == DType::kF32 || dtype == DType::kF16 || dtype == DType::kBf16 ||
         dtype == DType::kF64;
}

void read_floats(const TensorView& tensor, int64_t first, std::span<float> out) {
  CHECK(first >= 0 && first + static_cast<int64_t>(out.size()) <= tensor.elements());
  const std::byte* from =
      tensor.data.data() + static_cast<size_t>(first) * dtype_size(tensor.dtype);
  switch (tensor.dtype) {
    case DType::kF32:
      if (!out.empty()) std::memcpy(out.data(), from, out.size_bytes());
      return;
    case DType::kF16:
      return convert_all<uint16_t>(from, out, half_to_float);
    case DType::kBf16:
      return convert_all<uint16_t>(from, out, [](uint16_t stored) {
        return std::bit_cast<float>(static_cast<uint32_t>(stored) << 16);
      });
    case DType::kF64:
      return convert_all<double>(from, out,
                                 [](double stored) { return static_cast<float>(stored); });
    default:
      CHECK(false, "read_floats of a tensor that holds no floats");
  }
}

}  // namespace thaw::tensor
