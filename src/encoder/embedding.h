// Sentence embeddings: one vector a text, pooled from its tokens' as the model's folder says.
// Thread: as Model. Owner: values. Limits: as classification.h.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "encoder/model.h"

namespace thaw::encoder {

Result<std::vector<std::vector<float>>> embed(const Model& model,
                                              std::span<const std::string> texts,
                                              Model::TooLong too_long);

}  // namespace thaw::encoder
