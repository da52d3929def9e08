// Task requests: the body of POST /predict for an encoder model, read and answered.
//
// Both forms are taken: Hugging Face's {"inputs": ..., "parameters": {...}} and the plain one with
// the task's own fields, {"question", "context"} or {"text"}, options beside them. Answers have the
// shapes of the pipelines. Thread: read and shape anywhere, answer() where the model is.
// Owner: values. Limits: kMostInputs inputs of a request, kLongestText bytes each,
// encoder::kMostWindows windows of all questions together (kInvalidArgument).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "encoder/classification.h"
#include "encoder/embedding.h"
#include "encoder/entities.h"
#include "encoder/model.h"
#include "encoder/question_answering.h"

namespace thaw::inference {

inline constexpr size_t kMostInputs = 1024;
inline constexpr size_t kLongestText = 4 << 20;  // bytes

/// How the inputs stood in the body, which decides the answer's shape.
enum class Form { kText, kObject, kList };

/// What a task is asked beside its inputs. Requests with equal ones may be answered together.
struct TaskOptions {
  std::optional<int> top_k;  // nullopt: not given; -1: all, as null says of labels
  encoder::QuestionOptions question;
  encoder::EntityOptions entities;
  std::vector<std::string> targets;  // of masks; none: all tokens
  encoder::ScoreFunction function = encoder::ScoreFunction::kByModel;
  /// kCutAndTell: the answer says which inputs were cut.
  enum class Long { kCutAndTell, kRefuse } too_long = Long::kCutAndTell;
  encoder::TextLimits limits;                        // of texts to be classified
  encoder::Scale scale = encoder::Scale::kByFolder;  // of vectors

  bool operator==(const TaskOptions&) const = default;
};

struct TaskRequest : TaskOptions {
  Form form = Form::kObject;
  std::vector<encoder::TextInput> inputs;  // of questions: text is the question, pair the context

  const TaskOptions& options() const { return *this; }
};

/// Errors name the field.
Result<TaskRequest> read_request(encoder::Task task, const Json& body);

/// What became of each input, in order.
struct TaskAnswer {
  Json::Array items;                        // but of embeddings
  std::vector<char> was_cut;                // it was longer than the model
  std::vector<std::vector<float>> vectors;  // of embeddings
  std::vector<int64_t> tokens;              // of embeddings: those that the model read
};
/// Asked between two slices of the work, each of at most kSlice texts or windows.
using IsWanted = std::function<bool()>;
inline constexpr size_t kSlice = 32;
/// Errors: kInvalidArgument for inputs that the model cannot take, gave_up() when not wanted.
Result<TaskAnswer> answer(const encoder::Model& model, const TaskRequest& request,
                          const IsWanted& is_wanted);
Error gave_up();
/// The fault that answer() would find, told without the model's work: texts are tokenized.
Status check(const encoder::Model& model, const TaskRequest& request);
/// The items in the pipeline's shape for how the inputs stood in the body; not of embeddings.
Json shape(encoder::Task task, const TaskRequest& request, Json::Array items);

// What the model has to do for a request, in the tokens that go through it, as its size tells
// before it is tokenized: a token is taken for four bytes.

/// A text of so many bytes, of which the model takes `longest` tokens: also one for each KiB, since
/// what is cut off is read before.
size_t estimated_tokens(size_t bytes, size_t longest);
/// What is read in windows in all of them.
size_t estimated_tokens(encoder::Task task, const TaskRequest& request, size_t longest);
/// What reading it costs at least, whatever is in it.
inline size_t least_tokens(size_t bytes) { return bytes / 1024 + 1; }

}  // namespace thaw::inference
