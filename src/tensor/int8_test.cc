#include "tensor/int8.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <string>
#include <vector>

namespace thaw::tensor {
namespace {

struct Set {
  std::string name;
  const Int8Kernels* kernels;
};
std::vector<Set> usable() {
  std::vector<Set> sets = {{"portable", &kPortableInt8}};
  if (avx2_int8()) sets.push_back({"avx2", avx2_int8()});
  if (avx512_int8()) sets.push_back({"avx512", avx512_int8()});
  if (amx_int8()) sets.push_back({"amx", amx_int8()});
  return sets;
}

class Int8Test : public testing::TestWithParam<size_t> {
 protected:
  const Int8Kernels& kernels() const { return *usable()[GetParam()].kernels; }
  std::vector<float> numbers(size_t count, float spread = 1) {
    std::normal_distribution<float> normal(0, spread);
    std::vector<float> made(count);
    for (float& each : made) each = normal(random_);
    return made;
  }
  std::mt19937 random_{7};
};

/// A first factor, as it is and quantised.
struct Rows {
  Rows(const Int8Kernels& kernels, const std::vector<float>& x, int rows, int depth)
      : stride(static_cast<size_t>(int8_depth(depth)) + 8),
        q(static_cast<size_t>(rows) * stride, 99),
        scales(static_cast<size_t>(rows)),
        zeros(static_cast<size_t>(rows)) {
    kernels.quantise(x.data(), static_cast<size_t>(depth), rows, depth, kernels.levels,
                     {q.data(), stride, scales.data(), zeros.data()});
  }
  size_t stride;
  std::vector<uint8_t> q;
  std::vector<float> scales;
  std::vector<int32_t> zeros;
};

TEST_P(Int8Test, QuantisedRowsAreWithinHalfAStep) {
  for (const int depth : {1, 2, 3, 7, 31, 32, 33, 100, 768}) {
    auto x = numbers(static_cast<size_t>(3 * depth), 2);
    for (int k = 0; k < depth; ++k) x[static_cast<size_t>(k)] = std::abs(x[static_cast<size_t>(k)]);
    const Rows rows(kernels(), x, 3, depth);
    for (int row = 0; row < 3; ++row) {
      const auto r = static_cast<size_t>(row);
      for (int k = 0; k < depth; ++k) {
        const auto at = static_cast<size_t>(k);
        const int q = rows.q[r * rows.stride + at];
        ASSERT_LE(q, kernels().levels);
        const float back = rows.scales[r] * static_cast<float>(q - rows.zeros[r]);
        // Zero is a whole step, so the ends of the range may be half a step further off.
        ASSERT_NEAR(back, x[r * static_cast<size_t>(depth) + at], 1.001F * rows.scales[r]);
      }
      for (int k = depth; k < int8_depth(depth); ++k) {
        ASSERT_EQ(rows.q[r * rows.stride + static_cast<size_t>(k)], 0);
      }
      ASSERT_EQ(rows.q[r * rows.stride + static_cast<size_t>(int8_depth(depth))], 99)
          << "nothing is written beside the row";
    }
  }
}

TEST_P(Int8Test, ARowOfZerosStaysZeros) {
  const Rows rows(kernels(), std::vector<float>(40), 1, 40);
  EXPECT_EQ(rows.scales[0], 0);
  EXPECT_EQ(rows.q[7] - rows.zeros[0], 0);
}

TEST_P(Int8Test, ProductsAreRightForEveryRest) {
  struct Shape {
    int rows, columns, depth;
  };
  std::vector<Shape> shapes = {{97, 33, 5}, {3, 2, 1537}, {200, 17, 769}, {1, 1, 1}, {16, 48, 768}};
  for (int rows = 1; rows <= 26; ++rows) shapes.push_back({rows, 5 + 3 * rows, 70 - rows});
  for (int rows = 15; rows <= 65; rows += 5) shapes.push_back({rows, 2 * rows, 24 * rows});
  shapes.insert(shapes.end(), {{385, 32, 64}, {800, 80, 36}, {33, 100, 3072}});
  for (const auto& [rows, columns, depth] : shapes) {
    const auto d = static_cast<size_t>(depth), c_stride = static_cast<size_t>(columns) + 1;
    const auto x = numbers(static_cast<size_t>(rows) * d);
    const auto weight = numbers(static_cast<size_t>(columns) * d, 0.05F);
    const auto bias = numbers(static_cast<size_t>(columns));
    const Rows a(kernels(), x, rows, depth);
    const auto wide = static_cast<size_t>(panels_of(columns)) * kPanel;
    std::vector<int8_t> b(packed_int8_bytes(columns, depth));
    std::vector<float> b_scales(wide);
    std::vector<int32_t> b_sums(wide);
    pack_int8(weight.data(), d, columns, depth, b.data(), b_scales.data(), b_sums.data());
    for (const Activation activation : {Activation::kNone, Activation::kGelu, Activation::kRelu}) {
      std::vector<float> c(static_cast<size_t>(rows) * c_stride, -77);
      const Int8Product product = {.a = a.q.data(),
                                   .a_stride = a.stride,
                                   .a_scales = a.scales.data(),
                                   .a_zeros = a.zeros.data(),
                                   .b = b.data(),
                                   .b_scales = b_scales.data(),
                                   .b_sums = b_sums.data(),
                                   .c = c.data(),
                                   .c_stride = c_stride,
                                   .rows = rows,
                                   .columns = columns,
                                   .depth = depth,
                                   .bias = bias.data(),
                                   .activation = activation};
      const int middle = panels_of(columns) / 2;
      kernels().multiply(product, 0, middle);
      kernels().multiply(product, middle, panels_of(columns));
      for (int row = 0; row < rows; ++row) {
        const auto r = static_cast<size_t>(row);
        for (int column = 0; column < columns; ++column) {
          const auto at = static_cast<size_t>(column);
          double exact = bias[at], rounded = bias[at], size = std::abs(rounded), step = 0;
          for (size_t k = 0; k < d; ++k) {
            const double w = weight[at * d + k];
            exact += x[r * d + k] * w;
            const double q = a.scales[r] * (a.q[r * a.stride + k] - a.zeros[r]);
            const size_t four = (at / kPanel * static_cast<size_t>(int8_depth(depth)) +
                                 k / kInt8Group * kInt8Group) *
                                kPanel;
            const double term =
                q * b_scales[at] * b[four + at % kPanel * kInt8Group + k % kInt8Group];
            rounded += term;
            size += std::abs(term);
            step += std::abs(x[r * d + k]) * b_scales[at] / 2 +
                    (std::abs(w) + b_scales[at] / 2) * a.scales[r];
          }
          const auto activated = [&](double v) {
            if (activation == Activation::kRelu) return std::max(v, 0.0);
            return activation == Activation::kGelu ? 0.5 * v * (1 + std::erf(v / std::sqrt(2.0)))
                                                   : v;
          };
          const float got = c[r * c_stride + at];
          ASSERT_NEAR(got, activated(rounded), 2e-6 * (size + 1))
              << rows << "x" << columns << "x" << depth << " at " << row << "," << column;
          ASSERT_NEAR(got, activated(exact), 1.2 * step + 1e-5);
        }
        ASSERT_EQ(c[r * c_stride + static_cast<size_t>(columns)], -77)
            << "nothing is written beside the matrix";
      }
    }
  }
}

/// The largest values of both signs side by side, where 16 bits would overflow.
TEST_P(Int8Test, TheLargestProductsAreExact) {
  constexpr int kDepth = 1024;
  std::vector<float> x(kDepth, 1.F), weight(kDepth, 1.F);
  for (const float sign : {1.F, -1.F}) {
    std::fill(weight.begin(), weight.end(), sign);
    const Rows a(kernels(), x, 1, kDepth);
    std::vector<int8_t> b(packed_int8_bytes(1, kDepth));
    std::vector<float> b_scales(kPanel);
    std::vector<int32_t> b_sums(kPanel);
    pack_int8(weight.data(), kDepth, 1, kDepth, b.data(), b_scales.data(), b_sums.data());
    float c = 0;
    kernels().multiply({.a = a.q.data(),
                        .a_stride = a.stride,
                        .a_scales = a.scales.data(),
                        .a_zeros = a.zeros.data(),
                        .b = b.data(),
                        .b_scales = b_scales.data(),
                        .b_sums = b_sums.data(),
                        .c = &c,
                        .c_stride = 1,
                        .rows = 1,
                        .columns = 1,
                        .depth = kDepth},
                       0, 1);
    EXPECT_NEAR(c, sign * kDepth, 0.01);
  }
}

INSTANTIATE_TEST_SUITE_P(EachInstructionSet, Int8Test, testing::Range(size_t{0}, usable().size()),
                         [](const auto& each) { return usable()[each.param].name; });

}  // namespace
}  // namespace thaw::tensor
