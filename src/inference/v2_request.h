// Requests of the Open Inference Protocol: the tensors of a model, and a body as the task's own
// request.
//
// Texts travel in BYTES tensors. A model's inputs by task: "question" and "context"; "text" and,
// for classification, optionally "text_pair". Outputs: "answer", "score", "start", "end"; "label",
// "score"; "embedding" [N, H]; for the others "json", each item's answer as text. Values are in the
// JSON, or bytes behind it: the binary tensor data extension of the Triton inference server.
// Thread: any. Owner: values. Limits: kMostInputs texts of a tensor, ids of 256 bytes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "inference/task.h"

namespace thaw::inference {

struct Tensor {
  std::string name, type;
  std::vector<int64_t> shape;  // -1: any size
};
std::vector<Tensor> inputs_of(encoder::Task task);
std::vector<Tensor> outputs_of(encoder::Task task);

/// An output that is asked for.
struct WantedOutput {
  Tensor tensor;
  bool is_binary = false;
};
struct Infer {
  std::string id;
  TaskRequest task;
  std::vector<WantedOutput> wanted;
};
/// `binary`: what follows the JSON. Errors name the field.
Result<Infer> read_infer(encoder::Task task, const Json& body, std::string_view binary);

}  // namespace thaw::inference
