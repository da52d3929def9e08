#include <algorithm>
#include <cmath>
#include <vector>

#include "tensor/int8.h"
#include "tensor/kernel_tables.h"

namespace thaw::tensor {
namespace {

constexpr int kTileRows = 4;

float activated(float x, Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kGelu:
      return 0.5F * x * (1.F + std::erf(x * 0.70710678F));
    case Activation::kRelu:
      return std::max(x, 0.F);
    case Activation::kTanh:
      return std::tanh(x);
    case Activation::kGeluTanh:
      return 0.5F * x * (1.F + std::tanh(0.79788456F * (x + 0.044715F * x * x * x)));
    case Activation::kSilu:
      return x / (1.F + std::exp(-x));
    case Activation::kSigmoid:
      return 1.F / (1.F + std::exp(-x));
  }
  return x;
}

void activate(float* x, size_t count, Activation activation) {
  if (activation == Activation::kNone) return;
  for (size_t i = 0; i < count; ++i) x[i] = activated(x[i], activation);
}

struct Tile {
  const Product& product;
  int panel;
  int first_row;
  int rows;
  int first_k;
  int last_k;
};

/// Adds a block of depth to a tile of c; the first block sets it, the last one finishes it.
void add_tile(const Tile& tile) {
  const Product& p = tile.product;
  const int first_column = tile.panel * kPanel, lanes = std::min(kPanel, p.columns - first_column);
  const float* b = p.b + (static_cast<size_t>(tile.panel) * static_cast<size_t>(p.depth) +
                          static_cast<size_t>(tile.first_k)) *
                             kPanel;
  float sums[kTileRows][kPanel] = {};
  for (int k = tile.first_k; k < tile.last_k; ++k, b += kPanel) {
    for (int row = 0; row < tile.rows; ++row) {
      const float factor =
          p.a[static_cast<size_t>(tile.first_row + row) * p.a_stride + static_cast<size_t>(k)];
      for (int lane = 0; lane < kPanel; ++lane) sums[row][lane] += factor * b[lane];
    }
  }
  for (int row = 0; row < tile.rows; ++row) {
    float* c = p.c + static_cast<size_t>(tile.first_row + row) * p.c_stride + first_column;
    for (int lane = 0; lane < lanes; ++lane) {
      float sum = sums[row][lane];
      if (tile.first_k > 0) sum += c[lane];
      const bool is_last = tile.last_k == p.depth;
      if (is_last && p.bias) sum += p.bias[first_column + lane];
      c[lane] = is_last ? activated(sum, p.activation) : sum;
    }
  }
}

void multiply(const Product& p, int first, int last) {
  for (int k = 0; k < p.depth; k += kDepthBlock) {
    for (int block = 0; block < p.rows; block += kRowBlock) {
      const int end = std::min(block + kRowBlock, p.rows);
      for (int panel = first; panel < last; ++panel) {
        for (int row = block; row < end; row += kTileRows) {
          add_tile({p, panel, row, std::min(kTileRows, end - row), k,
                    std::min(k + kDepthBlock, p.depth)});
        }
      }
    }
  }
}

void softmax(float* rows, size_t stride, int count, int columns, float scale) {
  for (int i = 0; i < count; ++i, rows += stride) {
    float largest = rows[0] * scale;
    for (int j = 1; j < columns; ++j) largest = std::max(largest, rows[j] * scale);
    float sum = 0;
    for (int j = 0; j < columns; ++j) sum += rows[j] = std::exp(rows[j] * scale - largest);
    for (int j = 0; j < columns; ++j) rows[j] /= sum;
  }
}

void layer_norm(const float* x, const float* y, float* out, int columns, const float* weight,
                const float* bias, float epsilon) {
  double sum = 0, squares = 0;
  for (int i = 0; i < columns; ++i) sum += out[i] = x[i] + (y ? y[i] : 0.F);
  const double mean = sum / columns;
  for (int i = 0; i < columns; ++i) squares += (out[i] - mean) * (out[i] - mean);
  const double scale = 1 / std::sqrt(squares / columns + epsilon);
  for (int i = 0; i < columns; ++i) {
    out[i] = static_cast<float>((out[i] - mean) * scale) * weight[i] + bias[i];
  }
}

}  // namespace

const Kernels kPortableKernels = {"portable", multiply, softmax,
                                  layer_norm, activate, &kPortableInt8};

std::span<const Kernels> usable_kernels() {
  static const std::vector<Kernels> usable = [] {
    std::vector<Kernels> found;
    if (const auto wide = avx512_kernels()) {
      if (amx_int8()) {
        found.push_back(*wide);
        found.back().name = "amx";
        found.back().int8 = amx_int8();
      }
      found.push_back(*wide);
    }
    if (const auto fast = avx2_kernels()) found.push_back(*fast);
    found.push_back(kPortableKernels);
    return found;
  }();
  return usable;
}

}  // namespace thaw::tensor
