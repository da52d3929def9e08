// Sequence classification: labels of a text or of a pair of texts, and re-ranking by a pair's
// score.
//
// Scores as Hugging Face's pipeline gives them: softmax over the labels; a sigmoid each with
// several labels at once or with one label; the logits themselves for regression.
// Thread: as Model. Owner: values. Limits: texts longer than the model are refused or cut, as
// asked.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "encoder/model.h"

namespace thaw::encoder {

struct TextInput {
  std::string text;
  std::optional<std::string> pair;
};

struct LabelScore {
  std::string label;
  double score = 0;
};

enum class ScoreFunction { kByModel, kSoftmax, kSigmoid, kNone };

/// The logits of each input, a vector with one number a label.
Result<std::vector<std::vector<float>>> classify_logits(const Model& model,
                                                        std::span<const TextInput> inputs,
                                                        Model::TooLong too_long,
                                                        const TextLimits& limits = {});
/// All labels, the best first; equal ones in the model's order. Pure.
std::vector<LabelScore> score_labels(const EncoderConfig& config, std::span<const float> logits,
                                     ScoreFunction function);

}  // namespace thaw::encoder
