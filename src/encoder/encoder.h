// Encoder: token ids in, a vector for each out: the transformer of DistilBERT, BERT, RoBERTa and
// MPNet.
//
// Sequences of one call lie after one another without padding, so a short one costs what it is.
// Thread: one call at a time (it works on the pool's threads). Owner: weights and pool outlive it;
// it does not move once loaded. Limits: the caller keeps sequences within config.longest() and ids
// within the vocabulary (CHECK).
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "encoder/config.h"
#include "encoder/linear.h"
#include "tensor/kernels.h"
#include "tensor/thread_pool.h"
#include "tensor/weights.h"

namespace thaw::encoder {

struct Sequence {
  std::vector<int32_t> ids;
  std::vector<int32_t> types;  // segments; as long as ids
};

/// What comes out: a row of `columns` for each token of all sequences.
struct Hidden {
  std::vector<float> rows;
  size_t columns = 0;
  std::vector<size_t> first;  // row of each sequence's first token, and the number of all rows

  std::span<const float> row(size_t sequence, size_t token) const {
    return {rows.data() + (first[sequence] + token) * columns, columns};
  }
};

class Encoder {
 public:
  Encoder(const EncoderConfig& config, const tensor::Weights& weights, tensor::ThreadPool& pool,
          const tensor::Kernels& kernels);
  ~Encoder();
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  /// Plans all weights; then fill the arena. Errors name the tensor.
  Status plan(Arena& arena, Precision precision = Precision::kFloat32);
  /// "distilbert." and so on, or "": what the names in the file begin with.
  const std::string& prefix() const { return prefix_; }

  /// What it returns is overwritten by the next call. Allocates only where a call has more tokens
  /// or a longer sequence than those before.
  const Hidden& run(std::span<const Sequence> sequences) const;
  /// out[rows x linear.columns] = activation(in * matrix + bias), on all threads.
  void apply(const Linear& linear, std::span<const float> in, std::span<float> out,
             tensor::Activation activation = tensor::Activation::kNone) const;
  const tensor::Kernels& kernels() const { return kernels_; }
  const tensor::TensorView& word_embeddings() const { return *words_; }

 private:
  struct Layer {
    Linear query_key_value, attention_out, up, down;
    LayerNorm after_attention, after_feed_forward;
  };
  Status plan_embeddings(Arena& arena);
  Status plan_layer(Arena& arena, int index, Precision precision);
  Status plan_distances();
  void apply_int8(const Linear& linear, std::span<const float> in, std::span<float> out,
                  tensor::Activation activation) const;
  void embed(std::span<const Sequence> sequences, Hidden& hidden) const;
  void attend(const Hidden& hidden, std::span<const float> query_key_value,
              std::span<float> out) const;
  struct Scratch;
  struct Workspace;
  void attend_head(std::span<const float> query_key_value, std::span<float> out, size_t first,
                   int length, int head, Scratch& scratch) const;
  void add_and_norm(const LayerNorm& norm, std::span<float> rows,
                    std::span<const float> more) const;

  const EncoderConfig& config_;
  const tensor::Weights& weights_;
  tensor::ThreadPool& pool_;
  const tensor::Kernels& kernels_;
  std::string prefix_;
  const tensor::TensorView* words_ = nullptr;
  const tensor::TensorView* positions_ = nullptr;
  const tensor::TensorView* types_ = nullptr;
  LayerNorm after_embedding_;
  std::vector<Layer> layers_;
  std::unique_ptr<Workspace> workspace_;
  std::vector<float> distances_;  // MPNet: per head, a bias for each distance -longest..longest
};

}  // namespace thaw::encoder
