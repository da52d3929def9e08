#include "messaging/filter.h"

#include <gtest/gtest.h>

namespace thaw::messaging {
namespace {

const Attributes kAttributes = {
    {"kind", "csv"}, {"place", "us-east1"}, {"a b", "x"}, {"empty", ""}};

TEST(Filter, SelectsByAttributes) {
  const std::pair<std::string_view, bool> cases[] = {
      {"", true},
      {"attributes:kind", true},
      {"attributes:size", false},
      {"attributes.kind = \"csv\"", true},
      {"attributes.kind=\"CSV\"", false},
      {"attributes.kind != \"pdf\"", true},
      {"attributes.size != \"1\"", false},
      {"NOT attributes:size", true},
      {"-attributes:kind", false},
      {"hasPrefix(attributes.place, \"us-\")", true},
      {"hasPrefix(attributes.place, \"eu-\")", false},
      {"attributes:\"a b\" AND attributes.\"a b\" = \"x\"", true},
      {"attributes:kind AND attributes:size", false},
      {"attributes:kind OR attributes:size", true},
      {"(attributes:size OR attributes:kind) AND NOT attributes:owner", true},
      {"attributes.empty = \"\"", true},
      {"NOT (attributes:kind AND attributes:place)", false},
      {"attributes:kind AND attributes:place AND attributes:empty", true},
  };
  for (const auto& [text, wanted] : cases) {
    const auto filter = Filter::parse(text);
    ASSERT_TRUE(filter) << text << ": " << filter.error().message();
    EXPECT_EQ(filter->wants(kAttributes), wanted) << text;
  }
}

TEST(Filter, FaultsNameTheirPlace) {
  const std::pair<std::string, std::string_view> cases[] = {
      {"nonsense", "at character 1: attributes, hasPrefix"},
      {"attributes.kind = csv", "at character 19: a value in double quotes"},
      {"attributes.kind", "at character 16: = or !="},
      {"attributes:a AND attributes:b OR attributes:c", "AND and OR need parentheses"},
      {"(attributes:a", "')' was expected"},
      {"attributes:a attributes:b", "at character 14: AND, OR or the end"},
      {"attributes.a = \"x", "closing quote"},
      {"hasPrefix(attributes.a \"x\")", "',' was expected"},
      {std::string(200, '('), "too deeply nested"},
      {std::string(257, ' '), "has 257 bytes, at most 256"},
  };
  for (const auto& [text, words] : cases) {
    const auto filter = Filter::parse(text);
    ASSERT_FALSE(filter) << text;
    EXPECT_EQ(filter.error().code(), Code::kInvalidArgument);
    EXPECT_NE(filter.error().message().find(words), std::string::npos) << filter.error().message();
  }
}

}  // namespace
}  // namespace thaw::messaging
