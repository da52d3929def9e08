#include "messaging/idle.h"

#include <gtest/gtest.h>

namespace thaw::messaging {
namespace {

using Waits = Idle::Waits;
constexpr Duration kDay = std::chrono::hours(24);
constexpr Duration kMinute = std::chrono::minutes(1);

TEST(Idle, OnlyTimeWithoutUseCounts) {
  Idle idle;
  for (int i = 0; i < 24 * 60 - 1; ++i) idle.tick(kMinute, Waits::kNobody);
  EXPECT_FALSE(idle.is_over(kDay));
  idle.tick(kMinute, Waits::kNobody);
  EXPECT_TRUE(idle.is_over(kDay));
  EXPECT_FALSE(idle.is_over(2 * kDay));
  EXPECT_FALSE(idle.is_over(std::nullopt)) << "never";
  idle.used();
  EXPECT_FALSE(idle.is_over(kDay)) << "at once, before the next minute";
  idle.tick(kMinute, Waits::kNobody);
  EXPECT_EQ(idle.length(), Duration(0));
  idle.tick(kMinute, Waits::kNobody);
  EXPECT_EQ(idle.length(), kMinute);
  idle.tick(100 * kDay, Waits::kSomebody);
  EXPECT_EQ(idle.length(), Duration(0));
}

TEST(Idle, IsKeptByTheHourAndWhenItEnds) {
  Idle idle(std::chrono::hours(5));
  EXPECT_FALSE(idle.to_keep());
  idle.tick(std::chrono::minutes(59), Waits::kNobody);
  EXPECT_FALSE(idle.to_keep());
  idle.tick(kMinute, Waits::kNobody);
  ASSERT_TRUE(idle.to_keep());
  EXPECT_EQ(*idle.to_keep(), std::chrono::hours(6));
  idle.kept(*idle.to_keep());
  EXPECT_FALSE(idle.to_keep());
  idle.used();
  idle.tick(kMinute, Waits::kNobody);
  EXPECT_EQ(idle.to_keep(), Duration(0));
  idle.kept(Duration(0));
  EXPECT_FALSE(idle.to_keep());
}

}  // namespace
}  // namespace thaw::messaging
