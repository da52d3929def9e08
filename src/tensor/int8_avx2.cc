// 8-bit products with AVX2: pairs of products are added in 16 bits before they are in 32, so the
// first factor has 7 bits, with which no pair overflows (2 * 127 * 127 < 2^15).
#include "tensor/int8.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tensor/avx2_math.h"
#include "tensor/kernel_tables.h"

namespace thaw::tensor {
namespace {

constexpr int kLanes = 8;
constexpr int kRows = 4;  // times two registers of sums

THAW_AVX2_INLINE __m256i quantised8(const float* x, __m256 inverse, __m256i zero) {
  const __m256 scaled = _mm256_mul_ps(_mm256_loadu_ps(x), inverse);
  return _mm256_add_epi32(_mm256_cvtps_epi32(scaled), zero);
}

THAW_AVX2_INLINE float lane_of(__m256 x, bool is_most) {
  alignas(32) float lanes[kLanes];
  _mm256_store_ps(lanes, x);
  return is_most ? *std::max_element(lanes, lanes + kLanes)
                 : *std::min_element(lanes, lanes + kLanes);
}

THAW_AVX2 void quantise_row(const float* x, int depth, int levels, uint8_t* to, float& scale,
                            int32_t& zero) {
  constexpr int kStep = 32;
  const int whole = depth / kLanes * kLanes, wide = depth / kStep * kStep;
  __m256 least = _mm256_setzero_ps(), most = least;
  for (int k = 0; k < whole; k += kLanes) {
    least = _mm256_min_ps(least, _mm256_loadu_ps(x + k));
    most = _mm256_max_ps(most, _mm256_loadu_ps(x + k));
  }
  float low = lane_of(least, false), high = lane_of(most, true);
  for (int k = whole; k < depth; ++k) {
    low = std::min(low, x[k]);
    high = std::max(high, x[k]);
  }
  scale = (high - low) / static_cast<float>(levels);
  const float inverse = scale > 0 ? 1.F / scale : 0.F;
  zero = static_cast<int32_t>(std::nearbyint(-low * inverse));
  const __m256 inverses = _mm256_set1_ps(inverse);
  const __m256i zeros = _mm256_set1_epi32(zero);
  const __m256i top = _mm256_set1_epi8(static_cast<char>(levels));
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  for (int k = 0; k < wide; k += kStep) {
    const __m256i first = _mm256_packs_epi32(quantised8(x + k, inverses, zeros),
                                             quantised8(x + k + kLanes, inverses, zeros));
    const __m256i second = _mm256_packs_epi32(quantised8(x + k + 2 * kLanes, inverses, zeros),
                                              quantised8(x + k + 3 * kLanes, inverses, zeros));
    const __m256i bytes = _mm256_min_epu8(_mm256_packus_epi16(first, second), top);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + k),
                        _mm256_permutevar8x32_epi32(bytes, order));
  }
  for (int k = wide; k < depth; ++k) {
    const float q = std::nearbyint(x[k] * inverse) + static_cast<float>(zero);
    to[k] = static_cast<uint8_t>(std::clamp(q, 0.F, static_cast<float>(levels)));
  }
  std::fill(to + depth, to + int8_depth(depth), uint8_t{0});
}

THAW_AVX2 void quantise(const float* x, size_t stride, int rows, int depth, int levels,
                        const Quantised& out) {
  for (int row = 0; row < rows; ++row) {
    const auto at = static_cast<size_t>(row);
    quantise_row(x + at * stride, depth, levels, out.to + at * out.stride, out.scales[row],
                 out.zeros[row]);
  }
}

/// Adds a four of each of 8 columns: pairs in 16 bits, then in 32.
THAW_AVX2_INLINE __m256i add_fours(__m256i sum, __m256i a, __m256i b) {
  const __m256i pairs = _mm256_maddubs_epi16(a, b);
  return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

THAW_AVX2_INLINE __m256 as_floats(const Int8Product& p, __m256i sum, int row, int column) {
  const __m256i correction =
      _mm256_mullo_epi32(_mm256_set1_epi32(p.a_zeros[row]),
                         _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p.b_sums + column)));
  const __m256 scales =
      _mm256_mul_ps(_mm256_set1_ps(p.a_scales[row]), _mm256_loadu_ps(p.b_scales + column));
  return _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(sum, correction)), scales);
}

THAW_AVX2_INLINE void put_row(const Int8Product& p, int row, int column, __m256i low,
                              __m256i high) {
  const int lanes = std::min(kPanel, p.columns - column);
  float* c = p.c + static_cast<size_t>(row) * p.c_stride + column;
  alignas(32) float tile[kPanel] = {};
  if (p.bias) std::copy_n(p.bias + column, lanes, tile);
  const __m256 first = _mm256_add_ps(as_floats(p, low, row, column), _mm256_load_ps(tile));
  const __m256 second =
      _mm256_add_ps(as_floats(p, high, row, column + kLanes), _mm256_load_ps(tile + kLanes));
  _mm256_store_ps(tile, activated8(first, p.activation));
  _mm256_store_ps(tile + kLanes, activated8(second, p.activation));
  std::copy_n(tile, lanes, c);
}

/// Rows x 16 of c. The sums have names because arrays of registers are spilled by GCC 12.
template <int Rows>
THAW_AVX2 void add_tile(const Int8Product& p, const int8_t* b, int row, int column) {
  const uint8_t* a = p.a + static_cast<size_t>(row) * p.a_stride;
  const size_t stride = p.a_stride;
  __m256i l0 = _mm256_setzero_si256(), h0 = l0, l1 = l0, h1 = l0, l2 = l0, h2 = l0, l3 = l0,
          h3 = l0;
  const int depth = int8_depth(p.depth);
  for (int k = 0; k < depth; k += kInt8Group, a += kInt8Group, b += kPanel * kInt8Group) {
    const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b));
    const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + 32));
    const auto add = [&](size_t at, __m256i& l, __m256i& h) THAW_AVX2 {
      int four;
      std::memcpy(&four, a + at * stride, sizeof(four));
      const __m256i factor = _mm256_set1_epi32(four);
      l = add_fours(l, factor, low);
      h = add_fours(h, factor, high);
    };
    add(0, l0, h0);
    if constexpr (Rows > 1) add(1, l1, h1);
    if constexpr (Rows > 2) add(2, l2, h2);
    if constexpr (Rows > 3) add(3, l3, h3);
  }
  put_row(p, row, column, l0, h0);
  if constexpr (Rows > 1) put_row(p, row + 1, column, l1, h1);
  if constexpr (Rows > 2) put_row(p, row + 2, column, l2, h2);
  if constexpr (Rows > 3) put_row(p, row + 3, column, l3, h3);
}

void multiply(const Int8Product& p, int first, int last) {
  using AddTile = void (*)(const Int8Product&, const int8_t*, int, int);
  constexpr AddTile kTiles[kRows] = {add_tile<1>, add_tile<2>, add_tile<3>, add_tile<4>};
  for (int block = 0; block < p.rows; block += kRowBlock) {
    const int end = std::min(p.rows, block + kRowBlock);
    for (int panel = first; panel < last; ++panel) {
      const int8_t* b =
          p.b + static_cast<size_t>(panel) * kPanel * static_cast<size_t>(int8_depth(p.depth));
      for (int row = block; row < end; row += kRows) {
        kTiles[std::min(kRows, end - row) - 1](p, b, row, panel * kPanel);
      }
    }
  }
  finish_product(p, first, last);
}

constexpr Int8Kernels kAvx2Int8 = {127, quantise, multiply};

}  // namespace

const Int8Kernels* avx2_int8() { return __builtin_cpu_supports("avx2") ? &kAvx2Int8 : nullptr; }

}  // namespace thaw::tensor

#else

namespace thaw::tensor {
const Int8Kernels* avx2_int8() { return nullptr; }
}  // namespace thaw::tensor

#endif
