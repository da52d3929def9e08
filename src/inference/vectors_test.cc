#include "inference/vectors.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/json.h"

namespace thaw::inference {
namespace {

std::string text_of(float number) { return vectors_json({{number}}); }

TEST(Vectors, NumbersHaveTheFewestDigits) {
  EXPECT_EQ(text_of(0.1F), "[[0.1]]");
  EXPECT_EQ(text_of(-0.333333343F), "[[-0.33333334]]");
  EXPECT_EQ(text_of(1.0F), "[[1.0]]");
  EXPECT_EQ(text_of(0.0F), "[[0.0]]");
  EXPECT_EQ(text_of(1e-10F), "[[1e-10]]");
  EXPECT_EQ(text_of(std::nanf("")), "[[null]]");
  EXPECT_EQ(text_of(-INFINITY), "[[null]]");
  EXPECT_EQ(vectors_json({}), "[]");
  EXPECT_EQ(vectors_json({{1, 2}, {}, {0.5F}}), "[[1.0,2.0],[],[0.5]]");
}

TEST(Vectors, TheSameFloatsAreReadBack) {
  using Limits = std::numeric_limits<float>;
  std::vector<float> all = {Limits::min(), Limits::max(), Limits::denorm_min(), Limits::epsilon()};
  for (int i = 1; i < 1000; ++i) all.push_back(1.0F / static_cast<float>(i));
  std::string json;
  append_vector(json, all);
  const Json read = Json::parse(json).value();
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(static_cast<float>(read.as_array()[i].as_double()), all[i]);
  }
}

}  // namespace
}  // namespace thaw::inference
