// AVX-512: products with registers of 16 floats; what is short stays with AVX2. Every function here
// carries the target attribute: the rest of the program must run on machines that have neither.
#include "tensor/kernel_tables.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "tensor/avx512_math.h"
#include "tensor/int8.h"

namespace thaw::tensor {
namespace {

constexpr int kTileRows = 12;  // times two panels: 24 sums of 32 registers
constexpr int kTallRows = 24;  // times one
constexpr int kPrefetchFloats = 512;

/// A tile of c: rows of one or two panels, and a block of the depth.
struct Block {
  const float* a;
  size_t a_stride;
  const float* b;
  size_t b_stride;  // to the second panel
  int depth;
  float* c;
  size_t c_stride;
  bool is_first;    // c is set, else added to
  __mmask16 lanes;  // of the last panel
};

THAW_AVX512_INLINE void put(const Block& block, float* c, __mmask16 lanes, __m512 sum) {
  if (!block.is_first) sum = _mm512_add_ps(sum, _mm512_maskz_loadu_ps(lanes, c));
  _mm512_mask_storeu_ps(c, lanes, sum);
}

/// The sums of Rows rows. A list rather than an array, because GCC 12 keeps no array in registers.
template <int Rows, int Panels>
struct Sums {
  __m512 low, high;
  Sums<Rows - 1, Panels> rest;

  THAW_AVX512_INLINE void clear() {
    low = high = _mm512_setzero_ps();
    rest.clear();
  }
  THAW_AVX512_INLINE void add(const float* a, size_t stride, __m512 left, __m512 right) {
    const __m512 factor = _mm512_set1_ps(*a);
    low = _mm512_fmadd_ps(factor, left, low);
    if constexpr (Panels > 1) high = _mm512_fmadd_ps(factor, right, high);
    rest.add(a + stride, stride, left, right);
  }
  THAW_AVX512_INLINE void put_all(const Block& block, float* c) const {
    put(block, c, Panels > 1 ? kAllLanes : block.lanes, low);
    if constexpr (Panels > 1) put(block, c + kPanel, block.lanes, high);
    rest.put_all(block, c + block.c_stride);
  }
};

template <int Panels>
struct Sums<0, Panels> {
  THAW_AVX512_INLINE void clear() {}
  THAW_AVX512_INLINE void add(const float*, size_t, __m512, __m512) {}
  THAW_AVX512_INLINE void put_all(const Block&, float*) const {}
};

template <int Rows, int Panels>
THAW_AVX512 void add_tile(const Block& block) {
  const float *a = block.a, *left = block.b, *right = left + block.b_stride;
  const size_t stride = block.a_stride;
  Sums<Rows, Panels> sums;
  sums.clear();
  for (int k = 0; k < block.depth; ++k, ++a, left += kPanel, right += kPanel) {
    _mm_prefetch(reinterpret_cast<const char*>(left + kPrefetchFloats), _MM_HINT_T0);
    __m512 second = _mm512_setzero_ps();
    if constexpr (Panels > 1) {
      _mm_prefetch(reinterpret_cast<const char*>(right + kPrefetchFloats), _MM_HINT_T0);
      second = _mm512_loadu_ps(right);
    }
    sums.add(a, stride, _mm512_loadu_ps(left), second);
  }
  sums.put_all(block, block.c);
}

using AddTile = void (*)(const Block& block);
template <int Panels, int... Rows>
constexpr std::array<AddTile, sizeof...(Rows)> tiles(std::integer_sequence<int, Rows...>) {
  return {add_tile<Rows + 1, Panels>...};
}
constexpr auto kTiles = tiles<2>(std::make_integer_sequence<int, kTileRows>());
constexpr auto kTallTiles = tiles<1>(std::make_integer_sequence<int, kTallRows>());

/// Bias and activation of what lies in the first-level cache; tanh is left to multiply().
THAW_AVX512 void finish(const Product& p, const Block& block, int column, int panels, int rows) {
  for (int panel = 0; panel < panels; ++panel) {
    const __mmask16 lanes = panel + 1 == panels ? block.lanes : kAllLanes;
    const int at = panel * kPanel;
    const __m512 bias =
        p.bias ? _mm512_maskz_loadu_ps(lanes, p.bias + column + at) : _mm512_setzero_ps();
    for (int row = 0; row < rows; ++row) {
      float* c = block.c + static_cast<size_t>(row) * block.c_stride + at;
      __m512 value = _mm512_add_ps(_mm512_maskz_loadu_ps(lanes, c), bias);
      if (p.activation == Activation::kGelu) value = gelu16(value);
      if (p.activation == Activation::kRelu) {
        value = _mm512_maskz_max_ps(kAllLanes, value, _mm512_setzero_ps());
      }
      _mm512_mask_storeu_ps(c, lanes, value);
    }
  }
}

/// Rows first_row... of one or two panels, in tiles of about the same height.
void add_panels(const Product& p, int panel, int panels, int first_row, int rows, int first_k) {
  const int column = panel * kPanel, last_k = std::min(first_k + kDepthBlock, p.depth);
  const int lanes = std::min(kPanel, p.columns - column - (panels - 1) * kPanel);
  const size_t b_stride = static_cast<size_t>(p.depth) * kPanel;
  Block block = {
      .a = p.a + static_cast<size_t>(first_row) * p.a_stride + first_k,
      .a_stride = p.a_stride,
      .b = p.b + static_cast<size_t>(panel) * b_stride + static_cast<size_t>(first_k) * kPanel,
      .b_stride = b_stride,
      .depth = last_k - first_k,
      .c = p.c + static_cast<size_t>(first_row) * p.c_stride + column,
      .c_stride = p.c_stride,
      .is_first = first_k == 0,
      .lanes = static_cast<__mmask16>((1U << static_cast<unsigned>(lanes)) - 1)};
  const bool ends = last_k == p.depth && (p.bias || p.activation == Activation::kGelu ||
                                          p.activation == Activation::kRelu);
  const int tallest = panels > 1 ? kTileRows : kTallRows;
  for (int tiles = (rows + tallest - 1) / tallest; tiles > 0; --tiles) {
    const int tile = (rows + tiles - 1) / tiles;
    const auto index = static_cast<size_t>(tile) - 1;
    panels > 1 ? kTiles[index](block) : kTallTiles[index](block);
    if (ends) finish(p, block, column, panels, tile);
    block.a += static_cast<size_t>(tile) * block.a_stride;
    block.c += static_cast<size_t>(tile) * block.c_stride;
    rows -= tile;
  }
}

void multiply(const Product& p, int first, int last) {
  // A few rows more than a tile: one tall tile a panel asks the memory for its matrix evenly, where
  // two tiles would wait for it in the first and leave it idle in the second.
  const int together = p.rows > kTileRows && p.rows <= kTallRows ? 1 : 2;
  for (int k = 0; k < p.depth; k += kDepthBlock) {
    for (int row = 0; row < p.rows; row += kRowBlock) {
      for (int panel = first; panel < last; panel += together) {
        add_panels(p, panel, std::min(together, last - panel), row,
                   std::min(kRowBlock, p.rows - row), k);
      }
    }
  }
  finish_product(p, first, last);
}

// Halves by the masked instruction: GCC 12 takes the others to read what is not initialised.
constexpr __mmask8 kHalfLanes = 0xff;
THAW_AVX512_INLINE __m256 lower_of(__m512 value) {
  return _mm512_maskz_extractf32x8_ps(kHalfLanes, value, 0);
}
THAW_AVX512_INLINE __m256 upper_of(__m512 value) {
  return _mm512_maskz_extractf32x8_ps(kHalfLanes, value, 1);
}

THAW_AVX512_INLINE float largest_of(__m512 value) {
  __m256 most = _mm256_max_ps(lower_of(value), upper_of(value));
  most = _mm256_max_ps(most, _mm256_permute2f128_ps(most, most, 1));
  most = _mm256_max_ps(most, _mm256_permute_ps(most, 0b01'00'11'10));
  return _mm256_cvtss_f32(_mm256_max_ps(most, _mm256_permute_ps(most, 0b10'11'00'01)));
}
THAW_AVX512_INLINE float sum_of(__m512 value) {
  __m256 sum = _mm256_add_ps(lower_of(value), upper_of(value));
  sum = _mm256_add_ps(sum, _mm256_permute2f128_ps(sum, sum, 1));
  sum = _mm256_add_ps(sum, _mm256_permute_ps(sum, 0b01'00'11'10));
  return _mm256_cvtss_f32(_mm256_add_ps(sum, _mm256_permute_ps(sum, 0b10'11'00'01)));
}

THAW_AVX512 void softmax_row(float* row, int columns, float scale) {
  const __m512 factor = _mm512_set1_ps(scale), least = _mm512_set1_ps(-INFINITY);
  const auto lanes_at = [columns](int i) {
    const int left = columns - i;
    return left >= kPanel ? kAllLanes
                          : static_cast<__mmask16>((1U << static_cast<unsigned>(left)) - 1);
  };
  __m512 largest = least;
  for (int i = 0; i < columns; i += kPanel) {
    const __m512 value = _mm512_mul_ps(factor, _mm512_maskz_loadu_ps(lanes_at(i), row + i));
    largest = _mm512_mask_max_ps(largest, lanes_at(i), largest, value);
  }
  largest = _mm512_set1_ps(largest_of(largest));
  __m512 sum = _mm512_setzero_ps();
  for (int i = 0; i < columns; i += kPanel) {
    const __m512 value = _mm512_maskz_loadu_ps(lanes_at(i), row + i);
    const __m512 power = exp16(_mm512_fmsub_ps(factor, value, largest));
    _mm512_mask_storeu_ps(row + i, lanes_at(i), power);
    sum = _mm512_mask_add_ps(sum, lanes_at(i), sum, power);
  }
  const __m512 share = _mm512_set1_ps(1.F / sum_of(sum));
  for (int i = 0; i < columns; i += kPanel) {
    const __m512 power = _mm512_maskz_loadu_ps(lanes_at(i), row + i);
    _mm512_mask_storeu_ps(row + i, lanes_at(i), _mm512_mul_ps(share, power));
  }
}

void softmax(float* rows, size_t stride, int count, int columns, float scale) {
  for (int i = 0; i < count; ++i) {
    softmax_row(rows + static_cast<size_t>(i) * stride, columns, scale);
  }
}

}  // namespace

std::optional<Kernels> avx512_kernels() {
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512dq")) {
    return std::nullopt;
  }
  std::optional<Kernels> kernels = avx2_kernels();
  if (kernels) {
    kernels->name = "avx512";
    kernels->multiply = multiply;
    kernels->softmax = softmax;
    if (avx512_int8()) kernels->int8 = avx512_int8();
  }
  return kernels;
}

}  // namespace thaw::tensor

#else

namespace thaw::tensor {
std::optional<Kernels> avx512_kernels() { return std::nullopt; }
}  // namespace thaw::tensor

#endif
