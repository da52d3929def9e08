// AVX2 and FMA. Every function here carries the target attribute: the rest of the program must run
// on machines that have neither.
#include "tensor/kernel_tables.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <cmath>

#include "tensor/avx2_math.h"
#include "tensor/int8.h"

namespace thaw::tensor {
namespace {

constexpr int kTileRows = 6;
constexpr int kLanes = 8;
constexpr int kPrefetchFloats = 512;

struct Block {
  const float* a;
  size_t a_stride;
  const float* b;
  int depth;
  float* c;
  size_t c_stride;
  bool is_first;  // c is set, else added to
  bool is_last;   // then comes bias and activation
  const float* bias;
  Activation activation;
};

THAW_AVX2_INLINE void put_row(const Block& block, float* c, __m256 low, __m256 high) {
  if (!block.is_first) {
    low = _mm256_add_ps(low, _mm256_loadu_ps(c));
    high = _mm256_add_ps(high, _mm256_loadu_ps(c + kLanes));
  }
  if (block.is_last) {
    if (block.bias) {
      low = _mm256_add_ps(low, _mm256_loadu_ps(block.bias));
      high = _mm256_add_ps(high, _mm256_loadu_ps(block.bias + kLanes));
    }
    low = activated8(low, block.activation);
    high = activated8(high, block.activation);
  }
  _mm256_storeu_ps(c, low);
  _mm256_storeu_ps(c + kLanes, high);
}

/// Rows x 16 of c. The sums have names because arrays of registers are spilled by GCC 12.
template <int Rows>
THAW_AVX2 void add_tile(const Block& block) {
  const float *a = block.a, *b = block.b;
  const size_t stride = block.a_stride;
  __m256 l0 = _mm256_setzero_ps(), h0 = l0, l1 = l0, h1 = l0, l2 = l0, h2 = l0;
  __m256 l3 = l0, h3 = l0, l4 = l0, h4 = l0, l5 = l0, h5 = l0;
  for (int k = 0; k < block.depth; ++k, ++a, b += kPanel) {
    _mm_prefetch(reinterpret_cast<const char*>(b + kPrefetchFloats), _MM_HINT_T0);
    const __m256 low = _mm256_loadu_ps(b), high = _mm256_loadu_ps(b + kLanes);
    const auto add = [&](size_t row, __m256& l, __m256& h) THAW_AVX2 {
      const __m256 factor = _mm256_broadcast_ss(a + row * stride);
      l = _mm256_fmadd_ps(factor, low, l);
      h = _mm256_fmadd_ps(factor, high, h);
    };
    add(0, l0, h0);
    if constexpr (Rows > 1) add(1, l1, h1);
    if constexpr (Rows > 2) add(2, l2, h2);
    if constexpr (Rows > 3) add(3, l3, h3);
    if constexpr (Rows > 4) add(4, l4, h4);
    if constexpr (Rows > 5) add(5, l5, h5);
  }
  put_row(block, block.c, l0, h0);
  if constexpr (Rows > 1) put_row(block, block.c + block.c_stride, l1, h1);
  if constexpr (Rows > 2) put_row(block, block.c + 2 * block.c_stride, l2, h2);
  if constexpr (Rows > 3) put_row(block, block.c + 3 * block.c_stride, l3, h3);
  if constexpr (Rows > 4) put_row(block, block.c + 4 * block.c_stride, l4, h4);
  if constexpr (Rows > 5) put_row(block, block.c + 5 * block.c_stride, l5, h5);
}

void add_rows(const Block& block, int rows) {
  switch (rows) {
    case 1:
      return add_tile<1>(block);
    case 2:
      return add_tile<2>(block);
    case 3:
      return add_tile<3>(block);
    case 4:
      return add_tile<4>(block);
    case 5:
      return add_tile<5>(block);
    default:
      return add_tile<6>(block);
  }
}

/// The last panel may have fewer than 16 columns: its tile is worked on in a copy.
void add_narrow(Block block, int rows, int lanes) {
  float tile[kTileRows * kPanel] = {}, bias[kPanel] = {};
  float* c = block.c;
  const size_t c_stride = block.c_stride;
  for (int row = 0; row < rows && !block.is_first; ++row) {
    std::copy_n(c + static_cast<size_t>(row) * c_stride, lanes, tile + row * kPanel);
  }
  if (block.bias) {
    std::copy_n(block.bias, lanes, bias);
    block.bias = bias;
  }
  block.c = tile;
  block.c_stride = kPanel;
  add_rows(block, rows);
  for (int row = 0; row < rows; ++row) {
    std::copy_n(tile + row * kPanel, lanes, c + static_cast<size_t>(row) * c_stride);
  }
}

void add_panel(const Product& p, int panel, int first_row, int rows, int first_k) {
  const int column = panel * kPanel, lanes = std::min(kPanel, p.columns - column);
  const int last_k = std::min(first_k + kDepthBlock, p.depth);
  Block block = {.a = p.a + static_cast<size_t>(first_row) * p.a_stride + first_k,
                 .a_stride = p.a_stride,
                 .b = p.b + (static_cast<size_t>(panel) * static_cast<size_t>(p.depth) +
                             static_cast<size_t>(first_k)) *
                                kPanel,
                 .depth = last_k - first_k,
                 .c = p.c + static_cast<size_t>(first_row) * p.c_stride + column,
                 .c_stride = p.c_stride,
                 .is_first = first_k == 0,
                 .is_last = last_k == p.depth,
                 .bias = p.bias ? p.bias + column : nullptr,
                 .activation = p.activation};
  for (int row = 0; row < rows; row += kTileRows) {
    const int tile = std::min(kTileRows, rows - row);
    lanes == kPanel ? add_rows(block, tile) : add_narrow(block, tile, lanes);
    block.a += kTileRows * block.a_stride;
    block.c += kTileRows * block.c_stride;
  }
}

void multiply(const Product& p, int first, int last) {
  for (int k = 0; k < p.depth; k += kDepthBlock) {
    for (int row = 0; row < p.rows; row += kRowBlock) {
      for (int panel = first; panel < last; ++panel) {
        add_panel(p, panel, row, std::min(kRowBlock, p.rows - row), k);
      }
    }
  }
  finish_product(p, first, last);
}

THAW_AVX2_INLINE float sum_of(__m256 x) {
  __m128 four = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  four = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
}

/// The first `count` of 8 lanes.
THAW_AVX2_INLINE __m256i lane_mask(int count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

THAW_AVX2 void softmax_row(float* row, int columns, float scale) {
  const int whole = columns / kLanes * kLanes;
  const __m256i rest = lane_mask(columns - whole);
  const __m256 least = _mm256_set1_ps(-INFINITY), factor = _mm256_set1_ps(scale);
  __m256 largest = least;
  for (int i = 0; i < whole; i += kLanes) {
    largest = _mm256_max_ps(largest, _mm256_mul_ps(factor, _mm256_loadu_ps(row + i)));
  }
  if (whole < columns) {
    const __m256 tail = _mm256_mul_ps(factor, _mm256_maskload_ps(row + whole, rest));
    largest = _mm256_max_ps(largest, _mm256_blendv_ps(least, tail, _mm256_castsi256_ps(rest)));
  }
  alignas(32) float lanes[kLanes];
  _mm256_store_ps(lanes, largest);
  largest = _mm256_set1_ps(*std::max_element(lanes, lanes + kLanes));
  __m256 sum = _mm256_setzero_ps();
  for (int i = 0; i < whole; i += kLanes) {
    const __m256 power = exp8(_mm256_fmsub_ps(factor, _mm256_loadu_ps(row + i), largest));
    _mm256_storeu_ps(row + i, power);
    sum = _mm256_add_ps(sum, power);
  }
  if (whole < columns) {
    const __m256 tail = _mm256_maskload_ps(row + whole, rest);
    const __m256 power =
        _mm256_and_ps(exp8(_mm256_fmsub_ps(factor, tail, largest)), _mm256_castsi256_ps(rest));
    _mm256_maskstore_ps(row + whole, rest, power);
    sum = _mm256_add_ps(sum, power);
  }
  const __m256 share = _mm256_set1_ps(1.F / sum_of(sum));
  for (int i = 0; i < whole; i += kLanes) {
    _mm256_storeu_ps(row + i, _mm256_mul_ps(share, _mm256_loadu_ps(row + i)));
  }
  if (whole < columns) {
    const __m256 tail = _mm256_maskload_ps(row + whole, rest);
    _mm256_maskstore_ps(row + whole, rest, _mm256_mul_ps(share, tail));
  }
}

THAW_AVX2 void softmax(float* rows, size_t stride, int count, int columns, float scale) {
  for (int i = 0; i < count; ++i)
    softmax_row(rows + static_cast<size_t>(i) * stride, columns, scale);
}

THAW_AVX2 void layer_norm(const float* x, const float* y, float* out, int columns,
                          const float* weight, const float* bias, float epsilon) {
  const int whole = columns / kLanes * kLanes;
  __m256 sums = _mm256_setzero_ps();
  for (int i = 0; i < whole; i += kLanes) {
    __m256 value = _mm256_loadu_ps(x + i);
    if (y) value = _mm256_add_ps(value, _mm256_loadu_ps(y + i));
    _mm256_storeu_ps(out + i, value);
    sums = _mm256_add_ps(sums, value);
  }
  float sum = sum_of(sums);
  for (int i = whole; i < columns; ++i) sum += out[i] = x[i] + (y ? y[i] : 0.F);
  const float mean = sum / static_cast<float>(columns);
  const __m256 means = _mm256_set1_ps(mean);
  __m256 squares = _mm256_setzero_ps();
  for (int i = 0; i < whole; i += kLanes) {
    const __m256 distance = _mm256_sub_ps(_mm256_loadu_ps(out + i), means);
    squares = _mm256_fmadd_ps(distance, distance, squares);
  }
  float square = sum_of(squares);
  for (int i = whole; i < columns; ++i) square += (out[i] - mean) * (out[i] - mean);
  const float scale = 1.F / std::sqrt(square / static_cast<float>(columns) + epsilon);
  const __m256 scales = _mm256_set1_ps(scale);
  for (int i = 0; i < whole; i += kLanes) {
    const __m256 value = _mm256_mul_ps(_mm256_sub_ps(_mm256_loadu_ps(out + i), means), scales);
    _mm256_storeu_ps(
        out + i, _mm256_fmadd_ps(value, _mm256_loadu_ps(weight + i), _mm256_loadu_ps(bias + i)));
  }
  for (int i = whole; i < columns; ++i) out[i] = (out[i] - mean) * scale * weight[i] + bias[i];
}

THAW_AVX2 void activate(float* x, size_t count, Activation activation) {
  if (activation == Activation::kNone) return;
  const size_t whole = follows_product(activation) ? 0 : count / kLanes * kLanes;
  for (size_t i = 0; i < whole; i += kLanes) {
    _mm256_storeu_ps(x + i, activated8(_mm256_loadu_ps(x + i), activation));
  }
  if (whole < count) kPortableKernels.activate(x + whole, count - whole, activation);
}

}  // namespace

std::optional<Kernels> avx2_kernels() {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return std::nullopt;
  return Kernels{"avx2", multiply, softmax, layer_norm, activate, avx2_int8()};
}

}  // namespace thaw::tensor

#else

namespace thaw::tensor {
std::optional<Kernels> avx2_kernels() { return std::nullopt; }
}  // namespace thaw::tensor

#endif
