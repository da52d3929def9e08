// What products in 8 bits share on AVX-512: the way of their sums to the result. Included where
// __x86_64__ is defined. Thread: any.
#pragma once

#include <algorithm>

#include "tensor/avx512_math.h"
#include "tensor/int8.h"
#include "tensor/kernel_tables.h"

#define THAW_VNNI __attribute__((target("avx512f,avx512dq,avx512bw,avx512vnni")))
#define THAW_VNNI_INLINE \
  __attribute__((target("avx512f,avx512dq,avx512bw,avx512vnni"), always_inline)) inline

namespace thaw::tensor {

/// 16 sums of a row, from `column` on, become what they stand for, with bias and the activations
/// that are fused; finish_product() does the others.
THAW_VNNI_INLINE void put_sums(const Int8Product& p, int row, int column, __m512i sums) {
  const int count = std::min(kPanel, p.columns - column);
  const auto lanes = static_cast<__mmask16>((1U << static_cast<unsigned>(count)) - 1);
  const __m512i correction =
      _mm512_mullo_epi32(_mm512_set1_epi32(p.a_zeros[row]), _mm512_loadu_si512(p.b_sums + column));
  const __m512 scales =
      _mm512_mul_ps(_mm512_set1_ps(p.a_scales[row]), _mm512_loadu_ps(p.b_scales + column));
  const __m512 bias = p.bias ? _mm512_maskz_loadu_ps(lanes, p.bias + column) : _mm512_setzero_ps();
  const __m512i whole = _mm512_sub_epi32(sums, correction);
  __m512 value = _mm512_fmadd_ps(_mm512_maskz_cvtepi32_ps(kAllLanes, whole), scales, bias);
  if (p.activation == Activation::kGelu) value = gelu16(value);
  if (p.activation == Activation::kRelu) {
    value = _mm512_maskz_max_ps(kAllLanes, value, _mm512_setzero_ps());
  }
  _mm512_mask_storeu_ps(p.c + static_cast<size_t>(row) * p.c_stride + column, lanes, value);
}

}  // namespace thaw::tensor
