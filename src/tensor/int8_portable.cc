#include <algorithm>
#include <cmath>

#include "tensor/int8.h"
#include "tensor/kernel_tables.h"

namespace thaw::tensor {
namespace {

constexpr int kMostWeight = 127;

void quantise(const float* x, size_t stride, int rows, int depth, int levels,
              const Quantised& out) {
  const int whole = int8_depth(depth);
  for (int row = 0; row < rows; ++row) {
    const float* from = x + static_cast<size_t>(row) * stride;
    uint8_t* to = out.to + static_cast<size_t>(row) * out.stride;
    const auto [least, most] = std::minmax_element(from, from + depth);
    const float low = std::min(*least, 0.F), high = std::max(*most, 0.F);
    const float scale = (high - low) / static_cast<float>(levels);
    const float inverse = scale > 0 ? 1.F / scale : 0.F;
    const int zero = static_cast<int>(std::nearbyint(-low * inverse));
    out.scales[row] = scale;
    out.zeros[row] = zero;
    for (int k = 0; k < depth; ++k) {
      const float q = std::nearbyint(from[k] * inverse) + static_cast<float>(zero);
      to[k] = static_cast<uint8_t>(std::clamp(q, 0.F, static_cast<float>(levels)));
    }
    std::fill(to + depth, to + whole, uint8_t{0});
  }
}

void multiply(const Int8Product& p, int first, int last) {
  const int depth = int8_depth(p.depth);
  for (int panel = first; panel < last; ++panel) {
    const int8_t* b = p.b + static_cast<size_t>(panel) * static_cast<size_t>(depth) * kPanel;
    const int column = panel * kPanel, lanes = std::min(kPanel, p.columns - column);
    for (int row = 0; row < p.rows; ++row) {
      const uint8_t* a = p.a + static_cast<size_t>(row) * p.a_stride;
      int32_t sums[kPanel] = {};
      for (int k = 0; k < depth; ++k) {
        const int8_t* four = b + (k / kInt8Group * kPanel) * kInt8Group + k % kInt8Group;
        for (int lane = 0; lane < kPanel; ++lane) {
          sums[lane] += int32_t{a[k]} * four[lane * kInt8Group];
        }
      }
      float* c = p.c + static_cast<size_t>(row) * p.c_stride + column;
      for (int lane = 0; lane < lanes; ++lane) {
        const int at = column + lane;
        c[lane] = static_cast<float>(sums[lane] - p.a_zeros[row] * p.b_sums[at]) *
                      (p.a_scales[row] * p.b_scales[at]) +
                  (p.bias ? p.bias[at] : 0.F);
      }
      kPortableKernels.activate(c, static_cast<size_t>(lanes), p.activation);
    }
  }
}

}  // namespace

void pack_int8(const float* from, size_t stride, int columns, int depth, int8_t* to, float* scales,
               int32_t* sums) {
  const int whole = int8_depth(depth);
  std::fill(to, to + packed_int8_bytes(columns, depth), int8_t{0});
  for (int column = 0; column < panels_of(columns) * kPanel; ++column) {
    scales[column] = 0;
    sums[column] = 0;
    if (column >= columns) continue;
    const float* row = from + static_cast<size_t>(column) * stride;
    float most = 0;
    for (int k = 0; k < depth; ++k) most = std::max(most, std::abs(row[k]));
    const float inverse = most > 0 ? kMostWeight / most : 0.F;
    scales[column] = most / kMostWeight;
    int8_t* lane = to + static_cast<size_t>(column / kPanel) * kPanel * static_cast<size_t>(whole) +
                   column % kPanel * kInt8Group;
    int32_t sum = 0;
    for (int k = 0; k < depth; ++k) {
      const auto q = static_cast<int8_t>(std::nearbyint(row[k] * inverse));
      lane[k / kInt8Group * kPanel * kInt8Group + k % kInt8Group] = q;
      sum += q;
    }
    sums[column] = sum;
  }
}

const Int8Kernels kPortableInt8 = {255, quantise, multiply};

}  // namespace thaw::tensor
