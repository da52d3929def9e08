// Masked-token fill: what most likely stands at each mask of a text.
//
// As Hugging Face's pipeline: scores are of the whole vocabulary, also where only targets are
// wanted. Thread: as Model. Owner: values. Limits: kMostMasks masks a text, FillBudget;
// kInvalidArgument over them, for a text without one, and where no target has a token.
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
  /// The text with this mask filled in; of a text with one mask without the special tokens.
  std::string sequence;
};

/// The tokens that may stand at a mask, each once: those of `targets`, of a text that is no token
/// the first token of it; without targets all. kInvalidArgument: none of them has a token.
Result<std::vector<int32_t>> fill_candidates(const Model& model,
                                             const std::vector<std::string>& targets);

struct FillOptions {
  int top_k = 5;
  Model::TooLong too_long = Model::TooLong::kRefuse;
};

/// What the fillings of all texts of a request may take: each the tokens of its sequence and
/// kTokensPerFilling. kInvalidArgument where there is not enough left.
struct FillBudget {
  size_t left = size_t{4} << 20;
};
inline constexpr size_t kTokensPerFilling = 48;

/// The best `top_k` of `candidates` at each mask, the best first.
Result<std::vector<std::vector<Filling>>> fill_masks(const Model& model, std::string_view text,
                                                     const std::vector<int32_t>& candidates,
                                                     const FillOptions& options,
                                                     FillBudget& budget);

}  // namespace thaw::encoder
