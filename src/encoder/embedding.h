// Sentence embeddings: one vector a text, pooled from its tokens' as the model's folder says.
// Thread: as Model. Owner: values. Limits: as classification.h.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "encoder/model.h"

namespace thaw::encoder {

/// A text as the model reads it.
Result<tokenize::Encoding> encode_sentence(const Model& model, std::string_view text,
                                           Model::TooLong too_long);

/// Vectors as the folder's modules say; scaled to length 1 all the same; or not scaled at their
/// end.
enum class Scale { kByFolder, kToOne, kNot };
std::vector<std::vector<float>> embed(const Model& model,
                                      std::span<const tokenize::Encoding> encodings, Scale scale);

Result<std::vector<std::vector<float>>> embed(const Model& model,
                                              std::span<const std::string> texts,
                                              Model::TooLong too_long);

}  // namespace thaw::encoder
