#include "tensor/kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>
#include <vector>

namespace thaw::tensor {
namespace {

/// Every instruction set of the machine, each against plain arithmetic in double.
class KernelsTest : public testing::TestWithParam<size_t> {
 protected:
  const Kernels& kernels() const { return usable_kernels()[GetParam()]; }

  std::vector<float> numbers(size_t count, float spread = 1) {
    std::normal_distribution<float> normal(0, spread);
    std::vector<float> made(count);
    for (float& each : made) each = normal(random_);
    return made;
  }

  std::mt19937 random_{7};
};

double gelu(double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2))); }

double activated(double x, Activation activation) {
  if (activation == Activation::kGelu) return gelu(x);
  if (activation == Activation::kRelu) return std::max(x, 0.0);
  if (activation == Activation::kTanh) return std::tanh(x);
  if (activation == Activation::kGeluTanh) {
    return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
  }
  if (activation == Activation::kSilu) return x / (1 + std::exp(-x));
  return activation == Activation::kSigmoid ? 1 / (1 + std::exp(-x)) : x;
}

struct Shape {
  int rows, columns, depth;
};

TEST_P(KernelsTest, ProductsAreRightForEveryRest) {
  std::vector<Shape> shapes = {{97, 33, 5}, {3, 2, 1537}, {200, 17, 769}, {1, 1, 1}, {6, 16, 768}};
  for (int rows = 1; rows <= 13; ++rows) shapes.push_back({rows, 5 + 3 * rows, 40 - rows});
  for (const Shape& shape : shapes) {
    const auto [rows, columns, depth] = shape;
    const size_t stride = static_cast<size_t>(depth) + 3,
                 out_stride = static_cast<size_t>(columns) + 1;
    const auto a = numbers(static_cast<size_t>(rows) * stride);
    const auto weight = numbers(static_cast<size_t>(columns * depth));
    const auto bias = numbers(static_cast<size_t>(columns));
    // Panels may be read ahead of, but only the packed floats are used.
    std::vector<float> packed(packed_floats(columns, depth));
    pack_transposed(weight.data(), static_cast<size_t>(depth), columns, depth, packed.data());
    for (const Activation activation :
         {Activation::kNone, Activation::kGelu, Activation::kRelu, Activation::kTanh,
          Activation::kGeluTanh, Activation::kSilu, Activation::kSigmoid}) {
      std::vector<float> c(static_cast<size_t>(rows) * out_stride, -77);
      const Product product = {.a = a.data(),
                               .a_stride = stride,
                               .b = packed.data(),
                               .c = c.data(),
                               .c_stride = out_stride,
                               .rows = rows,
                               .columns = columns,
                               .depth = depth,
                               .bias = bias.data(),
                               .activation = activation};
      const int middle = panels_of(columns) / 2;
      kernels().multiply(product, 0, middle);
      kernels().multiply(product, middle, panels_of(columns));
      for (int row = 0; row < rows; ++row) {
        for (int column = 0; column < columns; ++column) {
          double sum = bias[static_cast<size_t>(column)], size = std::abs(sum);
          for (int k = 0; k < depth; ++k) {
            const double term =
                double{a[static_cast<size_t>(row) * stride + static_cast<size_t>(k)]} *
                weight[static_cast<size_t>(column * depth + k)];
            sum += term;
            size += std::abs(term);
          }
          ASSERT_NEAR(c[static_cast<size_t>(row) * out_stride + static_cast<size_t>(column)],
                      activated(sum, activation), 1e-6 * (size + 1))
              << kernels().name << " " << rows << "x" << columns << "x" << depth;
        }
        ASSERT_EQ(c[static_cast<size_t>(row) * out_stride + static_cast<size_t>(columns)], -77)
            << "nothing is written beside the matrix";
      }
    }
  }
}

TEST_P(KernelsTest, ProductsWithoutBias) {
  const auto a = numbers(6), b = numbers(12);
  std::vector<float> packed(packed_floats(4, 3)), c(8);
  pack_plain(b.data(), 4, 4, 3, packed.data());
  kernels().multiply({.a = a.data(),
                      .a_stride = 3,
                      .b = packed.data(),
                      .c = c.data(),
                      .c_stride = 4,
                      .rows = 2,
                      .columns = 4,
                      .depth = 3},
                     0, 1);
  for (size_t row = 0; row < 2; ++row) {
    for (size_t column = 0; column < 4; ++column) {
      double sum = 0;
      for (size_t k = 0; k < 3; ++k) sum += double{a[row * 3 + k]} * b[k * 4 + column];
      EXPECT_NEAR(c[row * 4 + column], sum, 1e-6);
    }
  }
}

TEST_P(KernelsTest, SoftmaxSumsToOneAndFollowsTheFormula) {
  for (int columns = 1; columns <= 67; ++columns) {
    const size_t stride = static_cast<size_t>(columns) + 2;
    auto rows = numbers(3 * stride, 20);
    const auto before = rows;
    kernels().softmax(rows.data(), stride, 3, columns, 0.25F);
    for (size_t row = 0; row < 3; ++row) {
      double largest = -1e9, sum = 0;
      for (size_t i = 0; i < static_cast<size_t>(columns); ++i) {
        largest = std::max(largest, 0.25 * before[row * stride + i]);
      }
      for (size_t i = 0; i < static_cast<size_t>(columns); ++i) {
        sum += std::exp(0.25 * before[row * stride + i] - largest);
      }
      for (size_t i = 0; i < static_cast<size_t>(columns); ++i) {
        const double exact = std::exp(0.25 * before[row * stride + i] - largest) / sum;
        ASSERT_NEAR(rows[row * stride + i], exact, 5e-6 * exact + 1e-30) << columns;
      }
      EXPECT_EQ(rows[row * stride + stride - 1], before[row * stride + stride - 1]);
    }
  }
}

TEST_P(KernelsTest, SoftmaxOfFarApartLogitsIsZeroAndOne) {
  std::vector<float> row = {1e4F, -1e4F, 0, -10000, 3, 2, 1, 0, 5};
  kernels().softmax(row.data(), row.size(), 1, static_cast<int>(row.size()), 1);
  EXPECT_EQ(row[0], 1);
  for (size_t i = 1; i < row.size(); ++i) EXPECT_EQ(row[i], 0);
}

TEST_P(KernelsTest, LayerNormWithAndWithoutASecondInput) {
  for (const int columns : {1, 7, 8, 31, 32, 48, 768, 770}) {
    const auto size = static_cast<size_t>(columns);
    const auto x = numbers(size, 3), y = numbers(size), weight = numbers(size),
               bias = numbers(size);
    for (const float* second : {static_cast<const float*>(nullptr), y.data()}) {
      std::vector<float> out(size);
      kernels().layer_norm(x.data(), second, out.data(), columns, weight.data(), bias.data(),
                           1e-5F);
      double mean = 0, variance = 0;
      std::vector<double> sum(size);
      for (size_t i = 0; i < size; ++i) mean += sum[i] = double{x[i]} + (second ? second[i] : 0);
      mean /= columns;
      for (const double each : sum) variance += (each - mean) * (each - mean) / columns;
      for (size_t i = 0; i < size; ++i) {
        const double exact = (sum[i] - mean) / std::sqrt(variance + 1e-5) * weight[i] + bias[i];
        ASSERT_NEAR(out[i], exact, 1e-5 * (1 + std::abs(exact))) << columns;
      }
    }
  }
}

TEST_P(KernelsTest, GeluHoldsItsTolerance) {
  std::vector<float> x;
  for (int i = -120'000; i <= 120'000; i += 7) x.push_back(static_cast<float>(i) * 1e-4F);
  x.insert(x.end(), {-1e30F, 1e30F, 0.F});
  auto out = x;
  kernels().activate(out.data(), out.size(), Activation::kGelu);
  for (size_t i = 0; i < x.size(); ++i) {
    ASSERT_NEAR(out[i], gelu(x[i]), 5e-7 + 1.2e-7 * std::abs(x[i])) << x[i];
  }
}

TEST(Pack, TransposesEveryRestAndFillsUpWithZeros) {
  for (const int columns : {1, 4, 15, 16, 17, 35, 48}) {
    for (const int depth : {1, 3, 4, 7, 64, 65}) {
      const size_t stride = static_cast<size_t>(depth) + 3;
      std::vector<float> from(static_cast<size_t>(columns) * stride);
      for (size_t i = 0; i < from.size(); ++i) from[i] = static_cast<float>(i + 1);
      std::vector<float> to(packed_floats(columns, depth) + 1, -77);
      pack_transposed(from.data(), stride, columns, depth, to.data());
      for (int column = 0; column < panels_of(columns) * kPanel; ++column) {
        for (int k = 0; k < depth; ++k) {
          const float want =
              column < columns ? from[static_cast<size_t>(column) * stride + static_cast<size_t>(k)]
                               : 0.F;
          const int at = (column / kPanel * depth + k) * kPanel + column % kPanel;
          ASSERT_EQ(to[static_cast<size_t>(at)], want) << columns << "x" << depth;
        }
      }
      ASSERT_EQ(to.back(), -77) << "nothing is written beside the panels";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(EachInstructionSet, KernelsTest,
                         testing::Range(size_t{0}, usable_kernels().size()), [](const auto& each) {
                           return std::string(usable_kernels()[each.param].name);
                         });

}  // namespace
}  // namespace thaw::tensor
