// Pooling: how a sentence's vector is made of its tokens', as a folder of sentence-transformers
// says in modules.json and in the files that it names.
//
// Thread: any. Owner: values. Limits: kMostStages stages; vectors of 65,536 numbers.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "tensor/kernels.h"

namespace thaw::encoder {

struct Pooling {
  /// In the order in which the vectors of several stand side by side.
  enum class Mode { kCls, kMax, kMean, kMeanSqrt, kWeightedMean, kLast };
  std::vector<Mode> modes = {Mode::kMean};

  /// What becomes of the pooled vector, one after another.
  struct Stage {
    enum class Kind { kDense, kLayerNorm, kNormalize } kind = Kind::kNormalize;
    std::string folder;  // of its weights
    int columns_in = 0, columns = 0;
    bool has_bias = true;
    tensor::Activation activation = tensor::Activation::kNone;
  };
  std::vector<Stage> stages;

  std::optional<int> longest;  // tokens of a text, special ones included
  bool lower_case = false;     // texts are lower-cased first
};

inline constexpr size_t kMostStages = 16;

/// nullopt: the folder has no modules.json. Errors name file and key.
Result<std::optional<Pooling>> read_pooling(const std::string& folder, int hidden);

}  // namespace thaw::encoder
