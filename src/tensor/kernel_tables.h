// The tables of kernels, one a file; kernels.h chooses among them. Thread: any.
#pragma once

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

}  // namespace thaw::tensor
