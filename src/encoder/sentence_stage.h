// SentenceStage: a step from the pooled vector to a sentence's, with its weights: a dense layer, a
// layer norm, or the scaling to length 1.
//
// Thread: as Encoder. Owner: itself; it does not move once loaded. Limits: as pooling.h.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "encoder/encoder.h"
#include "encoder/pooling.h"

namespace thaw::encoder {

/// To length 1; a vector of zeros stays.
void scale_to_one(std::vector<float>& vector);

class SentenceStage {
 public:
  /// Errors name the file and the tensor.
  static Result<std::unique_ptr<SentenceStage>> load(const Pooling::Stage& stage,
                                                     tensor::ThreadPool& pool);
  bool scales_to_one() const { return stage_.kind == Pooling::Stage::Kind::kNormalize; }
  void apply(const Encoder& encoder, std::vector<float>& vector) const;

 private:
  explicit SentenceStage(const Pooling::Stage& stage) : stage_(stage) {}

  Pooling::Stage stage_;
  std::optional<tensor::Weights> weights_;
  std::optional<Arena> arena_;
  Linear dense_;
  LayerNorm norm_;
};

}  // namespace thaw::encoder
