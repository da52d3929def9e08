// The tables of kernels, one a file; kernels.h chooses among them. Thread: any.
#pragma once

#include <algorithm>
#include <optional>

#include "tensor/kernels.h"

namespace thaw::tensor {

extern const Kernels kPortableKernels;
/// nullopt where the machine or the compiler has no AVX2 with FMA.
std::optional<Kernels> avx2_kernels();
/// nullopt where there is no AVX-512 (F and DQ).
std::optional<Kernels> avx512_kernels();

/// The blocks in which products are worked off, so that they stay in the caches: `depth` rows of a
/// panel in half of the second level, and as many rows of the first factor in the other.
inline constexpr int kDepthBlock = 768;
inline constexpr int kRowBlock = 96;

/// The activations that follow a product rather than being fused into it, on its panels from
/// `first` to before `last`. P: Product or Int8Product.
template <class P>
void finish_product(const P& p, int first, int last) {
  if (!follows_product(p.activation)) return;
  const int begin = first * kPanel, end = std::min(last * kPanel, p.columns);
  for (int row = 0; row < p.rows; ++row) {
    float* c = p.c + static_cast<size_t>(row) * p.c_stride;
    kPortableKernels.activate(c + begin, static_cast<size_t>(end - begin), p.activation);
  }
}

}  // namespace thaw::tensor
