#include "http/query.h"

#include <gtest/gtest.h>

#include "http/date.h"
#include "http/headers.h"
#include "http/text.h"

namespace thaw::http {
namespace {

TEST(Query, PairsAreDecodedInOrder) {
  EXPECT_EQ(parse_query("a=1&b=x%20y+z&a=2&flag&=v&&c=a=b"),
            (Query{{"a", "1"}, {"b", "x y z"}, {"a", "2"}, {"flag", ""}, {"", "v"}, {"c", "a=b"}}));
  EXPECT_EQ(parse_query(""), Query{});
  EXPECT_EQ(find(parse_query("a=1&a=2"), "a"), "1");
  EXPECT_EQ(find(parse_query("a=1"), "b"), std::nullopt);
  EXPECT_EQ(parse_query("a=%zz&b=%4"), (Query{{"a", "%zz"}, {"b", "%4"}}));
}

TEST(Query, EscapesGoThereAndBack) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(percent_decode(percent_encode(all)), all);
  EXPECT_EQ(percent_encode("a/b c~"), "a%2Fb%20c~");
  EXPECT_EQ(percent_decode("a+b"), "a+b");
  for (const char* bad : {"%", "%1", "a%g0", "%0g"}) EXPECT_EQ(percent_decode(bad), std::nullopt);
}

TEST(Query, PathsAreSplitBeforeTheyAreDecoded) {
  EXPECT_EQ(split_path("/storage/v1/b/my%2Fbucket/"),
            (std::vector<std::string>{"storage", "v1", "b", "my/bucket"}));
  EXPECT_EQ(split_path("/"), std::vector<std::string>{});
  EXPECT_EQ(split_path("/a%"), std::nullopt);
}

TEST(Headers, AreFoundWithoutCase) {
  Headers headers{{"Content-Type", "a"}, {"X", "1"}, {"x", "2"}};
  EXPECT_EQ(headers.get("content-type"), "a");
  EXPECT_EQ(headers.find("y"), std::nullopt);
  headers.set("X", "3");
  EXPECT_EQ(headers.size(), 2u);
  headers.remove("x");
  EXPECT_EQ(headers.get("x"), "");
}

TEST(Text, ListsAndTokens) {
  EXPECT_TRUE(list_has("a, Close ,b", "close"));
  EXPECT_FALSE(list_has("a, closed", "close"));
  EXPECT_FALSE(list_has("", "close"));
  EXPECT_TRUE(is_token("X-a_1!"));
  EXPECT_FALSE(is_token(""));
  EXPECT_FALSE(is_token("a b"));
}

TEST(Date, IsWrittenAsHttpWantsIt) {
  EXPECT_EQ(format_http_date(WallTime(std::chrono::seconds(784111777))),
            "Sun, 06 Nov 1994 08:49:37 GMT");
}

}  // namespace
}  // namespace thaw::http
