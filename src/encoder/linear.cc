#include "encoder/linear.h"

#include <sys/mman.h>

#include <cstring>

#include "base/check.h"
#include "base/log.h"
#include "encoder/panel_places.h"
#include "tensor/int8.h"
#include "tensor/kernels.h"

namespace thaw::encoder {
namespace {

constexpr size_t kAlign = 64;  // a cache line

/// The panels of one matrix's columns; from the file's own bytes where they are aligned floats.
void pack_matrix(const tensor::TensorView& tensor, int depth, float* to) {
  const int columns = static_cast<int>(tensor.shape[0]);
  const auto stride = static_cast<size_t>(depth);
  const auto address = reinterpret_cast<uintptr_t>(tensor.data.data());
  if (tensor.dtype == tensor::DType::kF32 && address % alignof(float) == 0) {
    tensor::pack_transposed(reinterpret_cast<const float*>(tensor.data.data()), stride, columns,
                            depth, to);
    tensor::forget_pages(tensor.data);  // what was packed is not read again
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
  tensor::forget_pages(tensor.data);
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

/// Where the parts of a matrix in 8 bits lie in its piece.
struct Int8Piece {
  explicit Int8Piece(const Linear& linear)
      : columns(static_cast<size_t>(tensor::panels_of(linear.columns)) * tensor::kPanel),
        scales(tensor::packed_int8_bytes(linear.columns, linear.depth)),
        sums(scales + columns * sizeof(float)),
        size(sums + columns * sizeof(int32_t)) {}
  size_t columns, scales, sums, size;
};

/// Matrices side by side in 8 bits, a panel at a time.
void pack_int8_parts(const std::vector<const tensor::TensorView*>& parts, const Linear& linear,
                     std::byte* to) {
  const Int8Piece piece(linear);
  const int each = linear.columns / static_cast<int>(parts.size());
  const auto depth = static_cast<size_t>(linear.depth);
  const size_t panel_bytes = tensor::packed_int8_bytes(tensor::kPanel, linear.depth);
  std::vector<float> rows(tensor::kPanel * depth);
  for (int first = 0; first < linear.columns; first += tensor::kPanel) {
    const int lanes = std::min(tensor::kPanel, linear.columns - first);
    for (int lane = 0; lane < lanes; ++lane) {
      const int column = first + lane;
      read_floats(*parts[static_cast<size_t>(column / each)], int64_t{column % each} * linear.depth,
                  std::span(rows).subspan(static_cast<size_t>(lane) * depth, depth));
    }
    const auto at = static_cast<size_t>(first);
    tensor::pack_int8(rows.data(), depth, lanes, linear.depth,
                      reinterpret_cast<int8_t*>(to + at / tensor::kPanel * panel_bytes),
                      reinterpret_cast<float*>(to + piece.scales) + at,
                      reinterpret_cast<int32_t*>(to + piece.sums) + at);
  }
  for (const tensor::TensorView* part : parts) tensor::forget_pages(part->data);
}

size_t rounded(size_t bytes) { return (bytes + kAlign - 1) / kAlign * kAlign; }

std::function<void(const std::byte*)> place_in(const float*& pointer) {
  return [&pointer](const std::byte* at) { pointer = reinterpret_cast<const float*>(at); };
}

}  // namespace

void Arena::Unmap::operator()(std::byte* memory) const { ::munmap(memory, bytes); }

void Arena::add_vector(const float*& pointer, std::vector<const tensor::TensorView*> parts) {
  size_t size = 0;
  for (const tensor::TensorView* part : parts) size += static_cast<size_t>(part->elements());
  const auto fill = [parts = std::move(parts)](std::byte* to) {
    auto* floats = reinterpret_cast<float*>(to);
    for (const tensor::TensorView* part : parts) {
      const auto count = static_cast<size_t>(part->elements());
      read_floats(*part, 0, {floats, count});
      floats += count;
    }
  };
  pieces_.push_back({size * sizeof(float), fill, place_in(pointer)});
}

void Arena::add_int8(Linear& linear, std::vector<const tensor::TensorView*> parts) {
  const auto fill = [parts = std::move(parts), &linear](std::byte* to) {
    pack_int8_parts(parts, linear, to);
  };
  const auto place = [&linear](const std::byte* at) {
    const Int8Piece piece(linear);
    linear.int8 = reinterpret_cast<const int8_t*>(at);
    linear.scales = reinterpret_cast<const float*>(at + piece.scales);
    linear.sums = reinterpret_cast<const int32_t*>(at + piece.sums);
  };
  pieces_.push_back({Int8Piece(linear).size, fill, place});
}

Status Arena::plan(Linear& linear, const std::vector<std::string>& names, int columns_each,
                   int depth, Precision precision) {
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
  add_matrices(linear, std::move(matrices), precision);
  return {};
}

Status Arena::plan_without_bias(Linear& linear, const std::string& name, int columns, int depth) {
  ASSIGN_OR_RETURN(const auto* matrix, weights_.get(name + ".weight", {columns, depth}));
  linear.columns = columns;
  linear.depth = depth;
  add_matrices(linear, {matrix}, Precision::kFloat32);
  return {};
}

void Arena::add_matrices(Linear& linear, std::vector<const tensor::TensorView*> parts,
                         Precision precision) {
  const int depth = linear.depth, columns_each = linear.columns / static_cast<int>(parts.size());
  if (precision == Precision::kInt8 && depth <= tensor::kMostInt8Depth) {
    return add_int8(linear, std::move(parts));
  }
  if (parts.size() == 1 || columns_each % tensor::kPanel == 0) {
    const size_t each = tensor::packed_floats(columns_each, depth);  // each fills its own panels
    const auto fill = [parts, depth, each](std::byte* to) {
      auto* floats = reinterpret_cast<float*>(to);
      for (size_t i = 0; i < parts.size(); ++i) pack_matrix(*parts[i], depth, floats + i * each);
    };
    pieces_.push_back({each * parts.size() * sizeof(float), fill, place_in(linear.matrix)});
    return;
  }
  const auto fill = [parts, depth](std::byte* to) {
    pack_together(parts, depth, reinterpret_cast<float*>(to));
  };
  pieces_.push_back({tensor::packed_floats(linear.columns, depth) * sizeof(float), fill,
                     place_in(linear.matrix)});
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

size_t Arena::size_bytes() const {
  size_t bytes = 0;
  for (const Piece& piece : pieces_) bytes += rounded(piece.size);
  return bytes;
}

tensor::PanelKey Arena::key_of(std::string_view layout) const {
  tensor::PanelKey key = {std::string(layout), weights_.fingerprint(), {}};
  for (const Piece& piece : pieces_) key.sizes.push_back(piece.size);
  return key;
}

bool Arena::open_one(const tensor::PanelKey& key, tensor::ThreadPool& pool,
                     std::span<const std::string> files, Filled& filled) {
  for (const std::string& path : files) {
    auto opened = tensor::PanelFile::open(path, key, weights_.facts().owner, pool);
    if (!opened) {
      if (opened.error().code() != Code::kNotFound) filled.note = opened.error().message();
      continue;
    }
    file_ = *std::move(opened);
    for (size_t i = 0; i < pieces_.size(); ++i) pieces_[i].place(file_->piece(i).data());
    filled = {Filled::From::kCache, path, ""};
    return true;
  }
  return false;
}

bool Arena::pack_into_one(const tensor::PanelKey& key, tensor::ThreadPool& pool,
                          std::span<const std::string> files, Filled& filled) {
  constexpr uint32_t kReaders = 0444, kOwnerWrites = 0200;
  const uint32_t mode = (weights_.facts().mode & kReaders) | kOwnerWrites;
  for (const std::string& path : files) {
    make_folder_of(path);
    auto writer = tensor::PanelWriter::create(path, key, mode);
    if (!writer) {
      filled.note += (filled.note.empty() ? "" : "; ") + writer.error().message();
      continue;
    }
    written_.emplace(*std::move(writer));
    pool.run(static_cast<int>(pieces_.size()), [&](int i, int) {
      const auto index = static_cast<size_t>(i);
      pieces_[index].fill(written_->piece(index).data());
    });
    for (size_t i = 0; i < pieces_.size(); ++i) pieces_[i].place(written_->piece(i).data());
    filled.path = path;
    // The disk may take a second for what is ready in memory now.
    keeping_ = std::jthread([this] {
      const Status kept = written_->keep();
      if (!kept) log_warning("packed panels are not kept", {{"why", kept.error().message()}});
    });
    return true;
  }
  return false;
}

void Arena::pack(tensor::ThreadPool& pool) {
  const size_t bytes = std::max<size_t>(size_bytes(), 1);
  void* memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(memory != MAP_FAILED, "no memory for the weights");
  ::madvise(memory, bytes, MADV_HUGEPAGE);
  memory_ = std::unique_ptr<std::byte, Unmap>(static_cast<std::byte*>(memory), Unmap{bytes});
  std::vector<std::byte*> places;
  std::byte* next = memory_.get();
  for (const Piece& piece : pieces_) {
    places.push_back(next);
    piece.place(next);
    next += rounded(piece.size);
  }
  pool.run(static_cast<int>(pieces_.size()), [&](int i, int) {
    pieces_[static_cast<size_t>(i)].fill(places[static_cast<size_t>(i)]);
  });
}

Arena::Filled Arena::fill(tensor::ThreadPool& pool, std::string_view layout,
                          std::span<const std::string> files) {
  CHECK(!memory_ && !file_ && !written_, "filled once");
  Filled filled;
  const tensor::PanelKey key = files.empty() ? tensor::PanelKey() : key_of(layout);
  if (!open_one(key, pool, files, filled) && !pack_into_one(key, pool, files, filled)) pack(pool);
  pieces_.clear();
  return filled;
}

}  // namespace thaw::encoder
