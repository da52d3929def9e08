#include "encoder/embedding.h"

#include <algorithm>
#include <cmath>

#include "tokenize/unicode.h"

namespace thaw::encoder {
namespace {

using Mode = Pooling::Mode;

/// How much the token counts in a sum of the mode.
double weight_of(Mode mode, size_t token) {
  return mode == Mode::kWeightedMean ? static_cast<double>(token + 1) : 1;
}

double divisor_of(Mode mode, size_t tokens) {
  const auto count = static_cast<double>(tokens);
  if (mode == Mode::kMean) return count;
  if (mode == Mode::kMeanSqrt) return std::sqrt(count);
  return count * (count + 1) / 2;  // 1 + 2 + ... of the weighted mean
}

void append_pooled(const Hidden& hidden, size_t sequence, Mode mode, std::vector<float>& out) {
  const size_t tokens = hidden.first[sequence + 1] - hidden.first[sequence];
  const std::span<const float> one = hidden.row(sequence, mode == Mode::kLast ? tokens - 1 : 0);
  if (mode == Mode::kCls || mode == Mode::kLast) {
    out.insert(out.end(), one.begin(), one.end());
    return;
  }
  std::vector<double> sum(one.begin(), one.end());
  for (size_t token = 1; token < tokens; ++token) {
    const std::span<const float> row = hidden.row(sequence, token);
    for (size_t i = 0; i < sum.size(); ++i) {
      sum[i] = mode == Mode::kMax ? std::max<double>(sum[i], row[i])
                                  : sum[i] + weight_of(mode, token) * row[i];
    }
  }
  const double divisor = mode == Mode::kMax ? 1 : divisor_of(mode, tokens);
  for (const double each : sum) out.push_back(static_cast<float>(each / divisor));
}

std::string lower_case(std::string_view text) {
  std::u32string out;
  for (const char32_t code : tokenize::decode_utf8(text)) tokenize::append_lower(out, code);
  return tokenize::encode_utf8(out);
}

}  // namespace

Result<tokenize::Encoding> encode_sentence(const Model& model, std::string_view text,
                                           Model::TooLong too_long) {
  return model.pooling().lower_case ? model.encode(lower_case(text), too_long)
                                    : model.encode(text, too_long);
}

std::vector<std::vector<float>> embed(const Model& model,
                                      std::span<const tokenize::Encoding> encodings, Scale scale) {
  const auto& stages = model.stages();
  size_t count = stages.size();
  while (scale == Scale::kNot && count > 0 && stages[count - 1]->scales_to_one()) --count;
  std::vector<std::vector<float>> vectors(encodings.size());
  model.run(encodings, [&](size_t index, const Hidden& hidden, size_t row) {
    std::vector<float>& vector = vectors[index];
    for (const Mode mode : model.pooling().modes) append_pooled(hidden, row, mode, vector);
    for (size_t i = 0; i < count; ++i) stages[i]->apply(model.encoder(), vector);
    if (scale == Scale::kToOne) scale_to_one(vector);
  });
  return vectors;
}

Result<std::vector<std::vector<float>>> embed(const Model& model,
                                              std::span<const std::string> texts,
                                              Model::TooLong too_long) {
  std::vector<tokenize::Encoding> encodings;
  for (const std::string& text : texts) {
    ASSIGN_OR_RETURN(auto encoding, encode_sentence(model, text, too_long));
    encodings.push_back(std::move(encoding));
  }
  return embed(model, encodings, Scale::kByFolder);
}

}  // namespace thaw::encoder
