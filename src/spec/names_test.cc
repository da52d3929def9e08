#include "spec/names.h"

#include <gtest/gtest.h>

namespace thaw::spec {
namespace {

TEST(ServiceName, IsASmallDnsLabelOfAtMost49Characters) {
  for (const char* good : {"a", "forecaster", "a-b", "a1", "a--b", "x0-9y"}) {
    EXPECT_EQ(service_name_fault(good), std::nullopt) << good;
  }
  EXPECT_EQ(service_name_fault(std::string(49, 'a')), std::nullopt);
  EXPECT_TRUE(service_name_fault(std::string(50, 'a')));
  for (const char* bad : {"", "A", "1a", "-a", "a-", "a_b", "a.b", "a b", "\xc3\xa9", "a\n", "aB",
                          "a---b", "../x", "a/b"}) {
    EXPECT_TRUE(service_name_fault(bad)) << bad;
  }
}

TEST(RevisionName, BeginsWithItsService) {
  EXPECT_EQ(revision_name_fault("qa-00001-abc", "qa"), std::nullopt);
  EXPECT_EQ(revision_name_fault("qa-x", "qa"), std::nullopt);
  for (const char* bad : {"qa", "qa-", "other-1", "qax-1", "qa-A", ""}) {
    EXPECT_TRUE(revision_name_fault(bad, "qa")) << bad;
  }
}

TEST(Tag, FitsAHostNameWithItsService) {
  EXPECT_EQ(tag_fault("stable", "qa"), std::nullopt);
  EXPECT_TRUE(tag_fault("Stable", "qa"));
  EXPECT_TRUE(tag_fault("a---b", "qa"));
  EXPECT_TRUE(tag_fault(std::string(47, 't'), "qa"));
  EXPECT_EQ(tag_fault(std::string(20, 't'), std::string(40, 's')), std::nullopt);
  EXPECT_TRUE(tag_fault(std::string(21, 't'), std::string(40, 's')));
}

TEST(EnvName, ThePlatformsOwnAreRefused) {
  for (const char* good : {"A", "_x", "a.b", "a-b", "PORT2", "K_SERVICES", "path"}) {
    EXPECT_EQ(env_name_fault(good), std::nullopt) << good;
  }
  for (const char* bad : {"", "PORT", "K_SERVICE", "K_REVISION", "K_CONFIGURATION", "X_GOOGLE_A",
                          "1A", "A=B", "A B", "\xc3\xa9"}) {
    EXPECT_TRUE(env_name_fault(bad)) << bad;
  }
}

TEST(Header, NamesAreTokensAndValuesVisibleAscii) {
  EXPECT_EQ(header_name_fault("X-Api-Key"), std::nullopt);
  EXPECT_EQ(header_value_fault("a b\tc"), std::nullopt);
  EXPECT_EQ(header_value_fault(""), std::nullopt);
  for (const char* bad : {"", "a b", "a:", "a\r\n", "\xc3\xa9"}) {
    EXPECT_TRUE(header_name_fault(bad)) << bad;
  }
  EXPECT_TRUE(header_value_fault("a\r\nb: c"));
  EXPECT_TRUE(header_value_fault("\x7f"));
}

TEST(Label, KubernetesRules) {
  for (const char* good : {"a", "example.com/team", "a.b_c-d", "A9"}) {
    EXPECT_EQ(label_key_fault(good), std::nullopt) << good;
  }
  for (const char* bad : {"", "/a", "a/", "a/b/c", "-a", "a-", "a b", "Example.com/a"}) {
    EXPECT_TRUE(label_key_fault(bad)) << bad;
  }
  EXPECT_EQ(label_value_fault(""), std::nullopt);
  EXPECT_EQ(label_value_fault(std::string(63, 'a')), std::nullopt);
  EXPECT_TRUE(label_value_fault(std::string(64, 'a')));
  EXPECT_TRUE(label_value_fault("a b"));
}

}  // namespace
}  // namespace thaw::spec
