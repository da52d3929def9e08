#include <algorithm>

#include "tensor/kernels.h"

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace thaw::tensor {
namespace {

/// Packs as many whole steps of 4 as there are for 16 lanes and says how many k they cover: a
/// square of 4 x 4 at a time, because single floats of 16 rows are slow to gather.
int pack_squares([[maybe_unused]] const float* rows, [[maybe_unused]] size_t stride,
                 [[maybe_unused]] int depth, [[maybe_unused]] float* to) {
#if defined(__SSE__)
  constexpr int kSide = 4;
  const int whole = depth / kSide * kSide;
  for (int k = 0; k < whole; k += kSide, to += kSide * kPanel) {
    for (int lane = 0; lane < kPanel; lane += kSide) {
      const float* from = rows + static_cast<size_t>(lane) * stride + k;
      __m128 first = _mm_loadu_ps(from), second = _mm_loadu_ps(from + stride);
      __m128 third = _mm_loadu_ps(from + 2 * stride), fourth = _mm_loadu_ps(from + 3 * stride);
      _MM_TRANSPOSE4_PS(first, second, third, fourth);
      _mm_storeu_ps(to + lane, first);
      _mm_storeu_ps(to + lane + kPanel, second);
      _mm_storeu_ps(to + lane + 2 * kPanel, third);
      _mm_storeu_ps(to + lane + 3 * kPanel, fourth);
    }
  }
  return whole;
#else
  return 0;
#endif
}

}  // namespace

void pack_transposed(const float* from, size_t stride, int columns, int depth, float* to) {
  for (int first = 0; first < columns; first += kPanel) {
    const int lanes = std::min(kPanel, columns - first);
    const float* rows = from + static_cast<size_t>(first) * stride;
    const int done = lanes == kPanel ? pack_squares(rows, stride, depth, to) : 0;
    to += static_cast<size_t>(done) * kPanel;
    for (int k = done; k < depth; ++k, to += kPanel) {
      for (int lane = 0; lane < lanes; ++lane)
        to[lane] = rows[static_cast<size_t>(lane) * stride + static_cast<size_t>(k)];
      std::fill(to + lanes, to + kPanel, 0.F);
    }
  }
}

void pack_plain(const float* from, size_t stride, int columns, int depth, float* to) {
  for (int first = 0; first < columns; first += kPanel) {
    const int lanes = std::min(kPanel, columns - first);
    for (int k = 0; k < depth; ++k, to += kPanel) {
      const float* row = from + static_cast<size_t>(k) * stride + first;
      std::copy(row, row + lanes, to);
      std::fill(to + lanes, to + kPanel, 0.F);
    }
  }
}

}  // namespace thaw::tensor
