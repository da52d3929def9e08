// Linear: a layer's matrix, packed for the kernels, and its bias; LayerNorm: its two vectors.
//
// Arena: the memory that all of a model's packed matrices lie in: a file of panels where one can be
// kept, else a block of its own. Plan what is needed first, then fill it.
// Thread: any, once filled. Owner: Linear and LayerNorm point into the arena; its destructor waits
// until a file that was being kept is on the disk. Limits: memory.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "tensor/panel_file.h"
#include "tensor/thread_pool.h"
#include "tensor/weights.h"

namespace thaw::encoder {

/// What products of the layers are computed in. kInt8: weights are rounded to 8 bits a column once,
/// activations a row each time; attention, norms and heads stay float32.
enum class Precision { kFloat32, kInt8 };

struct Linear {
  const float* matrix = nullptr;  // packed; or null, and
  const int8_t* int8 = nullptr;   // the same in 8 bits,
  const float* scales = nullptr;  // a column's step
  const int32_t* sums = nullptr;  // and its sum
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
  Status plan(Linear& linear, const std::vector<std::string>& names, int columns_each, int depth,
              Precision precision = Precision::kFloat32);
  Status plan_without_bias(Linear& linear, const std::string& name, int columns, int depth);
  Status plan(LayerNorm& norm, const std::string& name, int columns);
  /// A vector without a layer, e.g. a bias of its own.
  Status plan(const float*& vector, const std::string& name, int size);

  /// What became of fill(): panels from a file, packed, or packed into a file.
  struct Filled {
    enum class From { kCache, kPacked } from = From::kPacked;
    std::string path;  // of the file, or ""
    std::string note;  // why panels of a file were not used, or none can be kept; or ""
  };
  /// Panels come from the first of these files that is right for these weights and kernels; else
  /// they are packed in parallel, into the first that can be written.
  Filled fill(tensor::ThreadPool& pool, std::string_view layout = "",
              std::span<const std::string> files = {});

  size_t size_bytes() const;

 private:
  struct Piece {
    size_t size;  // in bytes
    std::function<void(std::byte* to)> fill;
    std::function<void(const std::byte* at)> place;  // tells where it lies; or none
  };
  void add_matrices(Linear& linear, std::vector<const tensor::TensorView*> parts,
                    Precision precision);
  void add_int8(Linear& linear, std::vector<const tensor::TensorView*> parts);
  void add_vector(const float*& pointer, std::vector<const tensor::TensorView*> parts);
  bool open_one(const tensor::PanelKey& key, tensor::ThreadPool& pool,
                std::span<const std::string> files, Filled& filled);
  bool pack_into_one(const tensor::PanelKey& key, tensor::ThreadPool& pool,
                     std::span<const std::string> files, Filled& filled);
  void pack(tensor::ThreadPool& pool);
  tensor::PanelKey key_of(std::string_view layout) const;

  struct Unmap {
    size_t bytes;
    void operator()(std::byte* memory) const;
  };
  const tensor::Weights& weights_;
  std::vector<Piece> pieces_;
  std::optional<tensor::PanelFile> file_;
  std::optional<tensor::PanelWriter> written_;
  std::unique_ptr<std::byte, Unmap> memory_{nullptr, Unmap{0}};
  std::jthread keeping_;
};

}  // namespace thaw::encoder
