#include "inference/v2_messages.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace thaw::inference {
namespace {

using testing::HasSubstr;

/// Length-delimited: id, bytes.
std::string field(int id, const std::string& bytes) {
  std::string out(1, static_cast<char>(id << 3 | 2));
  size_t size = bytes.size();
  for (; size > 127; size >>= 7) out += static_cast<char>((size & 127) | 128);
  return out + static_cast<char>(size) + bytes;
}
std::string raw_text(const std::string& text) {
  return std::string(1, static_cast<char>(text.size())) + std::string(3, '\0') + text;
}
std::string tensor(const std::string& contents, const std::string& type = "BYTES") {
  const std::string shape = "\x1a\x01\x01";  // packed [1]
  return field(5, field(1, "text") + field(2, type) + shape + contents);
}

std::string fault_of(const std::string& message) {
  const auto infer = decode_infer(message);
  EXPECT_FALSE(infer);
  return infer ? "" : infer.error().message();
}

TEST(V2Messages, TensorsOfContentsAndRawOnesAreTheSameBody) {
  const std::string about = field(1, "qa") + field(3, "7");
  const auto plain = decode_infer(about + tensor(field(5, field(8, "hello"))));
  ASSERT_TRUE(plain) << plain.error().message();
  EXPECT_EQ(plain->model.name, "qa");
  EXPECT_EQ(plain->body.dump(),
            R"({"inputs":[{"name":"text","datatype":"BYTES","shape":[1],"data":["hello"]}],)"
            R"("id":"7"})");
  const auto raw = decode_infer(about + tensor("") + field(7, raw_text("hello")));
  ASSERT_TRUE(raw) << raw.error().message();
  EXPECT_EQ(raw->body, plain->body);
  EXPECT_EQ(raw->tensors, InferMessage::Tensors::kRaw);
}

TEST(V2Messages, AShapeMayBePackedOrNotAndEmpty) {
  const auto shape_of = [](const std::string& shape) {
    const auto infer = decode_infer(field(5, field(1, "text") + field(2, "BYTES") + shape));
    return infer ? infer->body["inputs"].as_array()[0]["shape"].dump() : infer.error().message();
  };
  EXPECT_EQ(shape_of("\x1a\x02\x02\x03"), "[2,3]");
  EXPECT_EQ(shape_of("\x18\x02\x18\x03"), "[2,3]");
  EXPECT_EQ(shape_of(std::string("\x1a\0", 2)), "[]");
  EXPECT_EQ(shape_of("\x1a\x02\x80\x80"), "the message is malformed");
}

TEST(V2Messages, ParametersKeepTheirKinds) {
  const std::string yes = field(4, field(1, "a") + field(2, std::string("\x08\x01")));
  const std::string number = field(4, field(1, "b") + field(2, std::string("\x10\x05")));
  const std::string text = field(4, field(1, "c") + field(2, field(3, "d")));
  EXPECT_EQ(decode_infer(yes + number + text)->body["parameters"].dump(),
            R"({"a":true,"b":5,"c":"d"})");
}

TEST(V2Messages, ParametersOfOtherKindsAndOfTensorsAreNotPassedOver) {
  const std::string half("\x21\0\0\0\0\0\0\xe0\x3f", 9);  // double_param
  EXPECT_EQ(fault_of(field(4, field(1, "top_k") + field(2, half))),
            "parameters.top_k: is neither bool_param nor int64_param nor string_param");
  const auto yes = [](const char* name) {
    return field(4, field(1, name) + field(2, std::string("\x08\x01")));
  };
  const auto infer = decode_infer(tensor(yes("shared_memory")));
  ASSERT_TRUE(infer);
  EXPECT_EQ(infer->body["inputs"].as_array()[0]["parameters"].dump(), R"({"shared_memory":true})");
  EXPECT_THAT(fault_of(tensor(yes("binary_data_size"))), HasSubstr("REST form"));
}

TEST(V2Messages, WhatIsWrongIsTold) {
  for (const char* bytes : {"\x0a\x05hi", "\x07", "\x03\x01", "\xff", "\x2a\x02\x1a\x05"}) {
    EXPECT_EQ(fault_of(bytes), "the message is malformed");
  }
  EXPECT_THAT(fault_of(tensor("") + field(7, "\x05")), HasSubstr("raw_input_contents[0]"));
  EXPECT_THAT(fault_of(tensor("") + field(7, raw_text("a")) + field(7, raw_text("b"))),
              HasSubstr("has 2 tensors, inputs has 1"));
  EXPECT_THAT(fault_of(tensor(field(5, field(8, "a"))) + field(7, raw_text("b"))),
              HasSubstr("must be empty beside raw_input_contents"));
  std::string many;
  for (size_t i = 0; i <= kMostTensors; ++i) many += tensor("");
  EXPECT_THAT(fault_of(many), HasSubstr("more than 64 tensors"));
  many.clear();
  for (size_t i = 0; i <= kMostTensors; ++i) many += field(6, field(1, "text"));
  EXPECT_THAT(fault_of(many), HasSubstr("more than 64 tensors"));
  EXPECT_THAT(fault_of(tensor("") + field(7, raw_text("\xff"))), HasSubstr("text 0 is no UTF-8"));
}

TEST(V2Messages, OutputsAndVersionsAreRead) {
  const auto infer =
      decode_infer(field(1, "qa") + field(2, "99") + field(6, field(1, "end")) + tensor(""));
  ASSERT_TRUE(infer) << infer.error().message();
  EXPECT_EQ(infer->model.version, "99");
  EXPECT_EQ(infer->body["outputs"].dump(), R"([{"name":"end"}])");
  const auto model = decode_name(field(1, "qa") + field(2, "1"));
  EXPECT_EQ(model->name, "qa");
  EXPECT_EQ(model->version, "1");

  const auto yes = [](const char* name) {
    return field(1, name) + field(2, std::string("\x08\x01"));
  };
  EXPECT_THAT(fault_of(field(4, yes("binary_data_output"))), HasSubstr("REST form"));
  EXPECT_THAT(fault_of(field(6, field(1, "end") + field(2, yes("binary_data")))),
              HasSubstr("REST form"));
}

TEST(V2Messages, WhatIsTooMuchIsToldBeforeItIsTaken) {
  std::string parameters, sizes;
  for (size_t i = 0; i <= kMostParameters; ++i) {
    parameters += field(4, field(1, std::to_string(i)) + field(2, std::string("\x08\x01")));
  }
  EXPECT_THAT(fault_of(parameters), HasSubstr("more than 64 parameters"));
  const std::string one = field(4, field(1, "a") + field(2, std::string("\x08\x01")));
  std::string same;
  for (size_t i = 0; i <= kMostParameters; ++i) same += one;
  EXPECT_TRUE(decode_infer(same)) << "a map's later entry replaces the one before it";

  for (size_t i = 0; i <= kMostDimensions; ++i) sizes += '\x01';
  EXPECT_THAT(fault_of(field(5, field(3, sizes))), HasSubstr("more than 16 sizes"));
  sizes.assign(1 << 20, '\x01');
  EXPECT_THAT(fault_of(field(5, field(3, sizes))), HasSubstr("more than 16 sizes"));
}

TEST(V2Messages, TextsOfAllTensorsTogetherAreBounded) {
  const auto texts = [](size_t count) {
    std::string all;
    for (size_t i = 0; i < count; ++i) all += field(8, "a");
    return field(5, field(2, "BYTES") + field(5, all));
  };
  constexpr size_t kHalf = kMostValues / 2;
  EXPECT_TRUE(decode_infer(texts(kHalf) + texts(kHalf)));
  EXPECT_THAT(fault_of(texts(kHalf) + texts(kHalf + 1)), HasSubstr("more than 100000 texts"));
  const auto raw = [](size_t count) {
    std::string all;
    for (size_t i = 0; i < count; ++i) all += raw_text("a");
    return field(7, all);
  };
  const std::string two = tensor("") + tensor("");
  EXPECT_TRUE(decode_infer(two + raw(kHalf) + raw(kHalf)));
  EXPECT_THAT(fault_of(two + raw(kHalf) + raw(kHalf + 1)), HasSubstr("more than 100000 texts"));
}

TEST(V2Messages, AnswersHaveTheirNumbersWhereTheRequestHadItsTexts) {
  const Json answer = Json::parse(R"({"model_name":"m","id":"7","outputs":[
      {"name":"label","datatype":"BYTES","shape":[1],"data":["A"]},
      {"name":"score","datatype":"FP64","shape":[1],"data":[0.5]},
      {"name":"start","datatype":"INT64","shape":[1],"data":[300]}]})")
                          .value();
  const std::string half("\0\0\0\0\0\0\xe0\x3f", 8);
  const std::string plain = encode_infer(answer, {}, InferMessage::Tensors::kContents).value();
  EXPECT_THAT(plain, HasSubstr(field(5, field(8, "A"))));
  EXPECT_THAT(plain, HasSubstr(field(5, field(7, half))));
  EXPECT_THAT(plain, HasSubstr(field(5, field(3, "\xac\x02"))));
  const std::string raw = encode_infer(answer, {}, InferMessage::Tensors::kRaw).value();
  EXPECT_THAT(raw, HasSubstr(field(6, raw_text("A")) + field(6, half) +
                             field(6, std::string("\x2c\x01\0\0\0\0\0\0", 8))));
}

TEST(V2Messages, NumbersThatAreNoneAreNaN) {
  const auto answer = [](const char* type, const char* data) {
    return Json::parse(fmt::format(R"({{"outputs":[{{"name":"x","datatype":"{}","shape":[1],
        "data":[{}]}}]}})",
                                   type, data))
        .value();
  };
  const std::string none("\0\0\0\0\0\0\xf8\x7f", 8), none32("\0\0\xc0\x7f", 4);
  for (const auto tensors : {InferMessage::Tensors::kContents, InferMessage::Tensors::kRaw}) {
    EXPECT_THAT(encode_infer(answer("FP64", "null"), {}, tensors).value(), HasSubstr(none));
    EXPECT_THAT(encode_infer(answer("FP32", "null"), {}, tensors).value(), HasSubstr(none32));
    for (const auto& [type, data] : {std::pair("INT64", "null"), std::pair("INT64", "0.5"),
                                     std::pair("BYTES", "null"), std::pair("FP64", "\"a\"")}) {
      const auto encoded = encode_infer(answer(type, data), {}, tensors);
      ASSERT_FALSE(encoded) << type << data;
      EXPECT_EQ(encoded.error().code(), Code::kInternal);
      EXPECT_THAT(encoded.error().message(), HasSubstr(fmt::format("that is no {}", type)));
    }
  }
}

TEST(V2Messages, TextsAreUtf8AndTheOnlyValues) {
  EXPECT_EQ(fault_of(tensor(field(5, field(8, "a") + field(8, "b\xff")))),
            "inputs[0].contents.bytes_contents[1]: is no UTF-8");
  const std::string numbers = field(3, "\x01");  // int64_contents
  EXPECT_EQ(fault_of(tensor(field(5, field(8, "a") + numbers))),
            "inputs[0].contents: only bytes_contents is of BYTES");
  EXPECT_TRUE(decode_infer(tensor(field(5, numbers), "INT64"))) << "its datatype is refused later";
  for (const std::string& message :
       {field(1, "\xff"), field(2, "\xff"), field(3, "\xff"), field(4, field(1, "\xff")),
        field(4, field(1, "a") + field(2, field(3, "\xff"))), field(6, field(1, "\xff")),
        field(5, field(1, "\xff")), field(5, field(2, "\xff"))}) {
    EXPECT_THAT(fault_of(message), HasSubstr("the message is malformed"));
  }
}

}  // namespace
}  // namespace thaw::inference
