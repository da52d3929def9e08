// Head: what turns the encoder's vectors into answers, and where its weights are found.
// Thread: any, once loaded. Owner: points into the arena. Limits: none of its own.
#pragma once

#include <optional>

#include "encoder/config.h"
#include "encoder/linear.h"
#include "tensor/kernels.h"

namespace thaw::encoder {

class Encoder;

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

  Status plan(const EncoderConfig& config, const tensor::Weights& weights, const Encoder& encoder,
              Arena& arena);
};

}  // namespace thaw::encoder
