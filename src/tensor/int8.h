// Int8: products of 8-bit integers, quantised as they come (dynamic quantisation).
//
// A row of the first factor is x = scale * (q - zero), q from 0 to `levels`, scale and zero its
// own; a column of the second is scale * q with q from -127 to 127. Sums are exact in 32 bits. The
// second factor is packed: panels of 16 columns, each all of its depth by fours, a four being 16
// columns of 4 bytes; what is missing is filled up with zeros.
// Thread: any; no state. Owner: the caller's memory; rows and panels that begin on a line of the
// cache are read fastest. Limits: depth at most kMostInt8Depth. Infinite
// values and NaN make their row meaningless. Tolerance: against the quantised numbers 2e-6 of the
// absolute terms; against exact ones half a step of b and a step of a, a term.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tensor/kernels.h"

namespace thaw::tensor {

inline constexpr int kInt8Group = 4;
inline constexpr int kMostInt8Depth = 1 << 16;  // 255 * 127 * this fits 32 bits
/// What files of these panels are called by.
inline constexpr std::string_view kInt8Layout = "s8x16";

constexpr int int8_depth(int depth) { return (depth + kInt8Group - 1) / kInt8Group * kInt8Group; }
constexpr size_t packed_int8_bytes(int columns, int depth) {
  return static_cast<size_t>(panels_of(columns)) * kPanel * static_cast<size_t>(int8_depth(depth));
}

/// c[rows x columns] = act(a * b + bias).
struct Int8Product {
  const uint8_t* a = nullptr;
  size_t a_stride = 0;  // at least int8_depth(depth)
  const float* a_scales = nullptr;
  const int32_t* a_zeros = nullptr;
  const int8_t* b = nullptr;        // packed
  const float* b_scales = nullptr;  // one a column, of whole panels
  const int32_t* b_sums = nullptr;  // of each column; the same
  float* c = nullptr;
  size_t c_stride = 0;
  int rows = 0;
  int columns = 0;
  int depth = 0;
  const float* bias = nullptr;  // or none
  Activation activation = Activation::kNone;
};

/// Some rows of a product.
inline Int8Product rows_of(Int8Product product, int first, int rows) {
  product.a += static_cast<size_t>(first) * product.a_stride;
  product.a_scales += first;
  product.a_zeros += first;
  product.c += static_cast<size_t>(first) * product.c_stride;
  product.rows = rows;
  return product;
}

struct Quantised {
  uint8_t* to = nullptr;
  size_t stride = 0;  // at least int8_depth(depth)
  float* scales = nullptr;
  int32_t* zeros = nullptr;
};

struct Int8Kernels {
  /// The largest q of a first factor: 127 where pairs of products are added in 16 bits.
  int levels = 0;
  void (*quantise)(const float* x, size_t stride, int rows, int depth, int levels,
                   const Quantised& out) = nullptr;
  /// Panels first..last-1 of the product.
  void (*multiply)(const Int8Product& product, int first, int last) = nullptr;
};

/// As pack_transposed, of weights that become 8 bits: `scales` and `sums` of whole panels.
void pack_int8(const float* from, size_t stride, int columns, int depth, int8_t* to, float* scales,
               int32_t* sums);

extern const Int8Kernels kPortableInt8;
/// null where the machine or the compiler has no AVX2.
const Int8Kernels* avx2_int8();
/// null where there is no AVX-512 with VNNI.
const Int8Kernels* avx512_int8();
/// null where there is no AMX for bytes, or the kernel does not grant its registers.
const Int8Kernels* amx_int8();

}  // namespace thaw::tensor
