#include "tensor/weights.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "tensor/safetensors_testing.h"

namespace thaw::tensor {
namespace {

using testing::HasSubstr;

class WeightsTest : public testing::Test {
 protected:
  WeightsTest() {
    std::string path = testing::TempDir() + "weights-XXXXXX";
    folder_ = mkdtemp(path.data());
  }
  ~WeightsTest() override { std::filesystem::remove_all(folder_); }

  void put(const std::string& name, const std::string& content) {
    std::ofstream(folder_ + "/" + name, std::ios::binary) << content;
  }
  static std::string tensor_file(std::string_view name, float value) {
    return safetensors_file(
        "{\"" + std::string(name) + R"(":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
        raw<float>({value}));
  }
  static float value(const Weights& weights, std::string_view name) {
    float out = 0;
    read_floats(*weights.get(name, {1}).value(), 0, {&out, 1});
    return out;
  }
  std::string fault() { return Weights::open(folder_).error().message(); }

  std::string folder_;
};

TEST_F(WeightsTest, OneFile) {
  put("model.safetensors", tensor_file("w", 3));
  const Weights weights = Weights::open(folder_).value();
  EXPECT_EQ(value(weights, "w"), 3);
  EXPECT_EQ(weights.find("v"), nullptr);
}

TEST_F(WeightsTest, ShardsAreOneModel) {
  put("a.safetensors", tensor_file("v", 1));
  put("b.safetensors", tensor_file("w", 2));
  put("model.safetensors.index.json",
      R"({"metadata":{},"weight_map":{"v":"a.safetensors","w":"b.safetensors"}})");
  const Weights weights = Weights::open(folder_).value();
  EXPECT_EQ(value(weights, "v"), 1);
  EXPECT_EQ(value(weights, "w"), 2);
}

TEST_F(WeightsTest, FaultsOfShardsNameTheFile) {
  EXPECT_THAT(fault(), HasSubstr("has neither model.safetensors nor model.safetensors.index.json"));
  put("model.safetensors.index.json", "{");
  EXPECT_THAT(fault(), HasSubstr("index.json: "));
  put("model.safetensors.index.json", "{}");
  EXPECT_THAT(fault(), HasSubstr("weight_map: must be an object"));
  put("model.safetensors.index.json", R"({"weight_map":{"w":"../w.safetensors"}})");
  EXPECT_THAT(fault(), HasSubstr("'w' must name a file in the same folder"));
  put("model.safetensors.index.json", R"({"weight_map":{"w":7}})");
  EXPECT_THAT(fault(), HasSubstr("'w' must name a file in the same folder"));
  put("model.safetensors.index.json", R"({"weight_map":{"w":"a.safetensors"}})");
  EXPECT_THAT(fault(), HasSubstr("a.safetensors"));
  put("a.safetensors", tensor_file("v", 1));
  EXPECT_THAT(fault(), HasSubstr("tensor 'w' is not in a.safetensors"));
  put("model.safetensors.index.json",
      R"({"weight_map":{"v":"a.safetensors","w":"b.safetensors"}})");
  put("b.safetensors", tensor_file("v", 1));
  EXPECT_THAT(fault(), HasSubstr("tensor 'v' is in another file of the model too"));
}

TEST_F(WeightsTest, OldNamesAreFoundUnderTheNew) {
  put("model.safetensors", tensor_file("LayerNorm.gamma", 5));
  EXPECT_EQ(value(Weights::open(folder_).value(), "LayerNorm.weight"), 5);
  put("model.safetensors", tensor_file("LayerNorm.beta", 6));
  EXPECT_EQ(value(Weights::open(folder_).value(), "LayerNorm.bias"), 6);
}

TEST_F(WeightsTest, AWrongTensorIsNamed) {
  put("model.safetensors",
      safetensors_file(R"({"w":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}})", "abcd"));
  const Weights weights = Weights::open(folder_).value();
  EXPECT_THAT(weights.get("v", {1}).error().message(), HasSubstr("tensor 'v' is missing"));
  EXPECT_THAT(weights.get("w", {2, 1}).error().message(),
              HasSubstr("tensor 'w' has the shape [1], but config.json means [2, 1]"));
  EXPECT_THAT(weights.get("w", {1}).error().message(), HasSubstr("tensor 'w' is I32"));
}

TEST_F(WeightsTest, OnlyRegularFilesAreRead) {
  std::filesystem::create_directory(folder_ + "/model.safetensors");
  EXPECT_THAT(fault(), HasSubstr("not a regular file"));
  std::filesystem::remove(folder_ + "/model.safetensors");
  put("model.safetensors", "");
  EXPECT_THAT(fault(), HasSubstr("0 bytes are no safetensors file"));
}

}  // namespace
}  // namespace thaw::tensor
