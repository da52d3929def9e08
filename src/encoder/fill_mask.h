// Masked-token fill: what most likely stands at each mask of a text.
// Thread: as Model. Owner: values. Limits: kMostMasks masks a text; kInvalidArgument over it and
// for a text without one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "encoder/model.h"

namespace thaw::encoder {

inline constexpr size_t kMostMasks = 64;

struct Filling {
  double score = 0;
  int token = 0;
  std::string token_text;
  std::string sequence;  // the text with the mask filled in, special tokens left out
};

/// The best `top_k` of each mask, the best first.
Result<std::vector<std::vector<Filling>>> fill_masks(const Model& model, std::string_view text,
                                                     int top_k, Model::TooLong too_long);

}  // namespace thaw::encoder
