// The gRPC form of the Open Inference Protocol refuses or reads any bytes; what it reads is a body
// of the REST form, within the bounds.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "inference/v2_messages.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace thaw::inference;
  const std::string_view message(reinterpret_cast<const char*>(data), size);
  (void)decode_name(message);
  const auto infer = decode_infer(message);
  if (!infer) return 0;
  const auto& inputs = infer->body["inputs"].as_array();
  CHECK(inputs.size() <= kMostTensors, "tensors are bounded");
  for (const thaw::Json& each : inputs) {
    CHECK(each["data"].is_array() && each["shape"].is_array(), "a tensor is whole");
  }
  (void)thaw::Json::parse(infer->body.dump());
  return 0;
}
