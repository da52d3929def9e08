#include "tensor/safetensors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tensor/safetensors_testing.h"

namespace thaw::tensor {
namespace {

using testing::HasSubstr;

TEST(Safetensors, ReadsNamesShapesAndData) {
  const std::string file = safetensors_file(
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"I64","shape":[],"data_offsets":[8,16]},)"
      R"("a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}   )",
      raw<float>({1.5F, -2.F}) + raw<int64_t>({7}));
  const auto tensors = parse_safetensors(as_bytes(file)).value();
  ASSERT_EQ(tensors.size(), 2U);
  EXPECT_EQ(tensors[0].name, "a");
  EXPECT_EQ(tensors[0].shape, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(tensors[0].elements(), 2);
  float out[2];
  read_floats(tensors[0], 0, out);
  EXPECT_EQ(out[0], 1.5F);
  EXPECT_EQ(out[1], -2.F);
  EXPECT_EQ(tensors[1].dtype, DType::kI64);
  EXPECT_EQ(tensors[1].elements(), 1);
}

TEST(Safetensors, TensorsWithoutElementsAreFine) {
  const std::string file =
      safetensors_file(R"({"a":{"dtype":"F32","shape":[0,9],"data_offsets":[0,0]},)"
                       R"("b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
                       "x");
  EXPECT_EQ(parse_safetensors(as_bytes(file)).value().size(), 2U);
}

std::vector<float> read_as(std::string_view dtype, const std::string& data, int count) {
  const std::string file = safetensors_file(
      R"({"a":{"dtype":")" + std::string(dtype) + R"(","shape":[)" + std::to_string(count) +
          R"(],"data_offsets":[0,)" + std::to_string(data.size()) + "]}}",
      data);
  std::vector<float> out(static_cast<size_t>(count));
  read_floats(parse_safetensors(as_bytes(file)).value()[0], 0, out);
  return out;
}

TEST(Safetensors, HalfAndBrainFloatsBecomeTheSameFloats) {
  // 1, -2, the largest, the smallest normal, the smallest, minus zero.
  EXPECT_EQ(read_as("F16", raw<uint16_t>({0x3C00, 0xC000, 0x7BFF, 0x0400, 0x0001, 0x8000}), 6),
            (std::vector<float>{1, -2, 65504, 0x1p-14F, 0x1p-24F, -0.F}));
  const auto odd = read_as("F16", raw<uint16_t>({0x7C00, 0xFC00, 0x7E00}), 3);
  EXPECT_EQ(odd[0], INFINITY);
  EXPECT_EQ(odd[1], -INFINITY);
  EXPECT_TRUE(std::isnan(odd[2]));
  EXPECT_EQ(read_as("BF16", raw<uint16_t>({0x3F80, 0xC000, 0x7F80}), 3),
            (std::vector<float>{1, -2, INFINITY}));
  EXPECT_EQ(read_as("F64", raw<double>({0.5, -3}), 2), (std::vector<float>{0.5F, -3}));
}

struct Broken {
  const char* what;
  std::string header;
  std::string_view message;
  std::string data = "01234567";
};

std::string one(std::string_view entry) { return R"({"w":)" + std::string(entry) + "}"; }

const Broken kBroken[] = {
    {"no JSON", "hello", "header: "},
    {"empty header", "", "header: "},
    {"cut JSON", R"({"w":{"dtype":"F32")", "header: "},
    {"two JSON values", "{}{}", "header: "},
    {"a list", "[]", "must be a JSON object"},
    {"a number", "12", "must be a JSON object"},
    {"no UTF-8", "{\"\xff\xfe\":{}}", "header: "},
    {"nested without end", std::string(5000, '['), "header: "},
    {"a name twice",
     R"({"w":{"dtype":"U8","shape":[8],"data_offsets":[0,8]},)"
     R"("w":{"dtype":"U8","shape":[8],"data_offsets":[0,8]}})",
     "duplicate key \"w\""},
    {"metadata of numbers", R"({"__metadata__":{"a":1}})", "__metadata__"},
    {"metadata list", R"({"__metadata__":[]})", "__metadata__"},
    {"entry is a number", one("7"), "tensor 'w': must be an object"},
    {"entry is null", one("null"), "tensor 'w': must be an object"},
    {"no dtype", one(R"({"shape":[8],"data_offsets":[0,8]})"), "tensor 'w': dtype is missing"},
    {"no shape", one(R"({"dtype":"U8","data_offsets":[0,8]})"), "tensor 'w': shape is missing"},
    {"no offsets", one(R"({"dtype":"U8","shape":[8]})"), "tensor 'w': data_offsets is missing"},
    {"unknown key", one(R"({"dtype":"U8","shape":[8],"data_offsets":[0,8],"x":1})"),
     "tensor 'w': unknown key \"x\""},
    {"dtype is a number", one(R"({"dtype":3,"shape":[8],"data_offsets":[0,8]})"),
     "tensor 'w': dtype must be a text"},
    {"unknown dtype", one(R"({"dtype":"F33","shape":[2],"data_offsets":[0,8]})"),
     "tensor 'w': unknown dtype \"F33\""},
    {"dtype in lower case", one(R"({"dtype":"f32","shape":[2],"data_offsets":[0,8]})"),
     "tensor 'w': unknown dtype \"f32\""},
    {"shape is a number", one(R"({"dtype":"U8","shape":8,"data_offsets":[0,8]})"),
     "tensor 'w': shape must be a list"},
    {"negative dimension", one(R"({"dtype":"U8","shape":[-8],"data_offsets":[0,8]})"),
     "tensor 'w': shape holds -8"},
    {"broken dimension", one(R"({"dtype":"U8","shape":[8.5],"data_offsets":[0,8]})"),
     "tensor 'w': shape holds 8.5"},
    {"text for a dimension", one(R"({"dtype":"U8","shape":["8"],"data_offsets":[0,8]})"),
     "tensor 'w': shape holds \"8\""},
    {"dimension over 2^63",
     one(R"({"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,8]})"),
     "tensor 'w': shape holds"},
    {"product overflows",
     one(R"({"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]})"),
     "larger than any memory"},
    {"bytes overflow", one(R"({"dtype":"F64","shape":[2305843009213693953],"data_offsets":[0,8]})"),
     "does not take the 8 bytes"},
    {"nine dimensions", one(R"({"dtype":"U8","shape":[1,1,1,1,1,1,1,1,8],"data_offsets":[0,8]})"),
     "tensor 'w': shape has 9 dimensions"},
    {"offsets are a number", one(R"({"dtype":"U8","shape":[8],"data_offsets":8})"),
     "tensor 'w': data_offsets must be two"},
    {"one offset", one(R"({"dtype":"U8","shape":[8],"data_offsets":[8]})"),
     "tensor 'w': data_offsets must be two"},
    {"three offsets", one(R"({"dtype":"U8","shape":[8],"data_offsets":[0,4,8]})"),
     "tensor 'w': data_offsets must be two"},
    {"broken offset", one(R"({"dtype":"U8","shape":[8],"data_offsets":[0,8.5]})"),
     "tensor 'w': data_offsets must be two"},
    {"negative offset", one(R"({"dtype":"U8","shape":[8],"data_offsets":[-1,7]})"),
     "tensor 'w': data_offsets [-1, 7] is no range"},
    {"end before begin", one(R"({"dtype":"U8","shape":[8],"data_offsets":[8,0]})"),
     "tensor 'w': data_offsets [8, 0] is no range"},
    {"end behind the file", one(R"({"dtype":"U8","shape":[9],"data_offsets":[0,9]})"),
     "tensor 'w': data_offsets [0, 9] end behind the file's 8 bytes"},
    {"far behind the file",
     one(R"({"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,9223372036854775807]})"),
     "end behind the file's 8 bytes"},
    {"shape too small", one(R"({"dtype":"F32","shape":[1],"data_offsets":[0,8]})"),
     "tensor 'w': F32 of shape [1] does not take the 8 bytes"},
    {"shape too large", one(R"({"dtype":"F32","shape":[3],"data_offsets":[0,8]})"),
     "tensor 'w': F32 of shape [3] does not take the 8 bytes"},
    {"half an element", one(R"({"dtype":"F32","shape":[1],"data_offsets":[0,6]})"),
     "does not take the 6 bytes"},
    {"gap at the start", one(R"({"dtype":"U8","shape":[4],"data_offsets":[4,8]})"),
     "tensor 'w': begins at byte 4 of the data"},
    {"overlap",
     R"({"v":{"dtype":"U8","shape":[5],"data_offsets":[0,5]},)"
     R"("w":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})",
     "tensor 'w': begins at byte 4 of the data, but the one before it ends at 5"},
    {"gap between",
     R"({"v":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},)"
     R"("w":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})",
     "tensor 'w': begins at byte 4 of the data, but the one before it ends at 3"},
    {"data left over", one(R"({"dtype":"U8","shape":[4],"data_offsets":[0,4]})"),
     "the tensors end at byte 4 of the data, which has 8"},
    {"data without tensors", "{}", "the tensors end at byte 0 of the data, which has 8"},
    {"data missing", one(R"({"dtype":"U8","shape":[8],"data_offsets":[0,8]})"),
     "tensor 'w': data_offsets [0, 8] end behind the file's 0 bytes", ""},
};

TEST(Safetensors, EveryBrokenFileIsRefusedWithTheTensorOrKey) {
  for (const Broken& broken : kBroken) {
    const std::string file = safetensors_file(broken.header, broken.data);
    const auto tensors = parse_safetensors(as_bytes(file));
    ASSERT_FALSE(tensors) << broken.what;
    EXPECT_EQ(tensors.error().code(), Code::kInvalidArgument) << broken.what;
    EXPECT_THAT(tensors.error().message(), HasSubstr(broken.message)) << broken.what;
  }
}

TEST(Safetensors, AWrongLengthIsRefused) {
  const auto fault = [](std::string_view file) {
    return parse_safetensors(as_bytes(file)).error().message();
  };
  EXPECT_THAT(fault(""), HasSubstr("0 bytes are no safetensors file"));
  EXPECT_THAT(fault("1234567"), HasSubstr("7 bytes are no safetensors file"));
  EXPECT_THAT(fault("PK\x03\x04zipfilezipfile"), HasSubstr("this is no safetensors file"));
  EXPECT_THAT(fault(std::string(8, '\xff')), HasSubstr("this is no safetensors file"));
  std::string cut = safetensors_file(one(R"({"dtype":"U8","shape":[8],"data_offsets":[0,8]})"), "");
  EXPECT_THAT(fault(cut.substr(0, 20)), HasSubstr("cut short"));
}

TEST(Safetensors, AnyCutOfAGoodFileIsRefused) {
  const std::string file =
      safetensors_file(one(R"({"dtype":"U8","shape":[8],"data_offsets":[0,8]})"), "01234567");
  ASSERT_TRUE(parse_safetensors(as_bytes(file)));
  for (size_t size = 0; size < file.size(); ++size) {
    EXPECT_FALSE(parse_safetensors(as_bytes(std::string_view(file).substr(0, size)))) << size;
  }
}

}  // namespace
}  // namespace thaw::tensor
