#include "encoder/embedding.h"

#include <algorithm>
#include <cmath>

namespace thaw::encoder {
namespace {

std::vector<float> pooled(const Hidden& hidden, size_t sequence, Pooling::Mode mode) {
  const size_t tokens = hidden.first[sequence + 1] - hidden.first[sequence];
  const std::span<const float> first = hidden.row(sequence, 0);
  if (mode == Pooling::Mode::kCls) return {first.begin(), first.end()};
  std::vector<double> sum(first.begin(), first.end());
  for (size_t token = 1; token < tokens; ++token) {
    const std::span<const float> row = hidden.row(sequence, token);
    for (size_t i = 0; i < sum.size(); ++i) {
      sum[i] = mode == Pooling::Mode::kMax ? std::max<double>(sum[i], row[i]) : sum[i] + row[i];
    }
  }
  const auto count = static_cast<double>(tokens);
  const double divisor = mode == Pooling::Mode::kMean       ? count
                         : mode == Pooling::Mode::kMeanSqrt ? std::sqrt(count)
                                                            : 1;
  std::vector<float> out;
  for (const double each : sum) out.push_back(static_cast<float>(each / divisor));
  return out;
}

void normalize(std::vector<float>& vector) {
  constexpr double kLeast = 1e-12;
  double squares = 0;
  for (const float each : vector) squares += double{each} * each;
  const auto length = static_cast<float>(std::max(std::sqrt(squares), kLeast));
  for (float& each : vector) each /= length;
}

}  // namespace

Result<std::vector<std::vector<float>>> embed(const Model& model,
                                              std::span<const std::string> texts,
                                              Model::TooLong too_long) {
  std::vector<tokenize::Encoding> encodings;
  for (const std::string& text : texts) {
    ASSIGN_OR_RETURN(auto encoding, model.encode(text, too_long));
    encodings.push_back(std::move(encoding));
  }
  const Head& head = model.head();
  std::vector<std::vector<float>> vectors(texts.size());
  model.run(encodings, [&](size_t index, const Hidden& hidden, size_t row) {
    std::vector<float> vector = pooled(hidden, row, head.pooling.mode);
    if (head.dense) {
      std::vector<float> out(static_cast<size_t>(head.dense->columns));
      model.encoder().apply(*head.dense, vector, out, head.pooling.dense_activation);
      vector = std::move(out);
    }
    if (head.pooling.normalize) normalize(vector);
    vectors[index] = std::move(vector);
  });
  return vectors;
}

}  // namespace thaw::encoder
