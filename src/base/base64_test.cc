#include "base/base64.h"

#include <gtest/gtest.h>

namespace thaw {
namespace {

TEST(Base64, TheExamplesOfTheStandard) {
  const std::pair<std::string_view, std::string_view> cases[] = {{"", ""},
                                                                 {"f", "Zg=="},
                                                                 {"fo", "Zm8="},
                                                                 {"foo", "Zm9v"},
                                                                 {"foob", "Zm9vYg=="},
                                                                 {"fooba", "Zm9vYmE="},
                                                                 {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(base64(bytes), text);
    EXPECT_EQ(from_base64(text), bytes);
    EXPECT_EQ(from_base64(text.substr(0, text.find('='))), bytes) << "padding may be missing";
  }
}

TEST(Base64, TheUrlsAlphabetHasNoPadding) {
  EXPECT_EQ(base64("\xfb\xff\xfe?"), "+//+Pw==");
  EXPECT_EQ(base64_url("\xfb\xff\xfe?"), "-__-Pw");
  EXPECT_EQ(from_base64("-__-Pw"), "\xfb\xff\xfe?");
}

TEST(Base64, EveryByteComesBack) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  EXPECT_EQ(from_base64(base64(bytes)), bytes);
  EXPECT_EQ(from_base64(base64_url(bytes)), bytes);
}

TEST(Base64, WhatIsNoneIsRefused) {
  for (const std::string_view text :
       {"A", "AAAAA", "Zg=", "Zh==", "Z g=", "Zm9v\n", "====", "a=b="}) {
    EXPECT_EQ(from_base64(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace thaw
