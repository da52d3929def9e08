#include "base/utf8.h"

#include <gtest/gtest.h>

namespace thaw {
namespace {

TEST(Utf8, OnlyWellFormedTextIs) {
  for (const std::string_view text :
       {"", "plain", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
    EXPECT_TRUE(is_utf8(text)) << text;
  }
  // A lone tail, overlong forms, a surrogate, beyond U+10FFFF, cut off.
  for (const std::string_view text :
       {"\x80", "\xc0\xaf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "a\xe2\x82"}) {
    EXPECT_FALSE(is_utf8(text)) << text;
  }
}

TEST(Utf8, APrefixEndsWithACharacter) {
  EXPECT_EQ(utf8_prefix("plain", 9), "plain");
  EXPECT_EQ(utf8_prefix("plain", 5), "plain");
  EXPECT_EQ(utf8_prefix("plain", 2), "pl");
  const std::string_view text = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80";
  const size_t ends[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10};
  for (size_t most = 0; most <= text.size(); ++most) {
    EXPECT_EQ(utf8_prefix(text, most), text.substr(0, ends[most])) << most;
  }
}

}  // namespace
}  // namespace thaw
