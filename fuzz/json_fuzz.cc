// The JSON parser refuses or accepts any bytes; what it accepts survives printing and reading back.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto first = thaw::Json::parse(text);
  if (!first) {
    CHECK(!first.error().message().empty(), "a refusal says why");
    return 0;
  }
  const auto compact = thaw::Json::parse(first->dump());
  CHECK(compact.has_value(), "what was printed can be read");
  CHECK(*compact == *first, "compact printing loses nothing");
  const auto indented = thaw::Json::parse(first->dump(thaw::Json::Style::kIndented));
  CHECK(indented.has_value() && *indented == *first, "indented printing loses nothing");
  return 0;
}
