// Kernels: the inner loops of a forward pass, for each instruction set that the machine may have.
//
// Matrices are float32, row after row; `stride` counts floats from row to row. The second factor of
// a product is packed: panels of 16 columns, each panel all of its `depth` rows of 16 floats, the
// last one filled up with zeros.
// Thread: any; no state. Owner: the caller's memory, aligned as floats are.
// Limits: tolerances against exact arithmetic: products 1e-6 of the sum of absolute terms a step of
// 256, gelu 5e-7 absolute, softmax 5e-6 relative, layer_norm 1e-5.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace thaw::tensor {

inline constexpr int kPanel = 16;
/// What files of packed floats are called by; every instruction set reads the same panels.
inline constexpr std::string_view kPanelLayout = "f32x16";

constexpr int panels_of(int columns) { return (columns + kPanel - 1) / kPanel; }
constexpr size_t packed_floats(int columns, int depth) {
  return static_cast<size_t>(panels_of(columns)) * kPanel * static_cast<size_t>(depth);
}

enum class Activation {
  kNone,
  kGelu,
  kRelu,
  kTanh,
  kGeluTanh,  // GELU by its approximation with tanh
  kSilu,      // x / (1 + e^-x)
  kSigmoid,
};
/// Those that are seldom used, computed number by number when a product is done.
constexpr bool follows_product(Activation activation) { return activation > Activation::kRelu; }

/// c[rows x columns] = act(a[rows x depth] * b + bias).
struct Product {
  const float* a = nullptr;
  size_t a_stride = 0;
  const float* b = nullptr;  // packed
  float* c = nullptr;
  size_t c_stride = 0;
  int rows = 0;
  int columns = 0;
  int depth = 0;
  const float* bias = nullptr;  // columns floats, or none
  Activation activation = Activation::kNone;
};

/// Some rows of a product.
inline Product rows_of(Product product, int first, int rows) {
  product.a += static_cast<size_t>(first) * product.a_stride;
  product.c += static_cast<size_t>(first) * product.c_stride;
  product.rows = rows;
  return product;
}

struct Int8Kernels;  // tensor/int8.h

struct Kernels {
  std::string_view name;  // "amx", "avx512", "avx2", "portable"
  /// Panels first..last-1 of the product.
  void (*multiply)(const Product& product, int first, int last);
  /// Each row becomes exp(scale * x) / sum.
  void (*softmax)(float* rows, size_t stride, int count, int columns, float scale);
  /// out = (x + y - mean) / sqrt(variance + epsilon) * weight + bias, a row; y may be null and out
  /// may be x.
  void (*layer_norm)(const float* x, const float* y, float* out, int columns, const float* weight,
                     const float* bias, float epsilon);
  /// x becomes act(x).
  void (*activate)(float* x, size_t count, Activation activation);
  const Int8Kernels* int8;
};

/// Those that this machine can run, the fastest first; never empty.
std::span<const Kernels> usable_kernels();

/// Packs the columns of b from rows: panel of row r, lane = rows[r * stride + k], that is, b is the
/// transpose of what is given (a layer's weight is columns x depth).
void pack_transposed(const float* from, size_t stride, int columns, int depth, float* to);
/// Packs b as it is: depth rows of `columns` floats.
void pack_plain(const float* from, size_t stride, int columns, int depth, float* to);

}  // namespace thaw::tensor
