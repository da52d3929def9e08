#include <fmt/format.h>

#include <algorithm>

#include "http/text.h"
#include "inference/fields.h"
#include "inference/task.h"

namespace thaw::inference {
namespace {

using encoder::Task;
using encoder::TextInput;

constexpr size_t kBytesPerToken = 4;

Error invalid(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }

Status check_text(const std::string& text, const std::string& name) {
  if (text.size() <= kLongestText) return {};
  return invalid(
      fmt::format("{}: has {} bytes, at most {} are allowed", name, text.size(), kLongestText));
}

/// Their lengths. `where` stands before the fields' names: "" or "inputs[0].".
Status check_fields(Task task, const TextInput& input, const std::string& where) {
  const bool is_question = task == Task::kQuestionAnswering;
  RETURN_IF_ERROR(check_text(input.text, where + (is_question ? "question" : "text")));
  if (!input.pair) return {};
  return check_text(*input.pair, where + (is_question ? "context" : "text_pair"));
}

/// One input: a text, or an object with the task's fields.
Result<TextInput> read_input(Task task, const Json& json, const std::string& where) {
  TextInput input;
  if (task == Task::kQuestionAnswering) {
    Fields fields(json, where + ".");
    const auto question = fields.text("question"), context = fields.text("context");
    if (!question) fields.fault("question", "is missing");
    if (!context) fields.fault("context", "is missing");
    RETURN_IF_ERROR(fields.finish());
    input = {*question, *context};
  } else if (json.is_string()) {
    input.text = json.as_string();
  } else if (json.is_object() && task == Task::kTextClassification) {
    Fields fields(json, where + ".");
    const auto text = fields.text("text");
    input.pair = fields.text("text_pair");
    if (!text) fields.fault("text", "is missing");
    RETURN_IF_ERROR(fields.finish());
    input.text = *text;
  } else {
    return invalid(where + ": must be a text");
  }
  if (json.is_string()) {
    RETURN_IF_ERROR(check_text(input.text, where));
  } else {
    RETURN_IF_ERROR(check_fields(task, input, where + "."));
  }
  return input;
}

Status read_inputs(Task task, const Json& json, TaskRequest& request) {
  if (!json.is_array()) {
    request.form = json.is_string() ? Form::kText : Form::kObject;
    ASSIGN_OR_RETURN(TextInput input, read_input(task, json, "inputs"));
    request.inputs.push_back(std::move(input));
    return {};
  }
  request.form = Form::kList;
  const Json::Array& list = json.as_array();
  if (list.empty() || list.size() > kMostInputs) {
    return invalid(
        fmt::format("inputs: has {} inputs, 1 to {} are allowed", list.size(), kMostInputs));
  }
  for (size_t i = 0; i < list.size(); ++i) {
    ASSIGN_OR_RETURN(TextInput input, read_input(task, list[i], fmt::format("inputs[{}]", i)));
    request.inputs.push_back(std::move(input));
  }
  return {};
}

void read_question_options(Fields& fields, TaskRequest& request) {
  encoder::QuestionOptions& options = request.question;
  options.max_answer_tokens =
      fields.whole("max_answer_len", 1, 10'000).value_or(options.max_answer_tokens);
  options.max_sequence = fields.whole("max_seq_len", 4, 100'000);
  options.stride = fields.whole("doc_stride", 0, 100'000);
  (void)fields.whole("max_question_len", 1, 100'000);  // without effect, as with fast tokenizers
  options.may_be_impossible =
      fields.flag("handle_impossible_answer").value_or(options.may_be_impossible);
  options.align_to_words = fields.flag("align_to_words").value_or(options.align_to_words);
}

/// As the pipelines take names of options: in either case.
std::optional<std::string> lower_name(Fields& fields, std::string_view key) {
  auto name = fields.text(key);
  if (name) *name = http::lower_case(*name);
  return name;
}

void read_function(Fields& fields, TaskRequest& request) {
  const auto name = lower_name(fields, "function_to_apply");
  if (!name) return;
  if (*name == "softmax") {
    request.function = encoder::ScoreFunction::kSoftmax;
  } else if (*name == "sigmoid") {
    request.function = encoder::ScoreFunction::kSigmoid;
  } else if (*name == "none") {
    request.function = encoder::ScoreFunction::kNone;
  } else if (*name != "default") {
    fields.fault("function_to_apply", "must be softmax, sigmoid, none or default");
  }
}

void read_entity_options(Fields& fields, TaskRequest& request) {
  request.entities.stride = fields.whole("stride", 0, 100'000);
  if (const auto name = lower_name(fields, "aggregation_strategy")) {
    const auto strategy = encoder::parse_aggregation(*name);
    if (strategy) {
      request.entities.aggregation = *strategy;
    } else {
      fields.fault("aggregation_strategy", strategy.error().message());
    }
  }
  const Json* ignored = fields.any("ignore_labels");
  if (ignored == nullptr) return;
  request.entities.ignored.clear();
  constexpr size_t kMostLabels = 1000, kLongestLabel = 256;
  const std::string rule =
      fmt::format("must be a list of at most {} labels of {} bytes", kMostLabels, kLongestLabel);
  if (!ignored->is_array() || ignored->as_array().size() > kMostLabels) {
    return fields.fault("ignore_labels", rule);
  }
  for (const Json& label : ignored->as_array()) {
    if (!label.is_string() || label.as_string().size() > kLongestLabel) {
      return fields.fault("ignore_labels", rule);
    }
    request.entities.ignored.push_back(label.as_string());
  }
}

/// Which text is cut, by the tokenizers' names for it; whether any is, in the plain case.
void read_truncation(Task task, Fields& fields, TaskRequest& request) {
  if (task == Task::kTextClassification) {
    request.limits.longest = fields.whole("max_length", 1, 1'000'000);
    (void)fields.any("padding");  // texts go through the model without any
  }
  const Json* given = fields.any("truncation");
  if (given == nullptr) return;
  const std::string name = given->is_string() ? given->as_string() : given->dump();
  using tokenize::Cut;
  if (name == "false" || name == "do_not_truncate") {
    request.too_long = TaskRequest::Long::kRefuse;
  } else if (name == "only_first") {
    request.limits.cut = Cut::kOnlyFirst;
  } else if (name == "only_second") {
    request.limits.cut = Cut::kOnlySecond;
  } else if (name != "true" && name != "longest_first") {
    fields.fault("truncation",
                 "must be true, false, longest_first, only_first, only_second or do_not_truncate");
  }
}

void read_targets(Fields& fields, TaskRequest& request) {
  constexpr size_t kMostTargets = 1000, kLongestTarget = 1000;
  const Json* given = fields.any("targets");
  if (given == nullptr) return;
  const Json::Array list = given->is_array() ? given->as_array() : Json::Array{*given};
  const auto is_text = [](const Json& each) {
    return each.is_string() && each.as_string().size() <= kLongestTarget;
  };
  if (list.empty() || list.size() > kMostTargets || !std::ranges::all_of(list, is_text)) {
    return fields.fault(
        "targets", fmt::format("must be a text or 1 to {} texts of at most {} bytes", kMostTargets,
                               kLongestTarget));
  }
  for (const Json& each : list) request.targets.push_back(each.as_string());
}

/// The options of `task`, as its pipeline names them.
void read_options(Task task, Fields& fields, TaskRequest& request) {
  constexpr int kMostAnswers = 10'000;
  if (task != Task::kEmbedding && task != Task::kTokenClassification) {
    request.top_k = fields.whole("top_k", -1, kMostAnswers);
    if (request.top_k == 0) fields.fault("top_k", "must not be 0; -1 gives all");
    if (task == Task::kTextClassification && fields.is_null("top_k")) request.top_k = -1;
  }
  if (task != Task::kQuestionAnswering) {
    read_truncation(task, fields, request);
  }
  if (task == Task::kQuestionAnswering) read_question_options(fields, request);
  if (task == Task::kTextClassification) read_function(fields, request);
  if (task == Task::kTokenClassification) read_entity_options(fields, request);
  if (task == Task::kFillMask) read_targets(fields, request);
}

/// The tokens of all windows of `sequence` tokens in which `read` of them are read, each with
/// `beside` of its own.
size_t tokens_of_windows(size_t read, size_t beside, size_t sequence, size_t stride) {
  const size_t room = sequence - std::min(sequence - 1, beside);
  if (read <= room) return beside + read;
  const size_t step = room - std::min(room - 1, stride);
  const size_t windows = (read - room + step - 1) / step + 1;
  return std::min(windows, encoder::kMostWindows) * sequence;
}

size_t tokens_of(Task task, const TextInput& input, const TaskOptions& options, size_t longest) {
  const size_t text = input.text.size() / kBytesPerToken;
  const size_t pair = input.pair ? input.pair->size() / kBytesPerToken : 0;
  if (task == Task::kQuestionAnswering) {
    const encoder::QuestionOptions& question = options.question;
    const auto usual = static_cast<size_t>(encoder::kUsualSequence);
    const size_t sequence = std::min(
        question.max_sequence ? static_cast<size_t>(*question.max_sequence) : usual, longest);
    const size_t shared = std::min(sequence / 2, static_cast<size_t>(encoder::kUsualStride));
    return tokens_of_windows(pair, text, sequence,
                             question.stride ? static_cast<size_t>(*question.stride) : shared);
  }
  if (task == Task::kTokenClassification && options.entities.stride) {
    return tokens_of_windows(text, 0, longest, static_cast<size_t>(*options.entities.stride));
  }
  const auto most = static_cast<size_t>(options.limits.longest.value_or(static_cast<int>(longest)));
  return std::min(text + pair, std::min(most, longest));
}

}  // namespace

Result<TaskRequest> read_request(Task task, const Json& body) {
  TaskRequest request;
  Fields fields(body, "");
  const Json* inputs = fields.any("inputs");
  if (inputs != nullptr) {
    const Json* parameters = fields.any("parameters");
    (void)fields.any("options");  // of the hub's service: use_cache, wait_for_model
    RETURN_IF_ERROR(fields.finish());
    if (parameters != nullptr) {
      Fields options(*parameters, "parameters.");
      read_options(task, options, request);
      RETURN_IF_ERROR(options.finish());
    }
    RETURN_IF_ERROR(read_inputs(task, *inputs, request));
    return request;
  }
  TextInput input;
  if (task == Task::kQuestionAnswering) {
    const auto question = fields.text("question"), context = fields.text("context");
    if (!question) fields.fault("question", "is missing");
    if (!context) fields.fault("context", "is missing");
    input = {question.value_or(""), context.value_or("")};
  } else {
    const auto text = fields.text("text");
    if (!text) fields.fault("text", "is missing (or give \"inputs\")");
    input.text = text.value_or("");
    if (task == Task::kTextClassification) input.pair = fields.text("text_pair");
    request.form = Form::kText;
  }
  read_options(task, fields, request);
  RETURN_IF_ERROR(fields.finish());
  RETURN_IF_ERROR(check_fields(task, input, ""));
  request.inputs.push_back(std::move(input));
  return request;
}

size_t estimated_tokens(size_t bytes, size_t longest) {
  return std::min(bytes / kBytesPerToken, longest) + least_tokens(bytes);
}

size_t estimated_tokens(Task task, const TaskRequest& request, size_t longest) {
  size_t tokens = 0;
  for (const TextInput& input : request.inputs) {
    const size_t bytes = input.text.size() + (input.pair ? input.pair->size() : 0);
    tokens += tokens_of(task, input, request, longest) + least_tokens(bytes);
  }
  return tokens;
}

}  // namespace thaw::inference
