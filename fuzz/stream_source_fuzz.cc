// The reader of stream sources refuses or accepts any bytes; what it accepts reads back the same,
// and makes a request of whatever an entry holds.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "messaging/source_config.h"
#include "messaging/stream_envelope.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace thaw::messaging;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto id = EntryId::parse(text)) CHECK(EntryId::parse(id->str()) == id);
  const auto json = thaw::Json::parse(text);
  if (!json) return 0;
  const auto config = source_from_json(*json);
  if (!config) {
    CHECK(!config.error().message().empty(), "a refusal says why");
    return 0;
  }
  const auto again = source_from_json(to_json(*config));
  CHECK(again.has_value(), "what was written can be read");
  CHECK(to_json(*again) == to_json(*config), "and is the same");
  StreamEntry entry{.id = {1, 2}, .key = std::string(text)};
  entry.fields = {{config->data_field, std::string(text)}, {std::string(text), "x"}};
  const auto request = envelope_of(*config, {&entry}, 1);
  for (const auto& header : request.headers) {
    CHECK(header.value.find_first_of("\r\n") == std::string::npos, "a header is one line");
  }
  return 0;
}
