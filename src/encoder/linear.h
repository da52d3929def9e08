// Linear: a layer's matrix, packed for the kernels, and its bias; LayerNorm: its two vectors.
//
// Arena: the memory that all of a model's packed matrices lie in, one block, so that it can be a
// file. Plan what is needed first, then allocate and fill it, then look the pieces up.
// Thread: any, once filled. Owner: Linear and LayerNorm point into the arena. Limits: memory.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "tensor/thread_pool.h"
#include "tensor/weights.h"

namespace thaw::encoder {

struct Linear {
  const float* matrix = nullptr;  // packed
  const float* bias = nullptr;    // or none
  int columns = 0;                // what comes out
  int depth = 0;                  // what goes in
};

struct LayerNorm {
  const float* weight = nullptr;
  const float* bias = nullptr;
};

class Arena {
 public:
  explicit Arena(const tensor::Weights& weights) : weights_(weights) {}

  /// A layer by its name without ".weight" and ".bias"; with several names their columns stand side
  /// by side. The Linear is filled in by fill() and must stay where it is until then.
  Status plan(Linear& linear, const std::vector<std::string>& names, int columns_each, int depth);
  Status plan(LayerNorm& norm, const std::string& name, int columns);
  /// A vector without a layer, e.g. a bias of its own.
  Status plan(const float*& vector, const std::string& name, int size);

  /// Allocates, packs in parallel and sets the pointers.
  void fill(tensor::ThreadPool& pool);

  size_t size_bytes() const { return floats_ * sizeof(float); }

 private:
  struct Piece {
    size_t at;          // in floats
    const float** set;  // what points there, or none
    std::function<void(float* to)> fill;
  };
  size_t reserve(size_t floats);
  void add_vector(const float*& pointer, std::vector<const tensor::TensorView*> parts);

  struct Unmap {
    size_t bytes;
    void operator()(float* memory) const;
  };
  const tensor::Weights& weights_;
  std::vector<Piece> pieces_;
  size_t floats_ = 0;
  std::unique_ptr<float, Unmap> memory_{nullptr, Unmap{0}};
};

}  // namespace thaw::encoder
