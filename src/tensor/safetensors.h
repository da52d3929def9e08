// Safetensors: the header of a file of named tensors, checked before any of its data is used.
//
// Layout: 8 bytes little-endian length, that many bytes of JSON ({"name": {"dtype", "shape",
// "data_offsets": [begin, end]}, "__metadata__": {...}}), then the data, which the tensors fill
// without gaps or overlaps. Thread: any. Owner: views refer to the file's bytes.
// Limits: header of 100 MB, 1,000,000 tensors, 8 dimensions; kInvalidArgument over these.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace thaw::tensor {

enum class DType { kF64, kF32, kF16, kBf16, kI64, kI32, kI16, kI8, kU64, kU32, kU16, kU8, kBool };

std::string_view dtype_name(DType dtype);
size_t dtype_size(DType dtype);

struct TensorView {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;
  std::span<const std::byte> data;  // not aligned

  int64_t elements() const { return static_cast<int64_t>(data.size() / dtype_size(dtype)); }
};

/// "[768, 3072]".
std::string shape_text(std::span<const int64_t> shape);

/// In the order of the data. kInvalidArgument naming the tensor or the key that is wrong.
Result<std::vector<TensorView>> parse_safetensors(std::span<const std::byte> file);

/// Elements first..first+out.size() as float32. Precondition: they exist, and is_float().
bool is_float(DType dtype);
void read_floats(const TensorView& tensor, int64_t first, std::span<float> out);

}  // namespace thaw::tensor
