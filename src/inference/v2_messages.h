// The messages of the Open Inference Protocol's gRPC form, to and from the JSON of its REST form,
// so that both are one protocol here. docs/formats/open_inference.proto has their definitions.
//
// A request's tensors stand in `contents` or, all of them, in raw_input_contents; its answer stands
// where they did. Thread: any. Owner: values. Limits: kMostTensors and kMostParameters of a
// request, kMostDimensions of a tensor, kMostValues texts in all; over them, and for what is no
// message or has tensors of another kind than BYTES, kInvalidArgument.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"

namespace thaw::inference {

inline constexpr size_t kMostTensors = 64;
inline constexpr size_t kMostParameters = 64;
inline constexpr size_t kMostDimensions = 16;
inline constexpr size_t kMostValues = 100'000;

/// Empty where the request names none.
struct ModelName {
  std::string name, version;
};
struct InferMessage {
  enum class Tensors { kContents, kRaw };
  ModelName model;
  Json body;  // of POST /v2/models/NAME/infer
  Tensors tensors = Tensors::kContents;
};
Result<InferMessage> decode_infer(std::string_view message);
/// ModelReadyRequest and ModelMetadataRequest.
Result<ModelName> decode_name(std::string_view message);

/// ServerLiveResponse, ServerReadyResponse and ModelReadyResponse.
std::string encode_flag(bool value);
std::string encode_server_metadata(const Json& about);
std::string encode_model_metadata(const Json& about);
/// `vectors`: the values of an output without "data". Numbers that are null become NaN. kInternal:
/// a value is not of its tensor's datatype.
Result<std::string> encode_infer(const Json& answer, std::span<const float> vectors,
                                 InferMessage::Tensors tensors);

}  // namespace thaw::inference
