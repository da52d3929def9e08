// What kernels for AVX2 share: e^x, GELU and activations of 8 floats. Included where __x86_64__ is
// defined. Thread: any.
#pragma once

#include <immintrin.h>

#include "tensor/kernels.h"

#define THAW_AVX2 __attribute__((target("avx2,fma")))
#define THAW_AVX2_INLINE __attribute__((target("avx2,fma"), always_inline)) inline

namespace thaw::tensor {

/// e^x to two units in the last place for x in [-87, 88], 0 below.
THAW_AVX2_INLINE __m256 exp8(__m256 x) {
  const __m256 is_zero = _mm256_cmp_ps(x, _mm256_set1_ps(-87.3F), _CMP_LT_OQ);
  x = _mm256_min_ps(_mm256_max_ps(x, _mm256_set1_ps(-87.3F)), _mm256_set1_ps(88.3F));
  // x = n ln 2 + r; e^r by its Taylor series to r^7, where |r| <= ln(2)/2.
  const __m256 n = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504F)),
                                   _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693359375F), x);
  r = _mm256_fnmadd_ps(n, _mm256_set1_ps(-2.12194440e-4F), r);
  __m256 sum = _mm256_set1_ps(1.F / 5040);
  sum = _mm256_fmadd_ps(sum, r, _mm256_set1_ps(1.F / 720));
  sum = _mm256_fmadd_ps(sum, r, _mm256_set1_ps(1.F / 120));
  sum = _mm256_fmadd_ps(sum, r, _mm256_set1_ps(1.F / 24));
  sum = _mm256_fmadd_ps(sum, r, _mm256_set1_ps(1.F / 6));
  sum = _mm256_fmadd_ps(sum, r, _mm256_set1_ps(0.5F));
  sum = _mm256_fmadd_ps(sum, r, _mm256_set1_ps(1.F));
  sum = _mm256_fmadd_ps(sum, r, _mm256_set1_ps(1.F));
  const __m256i exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
  const __m256 result = _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(sum), exponent));
  return _mm256_andnot_ps(is_zero, result);
}

/// x (1 + erf(x / sqrt 2)) / 2, with erf by formula 7.1.26 of Abramowitz and Stegun (1.5e-7).
THAW_AVX2_INLINE __m256 gelu8(__m256 x) {
  const __m256 sign_bit = _mm256_set1_ps(-0.F), one = _mm256_set1_ps(1.F);
  const __m256 z = _mm256_mul_ps(_mm256_andnot_ps(sign_bit, x), _mm256_set1_ps(0.70710678F));
  const __m256 t = _mm256_div_ps(one, _mm256_fmadd_ps(z, _mm256_set1_ps(0.3275911F), one));
  __m256 sum = _mm256_set1_ps(1.061405429F);
  sum = _mm256_fmadd_ps(sum, t, _mm256_set1_ps(-1.453152027F));
  sum = _mm256_fmadd_ps(sum, t, _mm256_set1_ps(1.421413741F));
  sum = _mm256_fmadd_ps(sum, t, _mm256_set1_ps(-0.284496736F));
  sum = _mm256_fmadd_ps(sum, t, _mm256_set1_ps(0.254829592F));
  const __m256 tail =
      _mm256_mul_ps(_mm256_mul_ps(sum, t), exp8(_mm256_xor_ps(sign_bit, _mm256_mul_ps(z, z))));
  const __m256 erf = _mm256_or_ps(_mm256_sub_ps(one, tail), _mm256_and_ps(sign_bit, x));
  return _mm256_mul_ps(_mm256_mul_ps(x, _mm256_set1_ps(0.5F)), _mm256_add_ps(one, erf));
}

THAW_AVX2_INLINE __m256 activated8(__m256 x, Activation activation) {
  if (activation == Activation::kGelu) return gelu8(x);
  if (activation == Activation::kRelu) return _mm256_max_ps(x, _mm256_setzero_ps());
  return x;  // or one that follows the product
}

}  // namespace thaw::tensor
