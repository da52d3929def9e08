#include "encoder/classification.h"

#include <algorithm>
#include <cmath>

namespace thaw::encoder {
namespace {

ScoreFunction function_of(const EncoderConfig& config) {
  using Problem = EncoderConfig::Problem;
  if (config.problem == Problem::kRegression) return ScoreFunction::kNone;
  if (config.problem == Problem::kMultiLabel || config.labels.size() == 1) {
    return ScoreFunction::kSigmoid;
  }
  return ScoreFunction::kSoftmax;
}

}  // namespace

Result<std::vector<std::vector<float>>> classify_logits(const Model& model,
                                                        std::span<const TextInput> inputs,
                                                        Model::TooLong too_long,
                                                        const TextLimits& limits) {
  std::vector<tokenize::Encoding> encodings;
  for (const TextInput& input : inputs) {
    ASSIGN_OR_RETURN(auto encoding,
                     input.pair ? model.encode_pair(input.text, *input.pair, too_long, limits)
                                : model.encode(input.text, too_long, limits));
    encodings.push_back(std::move(encoding));
  }
  const Head& head = model.head();
  std::vector<std::vector<float>> logits(inputs.size());
  model.run(encodings, [&](size_t index, const Hidden& hidden, size_t row) {
    std::vector<float> inner(hidden.columns);
    model.encoder().apply(*head.inner, hidden.row(row, 0), inner, head.inner_activation);
    logits[index].resize(static_cast<size_t>(head.out.columns));
    model.encoder().apply(head.out, inner, logits[index]);
  });
  return logits;
}

std::vector<LabelScore> score_labels(const EncoderConfig& config, std::span<const float> logits,
                                     ScoreFunction function) {
  if (function == ScoreFunction::kByModel) function = function_of(config);
  double largest = -INFINITY, sum = 0;
  for (const float logit : logits) largest = std::max<double>(largest, logit);
  for (const float logit : logits) sum += std::exp(logit - largest);
  std::vector<LabelScore> scores;
  for (size_t i = 0; i < logits.size(); ++i) {
    double score = logits[i];
    if (function == ScoreFunction::kSoftmax) score = std::exp(score - largest) / sum;
    if (function == ScoreFunction::kSigmoid) score = 1 / (1 + std::exp(-score));
    scores.push_back({config.labels[i], score});
  }
  std::ranges::stable_sort(scores, std::greater<>(), &LabelScore::score);
  return scores;
}

}  // namespace thaw::encoder
