#include "encoder/linear.h"

#include <sys/mman.h>

#include <cstring>

#include "base/check.h"
#include "tensor/kernels.h"

namespace thaw::encoder {
namespace {

constexpr size_t kAlignFloats = 16;  // a cache line

/// The panels of one matrix's columns; from the file's own bytes where they are aligned floats.
void pack(const tensor::TensorView& tensor, int depth, float* to) {
  const int columns = static_cast<int>(tensor.shape[0]);
  const auto stride = static_cast<size_t>(depth);
  const auto address = reinterpret_cast<uintptr_t>(tensor.data.data());
  if (tensor.dtype == tensor::DType::kF32 && address % alignof(float) == 0) {
    tensor::pack_transposed(reinterpret_cast<const float*>(tensor.data.data()), stride, columns,
                            depth, to);
    return;
  }
  std::vector<float> rows(static_cast<size_t>(tensor::kPanel) * stride);
  for (int first = 0; first < columns; first += tensor::kPanel) {
    const int lanes = std::min(tensor::kPanel, columns - first);
    const auto floats = static_cast<size_t>(lanes) * stride;
    read_floats(tensor, int64_t{first} * depth, std::span(rows).first(floats));
    tensor::pack_transposed(rows.data(), stride, lanes, depth, to);
    to += static_cast<size_t>(tensor::kPanel) * stride;
  }
}

/// Several matrices side by side whose columns do not fill panels: through one of floats.
void pack_together(const std::vector<const tensor::TensorView*>& parts, int depth, float* to) {
  std::vector<float> rows;
  for (const tensor::TensorView* part : parts) {
    const size_t before = rows.size();
    rows.resize(before + static_cast<size_t>(part->elements()));
    read_floats(*part, 0, std::span(rows).subspan(before));
  }
  const auto columns = static_cast<int>(rows.size() / static_cast<size_t>(depth));
  tensor::pack_transposed(rows.data(), static_cast<size_t>(depth), columns, depth, to);
}

}  // namespace

void Arena::Unmap::operator()(float* memory) const { ::munmap(memory, bytes); }

size_t Arena::reserve(size_t floats) {
  const size_t at = floats_;
  floats_ += (floats + kAlignFloats - 1) / kAlignFloats * kAlignFloats;
  return at;
}

void Arena::add_vector(const float*& pointer, std::vector<const tensor::TensorView*> parts) {
  size_t size = 0;
  for (const tensor::TensorView* part : parts) size += static_cast<size_t>(part->elements());
  pieces_.push_back({reserve(size), &pointer, [parts = std::move(parts)](float* to) {
                       for (const tensor::TensorView* part : parts) {
                         const auto count = static_cast<size_t>(part->elements());
                         read_floats(*part, 0, {to, count});
                         to += count;
                       }
                     }});
}

Status Arena::plan(Linear& linear, const std::vector<std::string>& names, int columns_each,
                   int depth) {
  std::vector<const tensor::TensorView*> matrices, biases;
  for (const std::string& name : names) {
    ASSIGN_OR_RETURN(const auto* matrix, weights_.get(name + ".weight", {columns_each, depth}));
    ASSIGN_OR_RETURN(const auto* bias, weights_.get(name + ".bias", {columns_each}));
    matrices.push_back(matrix);
    biases.push_back(bias);
  }
  linear.columns = columns_each * static_cast<int>(names.size());
  linear.depth = depth;
  add_vector(linear.bias, std::move(biases));
  const size_t each = tensor::packed_floats(columns_each, depth);
  if (matrices.size() == 1 || columns_each % tensor::kPanel == 0) {
    for (size_t i = 0; i < matrices.size(); ++i) {  // each fills panels of its own
      pieces_.push_back({reserve(each), i == 0 ? &linear.matrix : nullptr,
                         [matrix = matrices[i], depth](float* to) { pack(*matrix, depth, to); }});
    }
    return {};
  }
  pieces_.push_back({reserve(tensor::packed_floats(linear.columns, depth)), &linear.matrix,
                     [matrices, depth](float* to) { pack_together(matrices, depth, to); }});
  return {};
}

Status Arena::plan(LayerNorm& norm, const std::string& name, int columns) {
  RETURN_IF_ERROR(plan(norm.weight, name + ".weight", columns));
  return plan(norm.bias, name + ".bias", columns);
}

Status Arena::plan(const float*& vector, const std::string& name, int size) {
  ASSIGN_OR_RETURN(const auto* tensor, weights_.get(name, {size}));
  add_vector(vector, {tensor});
  return {};
}

void Arena::fill(tensor::ThreadPool& pool) {
  CHECK(!memory_, "filled once");
  const size_t bytes = std::max<size_t>(size_bytes(), 1);
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(memory != MAP_FAILED, "no memory for the weights");
  ::madvise(memory, bytes, MADV_HUGEPAGE);
  memory_ = std::unique_ptr<float, Unmap>(static_cast<float*>(memory), Unmap{bytes});
  pool.run(static_cast<int>(pieces_.size()), [&](int i, int) {
    const Piece& piece = pieces_[static_cast<size_t>(i)];
    piece.fill(memory_.get() + piece.at);
  });
  for (const Piece& piece : pieces_) {
    if (piece.set) *piece.set = memory_.get() + piece.at;
  }
  pieces_.clear();
}

}  // namespace thaw::encoder
