#include "encoder/head.h"

#include <string>

#include "encoder/encoder.h"

namespace thaw::encoder {
namespace {

using tensor::Activation;

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
  const bool follows_config =
      config.family == Family::kBert || config.family == Family::kDistilBert;
  head.inner_activation = follows_config ? config.activation : Activation::kGelu;
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

}  // namespace

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

}  // namespace thaw::encoder
