#include "rpc/status.h"

#include <gtest/gtest.h>

#include "rpc/message.h"

namespace thaw::rpc {
namespace {

TEST(RpcStatus, NumbersAreGrpcs) {
  EXPECT_EQ(status_number(Code::kCancelled), 1);
  EXPECT_EQ(status_number(Code::kNotFound), 5);
  EXPECT_EQ(status_number(Code::kUnimplemented), 12);
  EXPECT_EQ(status_number(Code::kUnauthenticated), 16);
}

TEST(RpcStatus, MessagesArePercentEncoded) {
  EXPECT_EQ(encode_message("plain: 'text'"), "plain: 'text'");
  EXPECT_EQ(encode_message("100%\n\xc3\xa9"), "100%25%0A%C3%A9");
}

TEST(RpcStatus, TimeoutsHaveUpToEightDigitsAndAUnit) {
  EXPECT_EQ(parse_timeout("2H"), std::chrono::hours(2));
  EXPECT_EQ(parse_timeout("3M"), std::chrono::minutes(3));
  EXPECT_EQ(parse_timeout("5S"), seconds(5));
  EXPECT_EQ(parse_timeout("100m"), milliseconds(100));
  EXPECT_EQ(parse_timeout("7u"), std::chrono::microseconds(7));
  EXPECT_EQ(parse_timeout("99999999n"), std::chrono::nanoseconds(99999999));
  for (const char* long_one : {"8761H", "2562047H", "99999999H", "99999999M", "31536001S"}) {
    EXPECT_EQ(parse_timeout(long_one), kLongestTimeout) << long_one;
  }
  EXPECT_EQ(parse_timeout("31535999S"), kLongestTimeout - seconds(1));
  for (const char* bad : {"", "5", "S", "-1S", "123456789S", "1.5S", "5s ", "5x", "+5S"}) {
    EXPECT_EQ(parse_timeout(bad), std::nullopt) << bad;
  }
}

TEST(RpcMessage, ComesHoweverItIsCut) {
  std::string bytes;
  append_message(bytes, "first");
  append_message(bytes, "");
  append_message(bytes, std::string(100'000, 'x'));
  for (const size_t cut : {size_t{1}, size_t{4}, size_t{5}, size_t{7}, size_t{4096}}) {
    MessageReader reader(1 << 20);
    std::vector<std::string> got;
    for (size_t at = 0; at < bytes.size(); at += cut) {
      reader.add(std::string_view(bytes).substr(at, cut));
      for (;;) {
        auto next = reader.next();
        ASSERT_TRUE(next);
        if (!*next) break;
        got.push_back(**next);
      }
    }
    ASSERT_EQ(got.size(), 3u);
    EXPECT_EQ(got[0], "first");
    EXPECT_EQ(got[1], "");
    EXPECT_EQ(got[2].size(), 100'000u);
    EXPECT_TRUE(reader.is_clean());
  }
}

TEST(RpcMessage, TooLargeIsRefusedByItsPrefix) {
  MessageReader reader(10);
  reader.add(std::string("\0\0\0\0\x0b", 5));
  EXPECT_EQ(reader.next().error().code(), Code::kResourceExhausted);
}

TEST(RpcMessage, IsHeldNoMoreOnceItIsHandedOut) {
  std::string bytes;
  append_message(bytes, std::string(1 << 20, 'x'));
  MessageReader reader(1 << 20);
  const auto add_and_take = [&](std::string_view more) {
    reader.add(bytes);
    reader.add(more);
    return reader.next().value().value().size();
  };
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(add_and_take(""), 1u << 20);
    EXPECT_LE(reader.held(), 128u << 10);
  }
  EXPECT_EQ(add_and_take(std::string_view("\0\0\0\0\1", 5)), 1u << 20);
  EXPECT_FALSE(reader.next().value()) << "the next one's beginning is kept";
  reader.add("a");
  EXPECT_EQ(reader.next().value(), "a");
  EXPECT_TRUE(reader.is_clean());
}

TEST(RpcMessage, CompressedOrMalformedIsRefused) {
  MessageReader compressed(10);
  compressed.add(std::string("\1\0\0\0\0", 5));
  EXPECT_EQ(compressed.next().error().code(), Code::kInternal);
  MessageReader malformed(10);
  malformed.add(std::string("\2\0\0\0\0", 5));
  EXPECT_EQ(malformed.next().error().code(), Code::kInternal);
  MessageReader cut(10);
  cut.add("abc");
  EXPECT_FALSE(cut.is_clean());
}

}  // namespace
}  // namespace thaw::rpc
