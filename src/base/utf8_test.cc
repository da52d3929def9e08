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

}  // namespace
}  // namespace thaw
