// Head: what turns the encoder's vectors into answers, and where its weights are found.
// Thread: any, once loaded. Owner: points into the arena. Limits: none of its own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "encoder/config.h"
#include "encoder/linear.h"
#include "tensor/kernels.h"

namespace thaw::encoder {

class Encoder;

/// How a sentence's vector is made of its tokens'.
struct Pooling {
  enum class Mode { kMean, kCls, kMax, kMeanSqrt };
  Mode mode = Mode::kMean;
  bool normalize = false;
  std::string dense_folder;  // "": none
  int dense_columns = 0;
  tensor::Activation dense_activation = tensor::Activation::kTanh;
};

/// What modules.json, the pooling's and the dense layer's config.json say; nullopt: the folder has
/// no modules.json. Errors name file and key.
Result<std::optional<Pooling>> read_pooling(const std::string& folder, int hidden);

struct Head {
  // Classification: a hidden layer on the first token (none for token classification), then one
  // row a label. Question answering: two rows, start and end. Masked tokens: a layer with its norm.
  std::optional<Linear> inner;
  tensor::Activation inner_activation = tensor::Activation::kNone;
  LayerNorm norm;
  Linear out;
  // Masked tokens: a row a token of the vocabulary, usually the embeddings.
  const tensor::TensorView* vocabulary = nullptr;
  const float* vocabulary_bias = nullptr;
  Pooling pooling;
  std::optional<Linear> dense;

  Status plan(const EncoderConfig& config, const tensor::Weights& weights, const Encoder& encoder,
              Arena& arena);
  Status plan_dense(const EncoderConfig& config, Arena& arena);
};

}  // namespace thaw::encoder
