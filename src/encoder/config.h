// EncoderConfig: what config.json says about an encoder model, checked.
//
// Thread: any. Owner: values. Limits: hidden size 16384, 256 layers, 1,000,000 labels, and so on;
// kInvalidArgument names the key.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tensor/kernels.h"

namespace thaw {
class Json;
}

namespace thaw::encoder {

enum class Family { kDistilBert, kBert, kRoberta, kMpnet };
std::string_view family_name(Family family);

enum class Task {
  kQuestionAnswering,
  kTextClassification,
  kTokenClassification,
  kEmbedding,
  kFillMask,
};
/// "question-answering" and so on, as Hugging Face's pipelines are called.
std::string_view task_name(Task task);
Result<Task> parse_task(std::string_view name);

struct EncoderConfig {
  Family family = Family::kBert;
  int hidden = 0;
  int layers = 0;
  int heads = 0;
  int intermediate = 0;
  int vocabulary = 0;
  int positions = 0;         // rows of the table
  int first_position = 0;    // of the first token; 2 with RoBERTa
  int padding = -1;          // RoBERTa, MPNet: this token takes the position of its own number, and
                             // is not counted for the others'; -1: none does
  int types = 0;             // rows of the segment table; 0: none
  int relative_buckets = 0;  // MPNet's table of distances; 0: none
  float epsilon = 0;
  tensor::Activation activation = tensor::Activation::kGelu;
  Task task = Task::kEmbedding;  // by "architectures"
  std::string unserved;          // the architecture, if its head is none of the tasks'
  std::vector<std::string> labels;
  enum class Problem { kUnsaid, kRegression, kSingleLabel, kMultiLabel };
  Problem problem = Problem::kUnsaid;

  int head_size() const { return hidden / heads; }
  int longest() const { return positions - first_position; }
};

Result<EncoderConfig> parse_config(const Json& json);
/// The endings of the architectures that have a task, as a sentence lists them.
std::string served_architectures();

}  // namespace thaw::encoder
