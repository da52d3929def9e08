// What kernels for AVX-512 share: e^x and GELU of 16 floats. Included where __x86_64__ is defined.
// Thread: any.
#pragma once

#include <immintrin.h>

#define THAW_AVX512 __attribute__((target("avx512f,avx512dq")))
#define THAW_AVX512_INLINE __attribute__((target("avx512f,avx512dq"), always_inline)) inline

namespace thaw::tensor {

inline constexpr __mmask16 kAllLanes = 0xffff;

/// e^x to two units in the last place for x <= 0, and 0 below -87.
THAW_AVX512_INLINE __m512 exp16(__m512 x) {
  const __mmask16 is_normal = _mm512_cmp_ps_mask(x, _mm512_set1_ps(-87.3F), _CMP_GE_OQ);
  // x = n ln 2 + r; e^r by its Taylor series to r^7, where |r| <= ln(2)/2.
  const __m512 n =
      _mm512_maskz_roundscale_ps(kAllLanes, _mm512_mul_ps(x, _mm512_set1_ps(1.44269504F)),
                                 _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375F), x);
  r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4F), r);
  __m512 sum = _mm512_set1_ps(1.F / 5040);
  sum = _mm512_fmadd_ps(sum, r, _mm512_set1_ps(1.F / 720));
  sum = _mm512_fmadd_ps(sum, r, _mm512_set1_ps(1.F / 120));
  sum = _mm512_fmadd_ps(sum, r, _mm512_set1_ps(1.F / 24));
  sum = _mm512_fmadd_ps(sum, r, _mm512_set1_ps(1.F / 6));
  sum = _mm512_fmadd_ps(sum, r, _mm512_set1_ps(0.5F));
  sum = _mm512_fmadd_ps(sum, r, _mm512_set1_ps(1.F));
  sum = _mm512_fmadd_ps(sum, r, _mm512_set1_ps(1.F));
  return _mm512_maskz_scalef_ps(is_normal, sum, n);
}

/// x (1 + erf(x / sqrt 2)) / 2, with erf by formula 7.1.26 of Abramowitz and Stegun (1.5e-7).
THAW_AVX512_INLINE __m512 gelu16(__m512 x) {
  const __m512 one = _mm512_set1_ps(1.F), zero = _mm512_setzero_ps();
  const __m512 z = _mm512_mul_ps(_mm512_abs_ps(x), _mm512_set1_ps(0.70710678F));
  const __m512 t = _mm512_div_ps(one, _mm512_fmadd_ps(z, _mm512_set1_ps(0.3275911F), one));
  __m512 sum = _mm512_set1_ps(1.061405429F);
  sum = _mm512_fmadd_ps(sum, t, _mm512_set1_ps(-1.453152027F));
  sum = _mm512_fmadd_ps(sum, t, _mm512_set1_ps(1.421413741F));
  sum = _mm512_fmadd_ps(sum, t, _mm512_set1_ps(-0.284496736F));
  sum = _mm512_fmadd_ps(sum, t, _mm512_set1_ps(0.254829592F));
  const __m512 tail = _mm512_mul_ps(_mm512_mul_ps(sum, t), exp16(_mm512_fnmadd_ps(z, z, zero)));
  const __m512 erf = _mm512_sub_ps(one, tail);
  const __mmask16 is_negative = _mm512_cmp_ps_mask(x, zero, _CMP_LT_OQ);
  const __m512 with_sign = _mm512_mask_sub_ps(erf, is_negative, zero, erf);
  return _mm512_mul_ps(_mm512_mul_ps(x, _mm512_set1_ps(0.5F)), _mm512_add_ps(one, with_sign));
}

}  // namespace thaw::tensor
