#include "telemetry/alerts.h"

#include <gtest/gtest.h>

namespace thaw::telemetry {
namespace {

TEST(Alerts, TheSameAgainIsCountedAndComesLast) {
  Alerts alerts;
  alerts.add("loop", "a", "first", WallTime{});
  alerts.add("loop", "b", "other", WallTime{});
  alerts.add("loop", "a", "second", WallTime{});
  ASSERT_EQ(alerts.all().size(), 2u);
  EXPECT_EQ(alerts.all()[1].subject, "a");
  EXPECT_EQ(alerts.all()[1].message, "second");
  EXPECT_EQ(alerts.all()[1].times, 2);
}

TEST(Alerts, TheOneThatWasSeenLongestAgoIsDropped) {
  Alerts alerts;
  for (size_t i = 0; i <= Alerts::kKept; ++i) {
    alerts.add("loop", std::to_string(i), "", WallTime{});
  }
  EXPECT_EQ(alerts.all().size(), Alerts::kKept);
  EXPECT_EQ(alerts.all()[0].subject, "1");
}

}  // namespace
}  // namespace thaw::telemetry
