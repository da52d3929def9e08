#include "inference/v2_tensors.h"

#include <fmt/format.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>

#include "base/utf8.h"

namespace thaw::inference {
namespace {

static_assert(std::endian::native == std::endian::little, "numbers are sent as they lie");

template <class Number>
void append_raw(std::string& out, Number number) {
  char bytes[sizeof number];
  std::memcpy(bytes, &number, sizeof number);
  out.append(bytes, sizeof number);
}

}  // namespace

Result<std::vector<std::string_view>> raw_texts(std::string_view raw, size_t most) {
  std::vector<std::string_view> texts;
  while (!raw.empty()) {
    uint32_t size = 0;
    if (raw.size() >= sizeof size) std::memcpy(&size, raw.data(), sizeof size);
    if (raw.size() < sizeof size || raw.size() - sizeof size < size) {
      return Error(Code::kInvalidArgument,
                   "is no list of texts, each after its length as four bytes");
    }
    if (texts.size() == most) {
      return Error(Code::kInvalidArgument, fmt::format("has more than {} texts", most));
    }
    texts.push_back(raw.substr(sizeof size, size));
    if (!is_utf8(texts.back())) {
      return Error(Code::kInvalidArgument, fmt::format("text {} is no UTF-8", texts.size() - 1));
    }
    raw.remove_prefix(sizeof size + size);
  }
  return texts;
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
    } else {
      constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
      const double number = value.is_number() ? value.as_double() : kNone;
      type == "FP32" ? append_raw(out, static_cast<float>(number)) : append_raw(out, number);
    }
  }
  return out;
}

std::string raw_of(std::span<const float> numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size_bytes()};
}

}  // namespace thaw::inference
