#include "encoder/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "base/json.h"

namespace thaw::encoder {
namespace {

constexpr std::array<std::string_view, 4> kFamilies = {"distilbert", "bert", "roberta", "mpnet"};
constexpr std::array<std::string_view, 5> kTasks = {"question-answering", "text-classification",
                                                    "token-classification", "feature-extraction",
                                                    "fill-mask"};
constexpr std::array<std::pair<std::string_view, Task>, 6> kArchitectures = {{
    {"ForQuestionAnswering", Task::kQuestionAnswering},
    {"ForSequenceClassification", Task::kTextClassification},
    {"ForTokenClassification", Task::kTokenClassification},
    {"ForMaskedLM", Task::kFillMask},
    {"ForPreTraining", Task::kFillMask},
    {"Model", Task::kEmbedding},
}};

constexpr int kMostLayers = 256;
constexpr int kMostHidden = 16'384;
constexpr int kMostRows = 16'000'000;
constexpr int kMostLabels = 1'000'000;

Error wrong(std::string_view key, std::string_view what) {
  return Error(Code::kInvalidArgument, fmt::format("{}: {}", key, what));
}

/// Reads numbers until the first fault, which it keeps.
class Reader {
 public:
  explicit Reader(const Json& json) : json_(json) {}

  int number(std::string_view key, int least, int most, const int* otherwise = nullptr) {
    const Json* value = json_.find(key);
    if (!value && otherwise) return *otherwise;
    if (!value) return fail(wrong(key, "is missing"));
    if (!value->is_int() || value->as_int() < least || value->as_int() > most) {
      return fail(wrong(key, fmt::format("must be a whole number from {} to {}", least, most)));
    }
    return static_cast<int>(value->as_int());
  }
  int fail(Error error) {
    if (status) status = std::move(error);
    return 0;
  }

  Status status;

 private:
  const Json& json_;
};

Result<Family> read_family(const Json& json) {
  const std::string type = json.string_or("model_type");
  if (type.empty()) return wrong("model_type", "is missing");
  const auto found = std::ranges::find(kFamilies, type);
  if (found != kFamilies.end()) return static_cast<Family>(found - kFamilies.begin());
  return Error(Code::kUnimplemented, fmt::format("model_type: '{}' is not served; {} are",
                                                 type.substr(0, 40), fmt::join(kFamilies, ", ")));
}

void read_task(const Json& json, EncoderConfig& config) {
  const Json& names = json["architectures"];
  if (!names.is_array()) return;
  for (const Json& name : names.as_array()) {
    if (!name.is_string()) continue;
    for (const auto& [ending, task] : kArchitectures) {
      if (!name.as_string().ends_with(ending)) continue;
      config.task = task;
      config.unserved.clear();
      return;
    }
    config.unserved = name.as_string();
  }
}

Status read_labels(const Json& json, std::vector<std::string>& labels) {
  const Json& names = json["id2label"];
  constexpr int64_t kUsual = 2;
  const int64_t count = names.is_object() ? static_cast<int64_t>(names.as_object().size())
                                          : json.int_or("num_labels", kUsual);
  if (count < 1 || count > kMostLabels) return wrong("id2label", "must name at least one label");
  std::unordered_map<std::string_view, const Json*> by_id;
  if (names.is_object()) {
    for (const auto& [id, name] : names.as_object()) by_id.emplace(id, &name);
  }
  for (int64_t i = 0; i < count; ++i) {
    const auto found = by_id.find(std::to_string(i));
    const Json* name = found == by_id.end() ? nullptr : found->second;
    if (names.is_object() && (!name || !name->is_string())) {
      return wrong("id2label", fmt::format("{} has no label", i));
    }
    labels.push_back(name ? name->as_string() : fmt::format("LABEL_{}", i));
  }
  return {};
}

/// By the names that transformers has for them.
Result<tensor::Activation> read_activation(const Json& json, std::string_view key) {
  using tensor::Activation;
  constexpr std::pair<std::string_view, Activation> kNames[] = {
      {"gelu", Activation::kGelu},
      {"gelu_python", Activation::kGelu},
      {"gelu_new", Activation::kGeluTanh},
      {"gelu_fast", Activation::kGeluTanh},
      {"gelu_accurate", Activation::kGeluTanh},
      {"gelu_pytorch_tanh", Activation::kGeluTanh},
      {"relu", Activation::kRelu},
      {"silu", Activation::kSilu},
      {"swish", Activation::kSilu},
      {"tanh", Activation::kTanh},
      {"sigmoid", Activation::kSigmoid}};
  const std::string name = json.string_or(key, "gelu");
  std::string known;
  for (const auto& [each, activation] : kNames) {
    if (each == name) return activation;
    known += (known.empty() ? "" : ", ") + std::string(each);
  }
  return Error(Code::kUnimplemented,
               fmt::format("{}: '{}' is not served; there are {}", key, name.substr(0, 40), known));
}

Status read_problem(const Json& json, EncoderConfig::Problem& problem) {
  constexpr std::array<std::string_view, 3> kNames = {"regression", "single_label_classification",
                                                      "multi_label_classification"};
  using Problem = EncoderConfig::Problem;
  constexpr std::array<Problem, 3> kProblems = {Problem::kRegression, Problem::kSingleLabel,
                                                Problem::kMultiLabel};
  const Json& value = json["problem_type"];
  if (value.is_null()) return {};
  const std::string name = json.string_or("problem_type");
  const auto* found = std::ranges::find(kNames, name);
  if (found == kNames.end()) {
    return wrong("problem_type",
                 fmt::format("{:.60} is none of {}", value.dump(), fmt::join(kNames, ", ")));
  }
  problem = kProblems[static_cast<size_t>(found - kNames.begin())];
  return {};
}

Status read_sizes(const Json& json, EncoderConfig& config) {
  Reader reader(json);
  const bool is_distilbert = config.family == Family::kDistilBert;
  config.hidden = reader.number(is_distilbert ? "dim" : "hidden_size", 1, kMostHidden);
  config.layers = reader.number(is_distilbert ? "n_layers" : "num_hidden_layers", 1, kMostLayers);
  config.heads = reader.number(is_distilbert ? "n_heads" : "num_attention_heads", 1, kMostHidden);
  config.intermediate =
      reader.number(is_distilbert ? "hidden_dim" : "intermediate_size", 1, 8 * kMostHidden);
  config.vocabulary = reader.number("vocab_size", 1, kMostRows);
  config.positions = reader.number("max_position_embeddings", 1, kMostRows);
  constexpr int kUsualPadding = 1;
  if (config.family == Family::kRoberta) {
    config.padding = reader.number("pad_token_id", 0, 100, &kUsualPadding);
  } else if (config.family == Family::kMpnet) {
    config.padding = kUsualPadding;  // whatever config.json says
  }
  config.first_position = config.padding + 1;
  if (config.family == Family::kMpnet) {
    constexpr int kUsualBuckets = 32;
    config.relative_buckets =
        reader.number("relative_attention_num_buckets", 4, 4096, &kUsualBuckets);
  } else if (!is_distilbert) {
    constexpr int kUsualTypes = 2;
    config.types = reader.number("type_vocab_size", 1, 100, &kUsualTypes);
  }
  RETURN_IF_ERROR(reader.status);
  if (config.hidden % config.heads != 0) {
    return wrong(is_distilbert ? "n_heads" : "num_attention_heads",
                 fmt::format("{} must divide the hidden size {}", config.heads, config.hidden));
  }
  if (config.longest() < 3) return wrong("max_position_embeddings", "leaves no room for a text");
  return {};
}

}  // namespace

std::string_view family_name(Family family) { return kFamilies[static_cast<size_t>(family)]; }
std::string_view task_name(Task task) { return kTasks[static_cast<size_t>(task)]; }

Result<Task> parse_task(std::string_view name) {
  const auto found = std::ranges::find(kTasks, name);
  if (found != kTasks.end()) return static_cast<Task>(found - kTasks.begin());
  return Error(Code::kInvalidArgument,
               fmt::format("unknown task '{}'; there are {}", name, fmt::join(kTasks, ", ")));
}

Result<EncoderConfig> parse_config(const Json& json) {
  EncoderConfig config;
  ASSIGN_OR_RETURN(config.family, read_family(json));
  RETURN_IF_ERROR(read_sizes(json, config));
  const bool is_distilbert = config.family == Family::kDistilBert;
  const std::string_view activation_key = is_distilbert ? "activation" : "hidden_act";
  ASSIGN_OR_RETURN(config.activation, read_activation(json, activation_key));
  const std::string positions = json.string_or("position_embedding_type", "absolute");
  if (positions != "absolute") {
    return Error(Code::kUnimplemented,
                 fmt::format("position_embedding_type: '{}' is not served; absolute is",
                             positions.substr(0, 40)));
  }
  constexpr double kUsualEpsilon = 1e-12;  // and DistilBERT's, whatever config.json says
  const double epsilon =
      is_distilbert ? kUsualEpsilon : json.double_or("layer_norm_eps", kUsualEpsilon);
  if (!(epsilon >= 0) || epsilon > 1) return wrong("layer_norm_eps", "must be from 0 to 1");
  config.epsilon = static_cast<float>(epsilon);
  read_task(json, config);
  RETURN_IF_ERROR(read_labels(json, config.labels));
  RETURN_IF_ERROR(read_problem(json, config.problem));
  return config;
}

std::string served_architectures() {
  std::string list;
  for (const auto& [ending, task] : kArchitectures) {
    const bool is_last = ending == kArchitectures.back().first;
    list += fmt::format("{}...{}", list.empty() ? "" : is_last ? " and " : ", ", ending);
  }
  return list;
}

}  // namespace thaw::encoder
