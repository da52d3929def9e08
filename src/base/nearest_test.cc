#include "base/nearest.h"

#include <gtest/gtest.h>

#include <array>

namespace thaw {
namespace {

constexpr std::array<std::string_view, 6> kFields = {
    "containers", "containerConcurrency", "timeoutSeconds", "volumes", "env", "image"};

TEST(Nearest, ATypingMistakeFindsTheRightName) {
  EXPECT_EQ(nearest("contaners", kFields), "containers");
  EXPECT_EQ(nearest("contianers", kFields), "containers");
  EXPECT_EQ(nearest("container", kFields), "containers");
  EXPECT_EQ(nearest("timeout_seconds", kFields), "timeoutSeconds");
  EXPECT_EQ(nearest("imgae", kFields), "image");
  EXPECT_EQ(nearest("evn", kFields), "env");
}

TEST(Nearest, CapitalsDoNotCount) {
  EXPECT_EQ(nearest("CONTAINERS", kFields), "containers");
  EXPECT_EQ(edit_distance("maxscale", "maxScale"), 0u);
}

TEST(Nearest, AFarWordFindsNothing) {
  EXPECT_EQ(nearest("banana", kFields), std::nullopt);
  EXPECT_EQ(nearest("x", kFields), std::nullopt);
  EXPECT_EQ(nearest("", kFields), std::nullopt);
  EXPECT_EQ(nearest("env", std::span<const std::string_view>()), std::nullopt);
}

TEST(Nearest, TheFirstOfEquallyNearNamesWins) {
  constexpr std::array<std::string_view, 2> kTwins = {"cats", "cars"};
  EXPECT_EQ(nearest("caps", kTwins), "cats");
}

TEST(Nearest, AHugeWordIsRefusedAtOnce) {
  EXPECT_EQ(nearest(std::string(1 << 20, 'a'), kFields), std::nullopt);
  const std::string long_name(65, 'a');
  const std::array<std::string_view, 1> long_names = {long_name};
  EXPECT_EQ(nearest(std::string(64, 'a'), long_names), std::nullopt);
}

TEST(EditDistance, CountsEachKindOfEditOnce) {
  EXPECT_EQ(edit_distance("abc", "abc"), 0u);
  EXPECT_EQ(edit_distance("abc", "abxc"), 1u);
  EXPECT_EQ(edit_distance("abc", "ac"), 1u);
  EXPECT_EQ(edit_distance("abc", "abd"), 1u);
  EXPECT_EQ(edit_distance("abc", "acb"), 1u);
  EXPECT_EQ(edit_distance("ca", "abc"), 3u);  // restricted: no edit inside a swapped pair
  EXPECT_EQ(edit_distance("", "abc"), 3u);
}

}  // namespace
}  // namespace thaw
