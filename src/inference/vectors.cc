#include "inference/vectors.h"

#include <charconv>
#include <cmath>
#include <string_view>

namespace thaw::inference {
namespace {

void append_number(std::string& json, float number) {
  if (!std::isfinite(number)) {
    json += "null";
    return;
  }
  constexpr size_t kMost = 24;
  char text[kMost];
  const auto [end, fault] = std::to_chars(text, text + kMost, number);
  const std::string_view digits(text, static_cast<size_t>(end - text));
  json += digits;
  if (digits.find_first_of(".e") == std::string_view::npos) json += ".0";  // no whole number
}

}  // namespace

void append_vector(std::string& json, std::span<const float> vector) {
  json += '[';
  for (size_t i = 0; i < vector.size(); ++i) {
    if (i > 0) json += ',';
    append_number(json, vector[i]);
  }
  json += ']';
}

std::string vectors_json(const std::vector<std::vector<float>>& vectors) {
  std::string json = "[";
  for (size_t i = 0; i < vectors.size(); ++i) {
    if (i > 0) json += ',';
    append_vector(json, vectors[i]);
  }
  return json + "]";
}

}  // namespace thaw::inference
