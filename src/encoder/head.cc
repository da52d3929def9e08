#include "encoder/head.h"

#include <fmt/format.h>

#include "base/json.h"
#include "encoder/encoder.h"
#include "tokenize/files.h"

namespace thaw::encoder {
namespace {

using tensor::Activation;

Result<Json> read_json(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, tokenize::read_text_file(path));
  auto json = Json::parse(text);
  if (!json) return std::move(json).error().with_context(path);
  return json;
}

Status plan_classifier(Head& head, const EncoderConfig& config, const std::string& prefix,
                       Arena& arena) {
  const auto labels = static_cast<int>(config.labels.size());
  head.inner.emplace();
  std::string inner = "classifier.dense", out = "classifier.out_proj";
  head.inner_activation = Activation::kTanh;
  if (config.family == Family::kBert) {
    inner = prefix + "pooler.dense";
    out = "classifier";
  } else if (config.family == Family::kDistilBert) {
    inner = "pre_classifier";
    out = "classifier";
    head.inner_activation = Activation::kRelu;
  }
  RETURN_IF_ERROR(arena.plan(*head.inner, {inner}, config.hidden, config.hidden));
  return arena.plan(head.out, {out}, labels, config.hidden);
}

struct MaskNames {
  const char *inner, *norm, *bias, *other_bias, *matrix;
};
constexpr MaskNames kBertMask = {"cls.predictions.transform.dense",
                                 "cls.predictions.transform.LayerNorm", "cls.predictions.bias",
                                 "cls.predictions.decoder.bias", "cls.predictions.decoder.weight"};
constexpr MaskNames kDistilBertMask = {"vocab_transform", "vocab_layer_norm",
                                       "vocab_projector.bias", "vocab_projector.bias",
                                       "vocab_projector.weight"};
constexpr MaskNames kRobertaMask = {"lm_head.dense", "lm_head.layer_norm", "lm_head.bias",
                                    "lm_head.decoder.bias", "lm_head.decoder.weight"};

Status plan_mask(Head& head, const EncoderConfig& config, const tensor::Weights& weights,
                 const Encoder& encoder, Arena& arena) {
  const MaskNames& names = config.family == Family::kBert         ? kBertMask
                           : config.family == Family::kDistilBert ? kDistilBertMask
                                                                  : kRobertaMask;
  head.inner.emplace();
  head.inner_activation = config.activation;
  RETURN_IF_ERROR(arena.plan(*head.inner, {names.inner}, config.hidden, config.hidden));
  RETURN_IF_ERROR(arena.plan(head.norm, names.norm, config.hidden));
  const bool has_bias = weights.find(names.bias) != nullptr;
  RETURN_IF_ERROR(arena.plan(head.vocabulary_bias, has_bias ? names.bias : names.other_bias,
                             config.vocabulary));
  head.vocabulary = &encoder.word_embeddings();
  if (weights.find(names.matrix)) {
    ASSIGN_OR_RETURN(head.vocabulary,
                     weights.get(names.matrix, {config.vocabulary, config.hidden}));
  }
  return {};
}

Result<Activation> read_activation(const std::string& name) {
  if (name.ends_with(".Tanh")) return Activation::kTanh;
  if (name.ends_with(".Identity")) return Activation::kNone;
  if (name.ends_with(".ReLU")) return Activation::kRelu;
  if (name.ends_with(".GELU")) return Activation::kGelu;
  return Error(Code::kUnimplemented,
               fmt::format("activation_function: '{}' is not served", name.substr(0, 80)));
}

Status read_pooling_config(const Json& json, int hidden, Pooling& pooling) {
  struct Row {
    const char* key;
    Pooling::Mode mode;
  };
  constexpr Row kModes[] = {{"pooling_mode_mean_tokens", Pooling::Mode::kMean},
                            {"pooling_mode_cls_token", Pooling::Mode::kCls},
                            {"pooling_mode_max_tokens", Pooling::Mode::kMax},
                            {"pooling_mode_mean_sqrt_len_tokens", Pooling::Mode::kMeanSqrt}};
  int chosen = 0;
  for (const Row& row : kModes) {
    if (!json.bool_or(row.key, false)) continue;
    pooling.mode = row.mode;
    ++chosen;
  }
  if (chosen != 1) {
    return Error(Code::kUnimplemented, fmt::format("pooling_mode_...: {} of mean, cls, max and "
                                                   "mean_sqrt_len are chosen; one is served",
                                                   chosen));
  }
  if (json.int_or("word_embedding_dimension", hidden) != hidden) {
    return Error(Code::kInvalidArgument,
                 fmt::format("word_embedding_dimension: must be the hidden size {}", hidden));
  }
  return {};
}

Status read_dense_config(const Json& json, int hidden, Pooling& pooling) {
  constexpr int64_t kMostColumns = 65'536;
  const int64_t columns = json.int_or("out_features", 0);
  if (json.int_or("in_features", hidden) != hidden || columns < 1 || columns > kMostColumns) {
    return Error(Code::kInvalidArgument,
                 fmt::format("in_features must be {} and out_features at least 1", hidden));
  }
  pooling.dense_columns = static_cast<int>(columns);
  const std::string activation = json.string_or("activation_function", ".Tanh");
  ASSIGN_OR_RETURN(pooling.dense_activation, read_activation(activation));
  return {};
}

/// A module's folder beside modules.json: one name, so that it stays inside the model's folder.
Result<std::string> module_folder(const std::string& folder, const Json& module) {
  const std::string name = module.string_or("path");
  if (name.empty() || name == ".." || name.find('/') != std::string::npos) {
    return Error(Code::kInvalidArgument, "path: must name a folder beside modules.json");
  }
  return folder + "/" + name;
}

Status read_module(const std::string& folder, const Json& module, int hidden, Pooling& pooling) {
  const std::string type = module.string_or("type");
  if (type.ends_with(".Transformer")) return {};
  if (type.ends_with(".Normalize")) {
    pooling.normalize = true;
    return {};
  }
  const bool is_pooling = type.ends_with(".Pooling");
  if (!is_pooling && (!type.ends_with(".Dense") || !pooling.dense_folder.empty())) {
    return Error(Code::kUnimplemented,
                 fmt::format("type '{}' is not served here", type.substr(0, 80)));
  }
  ASSIGN_OR_RETURN(const std::string own, module_folder(folder, module));
  ASSIGN_OR_RETURN(const Json json, read_json(own + "/config.json"));
  auto read = is_pooling ? read_pooling_config(json, hidden, pooling)
                         : read_dense_config(json, hidden, pooling);
  if (!read) return std::move(read).error().with_context(own + "/config.json");
  if (!is_pooling) pooling.dense_folder = own;
  return {};
}

}  // namespace

Result<std::optional<Pooling>> read_pooling(const std::string& folder, int hidden) {
  const std::string path = folder + "/modules.json";
  auto modules = read_json(path);
  if (!modules) {
    if (modules.error().code() == Code::kNotFound) return std::optional<Pooling>();
    return std::move(modules).error();
  }
  if (!modules->is_array()) return Error(Code::kInvalidArgument, path + ": must be a list");
  Pooling pooling;
  for (const Json& module : modules->as_array()) {
    auto read = read_module(folder, module, hidden, pooling);
    if (!read) return std::move(read).error().with_context(path);
  }
  return std::optional(pooling);
}

Status Head::plan(const EncoderConfig& config, const tensor::Weights& weights,
                  const Encoder& encoder, Arena& arena) {
  switch (config.task) {
    case Task::kQuestionAnswering:
      return arena.plan(out, {"qa_outputs"}, 2, config.hidden);
    case Task::kTextClassification:
      return plan_classifier(*this, config, encoder.prefix(), arena);
    case Task::kTokenClassification:
      return arena.plan(out, {"classifier"}, static_cast<int>(config.labels.size()), config.hidden);
    case Task::kFillMask:
      return plan_mask(*this, config, weights, encoder, arena);
    case Task::kEmbedding:
      return {};
  }
  return {};
}

Status Head::plan_dense(const EncoderConfig& config, Arena& arena) {
  dense.emplace();
  return arena.plan(*dense, {"linear"}, pooling.dense_columns, config.hidden);
}

}  // namespace thaw::encoder
