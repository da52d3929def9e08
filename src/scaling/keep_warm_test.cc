#include "scaling/keep_warm.h"

#include <gtest/gtest.h>

#include <cmath>

namespace thaw::scaling {
namespace {

constexpr HoldPrice kTwoSeconds = {.hold_per_wait = 450, .start_time = seconds(2)};

Instant at(double s) { return Instant(seconds(s)); }

GapHistory after(int gaps, double gap) {
  GapHistory history;
  for (int i = 0; i < gaps; ++i) history.add(seconds(gap));
  return history;
}

TEST(GapHistory, HoldsAMinuteOrTwoBeforeItKnowsAnything) {
  const HoldPlan plan = GapHistory().plan(kTwoSeconds);
  EXPECT_GT(plan.hold, seconds(60));
  EXPECT_LT(plan.hold, seconds(300));
  EXPECT_LT(plan.warm_from, Duration(0));
}

TEST(GapHistory, HoldsThroughTheGapsItKnowsAndNotMuchLonger) {
  const HoldPlan plan = after(20, 120).plan(kTwoSeconds);
  EXPECT_GT(plan.hold, seconds(120));
  EXPECT_LT(plan.hold, seconds(240));
}

TEST(GapHistory, ReleasesAtOnceAndStartsAheadOfARegularCall) {
  const HoldPlan plan = after(20, 7200).plan(kTwoSeconds);
  EXPECT_LT(plan.hold, seconds(10));
  EXPECT_LT(plan.warm_from, seconds(7200));
  EXPECT_GT(plan.warm_from, seconds(5400));
  EXPECT_GT(plan.warm_until, seconds(7200));
  EXPECT_TRUE(plan.holds(seconds(7200)));
  EXPECT_FALSE(plan.holds(seconds(3600)));
}

TEST(GapHistory, StartsNothingAheadAfterASingleGap) {
  EXPECT_LT(after(1, 7200).plan(kTwoSeconds).warm_from, Duration(0));
}

TEST(GapHistory, WhatStartsInNoTimeIsHardlyHeld) {
  const HoldPrice quick = {.hold_per_wait = 450, .start_time = milliseconds(9)};
  EXPECT_LT(after(20, 120).plan(quick).hold, seconds(5));
  EXPECT_LT(after(20, 7200).plan(quick).warm_from, Duration(0));
}

TEST(GapHistory, WhatRestsInSwapIsHeldLonger) {
  HoldPrice resting = kTwoSeconds;
  resting.resting = {.after = seconds(20), .share = 0.1, .wake = milliseconds(100)};
  EXPECT_LT(after(20, 1500).plan(kTwoSeconds).hold, seconds(60));
  EXPECT_GT(after(20, 1500).plan(resting).hold, seconds(1500));
  // But not where its memory takes as long to come back as a start takes.
  resting.resting.wake = seconds(2);
  EXPECT_LT(after(20, 1500).plan(resting).hold, seconds(60));
}

TEST(GapHistory, TellsHowMuchLongerAGapLasts) {
  EXPECT_EQ(GapHistory().rest_of(seconds(0)), std::nullopt);
  GapHistory history = after(3, 100);
  history.add(seconds(400));
  EXPECT_EQ(history.rest_of(seconds(0)), seconds(175));
  EXPECT_EQ(history.rest_of(seconds(100)), seconds(300));
  EXPECT_EQ(history.rest_of(seconds(400)), std::nullopt);
}

TEST(GapHistory, NoStretchIsLongerThanAllowed) {
  HoldPrice price = kTwoSeconds;
  price.hold_per_wait = 36'000;
  for (const double gap : {30.0, 3000.0, 30000.0}) {
    const HoldPlan plan = after(9, gap).plan(price);
    EXPECT_LE(plan.hold, price.longest + price.longest) << gap;
    EXPECT_LE(plan.warm_until - plan.warm_from, price.longest + price.start_time) << gap;
  }
}

TEST(GapHistory, TheOldFades) {
  GapHistory history = after(200, 20000);
  for (int i = 0; i < 200; ++i) history.add(seconds(60));
  const HoldPlan plan = history.plan(kTwoSeconds);
  EXPECT_GT(plan.hold, seconds(60));
  EXPECT_LT(plan.hold, seconds(300));
}

TEST(GapHistory, GapsOfAnySizeAreTaken) {
  GapHistory history;
  for (const Duration gap : {Duration(-5), Duration(0), Duration(1), GapHistory::kShortest,
                             GapHistory::kLongest, Duration::max()}) {
    history.add(gap);
  }
  EXPECT_GE(history.plan({}).hold, Duration(0));
}

TEST(KeepWarm, WantsWhatIsInUseAndWhatIsSoonUsedAgain) {
  KeepWarm keep({});
  keep.started(seconds(2));
  EXPECT_EQ(keep.wanted(at(0)), 0);
  EXPECT_EQ(keep.next_change(at(0)), Instant::max());
  double now = 0;
  for (int i = 0; i < 20; ++i) {  // one every 100 s, three at once every 2000 s
    keep.change(at(now), i % 20 == 0 ? 3 : 1);
    EXPECT_EQ(keep.wanted(at(now)), i % 20 == 0 ? 3 : std::max(1, keep.wanted(at(now))));
    keep.change(at(now + 1), 0);
    now += 100;
  }
  EXPECT_EQ(keep.wanted(at(now)), 1);  // the first is held through its gap
  const Instant change = keep.next_change(at(now));
  ASSERT_NE(change, Instant::max());
  EXPECT_EQ(keep.wanted(change), 0);
}

TEST(KeepWarm, WantsTheNightlyOneJustBeforeItIsCalled) {
  KeepWarm keep({});
  keep.started(seconds(10));
  constexpr double kDay = 80000;
  for (int day = 0; day < 6; ++day) {
    keep.change(at(day * kDay), 1);
    keep.change(at(day * kDay + 60), 0);
  }
  const double last = 5 * kDay + 60;
  EXPECT_EQ(keep.wanted(at(last + 20000)), 0);
  EXPECT_EQ(keep.wanted(at(6 * kDay - 5)), 1);
  const Instant ahead = keep.next_change(at(last + 20000));
  EXPECT_EQ(keep.wanted(ahead), 1);
  EXPECT_LT(ahead, at(6 * kDay - 10));
}

TEST(KeepWarm, ExpectsTheNextOneAfterTheGapsOfItsLevel) {
  KeepWarm keep({});
  EXPECT_EQ(keep.expected_gap(at(0)), std::nullopt);
  for (int i = 0; i < 3; ++i) {
    keep.change(at(i * 100), 1);
    keep.change(at(i * 100 + 40), 0);
  }
  EXPECT_EQ(keep.expected_gap(at(250)), seconds(50));
  EXPECT_EQ(keep.expected_gap(at(400)), std::nullopt);
}

TEST(KeepWarm, MoreInstancesThanItHasLevelsAreNoFault) {
  KeepWarm keep({});
  keep.started(seconds(2));
  keep.change(at(0), 100000);
  EXPECT_EQ(keep.wanted(at(1)), KeepWarm::kLevels);
  keep.change(at(2), -1);
  EXPECT_GT(keep.wanted(at(2.5)), 0);
  EXPECT_EQ(keep.wanted(at(100000)), 0);
}

}  // namespace
}  // namespace thaw::scaling
