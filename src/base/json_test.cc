#include "base/json.h"

#include <gtest/gtest.h>
#include "base/json_bounds.h"

#include <cmath>
#include <limits>

namespace thaw {
namespace {

TEST(Json, WhatIsPrintedParsesToTheSameValue) {
  Json value = Json::object({{"text", "a \"b\" \n \xc3\xa9 \x01"},
                             {"whole", int64_t{-9007199254740993}},
                             {"real", 0.1},
                             {"yes", true},
                             {"none", nullptr},
                             {"list", Json::Array{1, "two", Json::object()}},
                             {"empty", Json::array()}});
  for (const auto style : {Json::Style::kCompact, Json::Style::kIndented}) {
    const auto back = Json::parse(value.dump(style));
    ASSERT_TRUE(back) << back.error().message();
    EXPECT_EQ(*back, value);
  }
}

TEST(Json, ObjectsKeepTheirOrder) {
  const auto value = Json::parse(R"({"z":1,"a":2,"m":3})");
  ASSERT_TRUE(value);
  EXPECT_EQ(value->dump(), R"({"z":1,"a":2,"m":3})");
}

TEST(Json, SetReplacesOrAppends) {
  Json value;
  value.set("a", Json()).set("x", 2);
  EXPECT_EQ(value.dump(), R"({"a":{"x":2}})") << "set returns the member, a null becomes an object";
  value.set("a", 3);
  value.set("b", 4);
  EXPECT_EQ(value.dump(), R"({"a":3,"b":4})");
}

TEST(Json, MissingMembersReadAsNullOrTheFallback) {
  const auto value = Json::parse(R"({"n":1,"s":"x","f":1.5,"b":true})");
  ASSERT_TRUE(value);
  EXPECT_TRUE((*value)["absent"].is_null());
  EXPECT_TRUE((*value)["n"]["deeper"].is_null());
  EXPECT_EQ(value->int_or("n", 7), 1);
  EXPECT_EQ(value->int_or("s", 7), 7);
  EXPECT_EQ(value->string_or("n", "d"), "d");
  EXPECT_DOUBLE_EQ(value->double_or("n", 0), 1.0);
  EXPECT_TRUE(value->bool_or("b", false));
}

TEST(JsonParse, FaultsNameLineAndColumn) {
  const auto value = Json::parse("{\n  \"a\": 1,\n  \"b\": oops\n}");
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().code(), Code::kInvalidArgument);
  EXPECT_NE(value.error().message().find("line 3"), std::string::npos) << value.error().message();
}

TEST(JsonParse, HostileTextIsRefused) {
  for (const std::string& text :
       {std::string(), std::string("{"), std::string("[1,]"), std::string("{\"a\":1}x"),
        std::string("\"\xff\xfe\""), std::string("nul"), std::string(1000, '['),
        std::string("{\"a\":1,\"a\":2}"), std::string("\"\x01\"", 3), std::string("\0", 1)}) {
    EXPECT_FALSE(Json::parse(text)) << text.substr(0, 20);
  }
}

TEST(JsonParse, NothingHidesBehindANul) {
  const auto value = Json::parse(std::string_view("{\"a\":1}\0junk", 12));
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().message(), "a NUL character at line 1, column 8");
}

TEST(JsonParse, DuplicateKeysAreNamed) {
  const auto value = Json::parse(R"({"a":1,"b":{"c":1,"c":2}})");
  ASSERT_FALSE(value);
  EXPECT_EQ(value.error().message(), "duplicate key \"c\"");
}

TEST(JsonParse, NestingIsBoundedAt128) {
  const auto nested = [](int depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(Json::parse(nested(128)));
  EXPECT_FALSE(Json::parse(nested(129)));
  EXPECT_FALSE(Json::parse(std::string(1 << 20, '[')));
}

TEST(JsonParse, WholeNumbersKeepAll64Bits) {
  EXPECT_EQ(Json::parse("9223372036854775807")->as_int(), std::numeric_limits<int64_t>::max());
  EXPECT_EQ(Json::parse("-9223372036854775808")->as_int(), std::numeric_limits<int64_t>::min());
  EXPECT_FALSE(Json::parse("9223372036854775808")->is_int());
  EXPECT_TRUE(Json::parse("9223372036854775808")->is_number());
}

TEST(JsonDump, WhatJsonCannotSayIsReplaced) {
  EXPECT_EQ(Json(std::nan("")).dump(), "null");
  EXPECT_EQ(Json(std::numeric_limits<double>::infinity()).dump(), "null");
  EXPECT_EQ(Json(std::string("a\xff")).dump(), "\"a\xef\xbf\xbd\"");
}

TEST(Json, ValuesAreBounded) {
  EXPECT_TRUE(parse_json(R"([1,{"a":[2]}])", 5));
  const auto many = parse_json(R"([1,{"a":[2]}])", 4);
  ASSERT_FALSE(many);
  EXPECT_EQ(many.error().message(), "more than 4 values");
  std::string zeros = "[";
  for (int i = 0; i < 1000; ++i) zeros += "0,";
  EXPECT_FALSE(parse_json(zeros + "no JSON", 1000)) << "what is behind is not read";
  EXPECT_EQ(parse_json(zeros + "no JSON", 999).error().message(), "more than 999 values");
}

}  // namespace
}  // namespace thaw
