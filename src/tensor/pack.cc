#include <algorithm>

#include "tensor/kernels.h"

namespace thaw::tensor {

void pack_transposed(const float* from, size_t stride, int columns, int depth, float* to) {
  for (int first = 0; first < columns; first += kPanel) {
    const int lanes = std::min(kPanel, columns - first);
    const float* rows = from + static_cast<size_t>(first) * stride;
    for (int k = 0; k < depth; ++k, to += kPanel) {
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
