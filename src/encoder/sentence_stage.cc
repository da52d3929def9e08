#include "encoder/sentence_stage.h"

#include <algorithm>
#include <cmath>

namespace thaw::encoder {
namespace {

using Kind = Pooling::Stage::Kind;

}  // namespace

void scale_to_one(std::vector<float>& vector) {
  constexpr double kLeast = 1e-12;
  double squares = 0;
  for (const float each : vector) squares += double{each} * each;
  const auto length = static_cast<float>(std::max(std::sqrt(squares), kLeast));
  for (float& each : vector) each /= length;
}

Result<std::unique_ptr<SentenceStage>> SentenceStage::load(const Pooling::Stage& stage,
                                                           tensor::ThreadPool& pool) {
  std::unique_ptr<SentenceStage> made(new SentenceStage(stage));
  if (stage.kind == Kind::kNormalize) return made;
  ASSIGN_OR_RETURN(tensor::Weights weights, tensor::Weights::open(stage.folder));
  made->weights_ = std::move(weights);
  made->arena_.emplace(*made->weights_);
  if (stage.kind == Kind::kLayerNorm) {
    RETURN_IF_ERROR(made->arena_->plan(made->norm_, "norm", stage.columns));
  } else if (stage.has_bias) {
    RETURN_IF_ERROR(made->arena_->plan(made->dense_, {"linear"}, stage.columns, stage.columns_in));
  } else {
    RETURN_IF_ERROR(
        made->arena_->plan_without_bias(made->dense_, "linear", stage.columns, stage.columns_in));
  }
  made->arena_->fill(pool);
  return made;
}

void SentenceStage::apply(const Encoder& encoder, std::vector<float>& vector) const {
  switch (stage_.kind) {
    case Kind::kDense: {
      std::vector<float> out(static_cast<size_t>(stage_.columns));
      encoder.apply(dense_, vector, out, stage_.activation);
      vector = std::move(out);
      break;
    }
    case Kind::kLayerNorm: {
      constexpr float kEpsilon = 1e-5F;  // torch.nn.LayerNorm's own
      encoder.kernels().layer_norm(vector.data(), nullptr, vector.data(), stage_.columns,
                                   norm_.weight, norm_.bias, kEpsilon);
      break;
    }
    case Kind::kNormalize:
      scale_to_one(vector);
      break;
  }
}

}  // namespace thaw::encoder
