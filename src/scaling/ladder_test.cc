#include "scaling/ladder.h"

#include <gtest/gtest.h>

namespace thaw::scaling {
namespace {

using May = IdleInstance::May;
using To = Descent::To;
using Why = Descent::Why;

constexpr LadderOptions kOptions{.budget = mib(1000), .hibernate_after = seconds(20)};

IdleInstance idle(size_t id, Duration since, ByteCount held = mib(300)) {
  return {.id = id,
          .idle = since,
          .held = held,
          .held_hibernated = {held.value / 20},
          .wake_frozen = milliseconds(1),
          .wake_hibernated = milliseconds(60),
          .wake_gone = seconds(2),
          .may = May::kStop};
}

LadderFacts facts_of(std::vector<IdleInstance> idle,
                     Hibernation hibernation = Hibernation::kEverything) {
  LadderFacts facts{.hibernation = hibernation, .held_by_all = {}, .idle = std::move(idle)};
  for (const IdleInstance& each : facts.idle) facts.held_by_all.value += each.held.value;
  return facts;
}

TEST(Ladder, AnIdleInstanceHibernatesWhenItsTimeHasCome) {
  const LadderPlan early = plan_ladder(kOptions, facts_of({idle(7, seconds(5))}));
  EXPECT_TRUE(early.steps.empty());
  EXPECT_EQ(early.again_in, seconds(15));
  const LadderPlan due = plan_ladder(kOptions, facts_of({idle(7, seconds(20))}));
  EXPECT_EQ(due.steps, (std::vector<Descent>{{7, To::kHibernated, Why::kIdle}}));
  EXPECT_FALSE(due.again_in);
}

TEST(Ladder, WithoutSwapTimeAloneHibernatesNothing) {
  for (const Hibernation none : {Hibernation::kNot, Hibernation::kFilesOnly}) {
    const LadderPlan plan = plan_ladder(kOptions, facts_of({idle(1, seconds(1000))}, none));
    EXPECT_TRUE(plan.steps.empty());
    EXPECT_FALSE(plan.again_in);
  }
}

TEST(Ladder, TheServicesWishIsKept) {
  IdleInstance never = idle(1, seconds(1000));
  never.wish = IdleRung::kFrozen;
  IdleInstance at_once = idle(2, Duration(0));
  at_once.wish = IdleRung::kHibernated;
  EXPECT_EQ(plan_ladder(kOptions, facts_of({never, at_once})).steps,
            (std::vector<Descent>{{2, To::kHibernated, Why::kIdle}}));
  EXPECT_EQ(plan_ladder(kOptions, facts_of({never, at_once}, Hibernation::kFilesOnly)).steps,
            (std::vector<Descent>{{2, To::kHibernated, Why::kIdle}}));
}

TEST(Ladder, WhatTheMinimumKeepsStaysFrozen) {
  IdleInstance kept = idle(1, seconds(1000), mib(2000));
  kept.may = May::kStay;
  EXPECT_TRUE(plan_ladder(kOptions, facts_of({kept})).steps.empty());
}

TEST(Ladder, OverTheBudgetTheCheapestByteGoesFirst) {
  // All the same, but one was called longer ago: its next call is the least likely.
  LadderOptions options = kOptions;
  options.hibernate_after = seconds(1e6);
  EXPECT_EQ(plan_ladder(options, facts_of({idle(1, seconds(10)), idle(2, seconds(900)),
                                           idle(3, seconds(100)), idle(4, seconds(1))}))
                .steps,
            (std::vector<Descent>{{2, To::kHibernated, Why::kBudget}}));
  // The same chance: the larger one frees more for the same wake.
  EXPECT_EQ(plan_ladder(options,
                        facts_of({idle(1, seconds(10), mib(100)), idle(2, seconds(10), mib(950))}))
                .steps,
            (std::vector<Descent>{{2, To::kHibernated, Why::kBudget}}));
}

TEST(Ladder, AKnownGapCountsMoreThanTheIdleTime) {
  LadderOptions options = kOptions;
  options.hibernate_after = seconds(1e6);
  IdleInstance soon = idle(1, seconds(900), mib(600));
  soon.expected_gap = seconds(1);
  IdleInstance late = idle(2, seconds(10), mib(600));
  late.expected_gap = seconds(5000);
  EXPECT_EQ(plan_ladder(options, facts_of({soon, late})).steps,
            (std::vector<Descent>{{2, To::kHibernated, Why::kBudget}}));
}

TEST(Ladder, WithoutHibernationTheBudgetStopsInstances) {
  EXPECT_EQ(plan_ladder(kOptions,
                        facts_of({idle(1, seconds(10), mib(600)), idle(2, seconds(90), mib(600))},
                                 Hibernation::kNot))
                .steps,
            (std::vector<Descent>{{2, To::kGone, Why::kBudget}}));
}

TEST(Ladder, ItGoesOnDownUntilTheBudgetHolds) {
  LadderOptions options{.budget = mib(20), .hibernate_after = seconds(1e6)};
  const LadderPlan plan =
      plan_ladder(options, facts_of({idle(1, seconds(10)), idle(2, seconds(90))}));
  EXPECT_EQ(plan.steps, (std::vector<Descent>{{2, To::kHibernated, Why::kBudget},
                                              {1, To::kHibernated, Why::kBudget},
                                              {2, To::kGone, Why::kBudget}}));
}

TEST(Ladder, BusyInstancesThatFillTheBudgetEndTheIdleOnesAndThenItStops) {
  LadderFacts facts = facts_of({idle(1, seconds(10))});
  facts.held_by_all = mib(5000);
  const LadderPlan plan = plan_ladder(kOptions, facts);
  ASSERT_EQ(plan.steps.size(), 2U);
  EXPECT_EQ(plan.steps[1], (Descent{1, To::kGone, Why::kBudget}));
}

TEST(Ladder, NoBudgetIsNoLimit) {
  LadderFacts facts = facts_of({idle(1, seconds(10), gib(100))});
  EXPECT_TRUE(plan_ladder({.budget = {0}, .hibernate_after = seconds(20)}, facts).steps.empty());
}

TEST(Ladder, AThousandIdleOnesGoInBoundedPortions) {
  std::vector<IdleInstance> all;
  for (size_t i = 0; i < 1000; ++i) all.push_back(idle(i, seconds(30)));
  const LadderPlan plan = plan_ladder(kOptions, facts_of(std::move(all)));
  EXPECT_EQ(plan.steps.size(), kMostSteps);
  EXPECT_TRUE(plan.again_in);
}

}  // namespace
}  // namespace thaw::scaling
