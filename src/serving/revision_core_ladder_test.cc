// RevisionCore below frozen: it is told who goes down the ladder, and keeps the bounds.
#include <gtest/gtest.h>

#include "serving/revision_core_testing.h"

namespace thaw::serving {
namespace {

using To = scaling::Descent::To;
using Why = scaling::Descent::Why;

event::Descend descend(InstanceKey key, To to) { return {key, to, Why::kBudget}; }

/// One instance, up, called once and frozen again.
Core frozen_one(RevisionConfig c = config(1, 3)) {
  Core core(std::move(c));
  core.arrive();
  core.ready(0);
  core.release(0);
  core.run_until(1);
  EXPECT_EQ(core.core().view(0)->temperature, Temperature::kFrozen);
  return core;
}

TEST(RevisionCore, AFrozenInstanceHibernatesOnceAndTheNextRequestFindsItSo) {
  Core core = frozen_one();
  core.send(descend(0, To::kHibernated));
  core.send(descend(0, To::kHibernated));
  EXPECT_EQ(core.count<action::Hibernate>(), 1);
  EXPECT_EQ(core.core().view(0)->temperature, Temperature::kHibernated);
  core.clear();
  core.arrive();
  ASSERT_EQ(core.count<action::GiveSlot>(), 1);
  EXPECT_EQ(core.all<action::GiveSlot>()[0].from, Temperature::kHibernated);
  EXPECT_EQ(core.core().view(0)->temperature, Temperature::kHot);
  EXPECT_EQ(core.count<action::WakeServed>(), 0);
  core.release(0);
  EXPECT_EQ(core.count<action::WakeServed>(), 1);
}

TEST(RevisionCore, OnlyTheFirstAnswerAfterAWakeIsTold) {
  Core core = frozen_one(config(10, 1));
  core.send(descend(0, To::kHibernated));
  core.arrive();
  core.arrive();
  core.release(0);
  core.release(0);
  EXPECT_EQ(core.count<action::WakeServed>(), 1);
  core.run_until(2);
  core.arrive();
  core.release(0);
  EXPECT_EQ(core.count<action::WakeServed>(), 1) << "it was only frozen";
}

TEST(RevisionCore, ABusyOrGoneInstanceIsLeftAlone) {
  Core core = frozen_one();
  core.arrive();
  core.clear();
  core.send(descend(0, To::kHibernated));
  core.send(descend(0, To::kGone));
  EXPECT_TRUE(core.take().empty());
  core.exit(0);
  core.clear();
  core.send(descend(0, To::kGone));
  EXPECT_EQ(core.count<action::Terminate>(), 0);
}

TEST(RevisionCore, WhoIsToldToGoStopsButNeverBelowTheMinimum) {
  Core core = frozen_one();
  core.send(descend(0, To::kGone));
  EXPECT_EQ(core.count<action::Terminate>(), 1);
  RevisionConfig kept = config(1, 3);
  kept.min_instances = 1;
  Core other = frozen_one(kept);
  std::vector<RevisionCore::Idle> idle;
  other.core().append_idle(idle);
  ASSERT_EQ(idle.size(), 1U);
  EXPECT_TRUE(idle[0].needed);
  other.send(descend(0, To::kGone));
  EXPECT_EQ(other.count<action::Terminate>(), 0);
}

TEST(RevisionCore, AHibernatedInstanceGoesAfterTheIdleTimeLikeAnyOther) {
  Core core = frozen_one();
  core.send(descend(0, To::kHibernated));
  core.run_until(100);
  EXPECT_EQ(core.count<action::Terminate>(), 1);
  const auto cpu = core.all<action::SetCpu>();
  EXPECT_EQ(cpu.back().cpu, action::SetCpu::Cpu::kFull) << "it is thawed to its end";
}

TEST(RevisionCore, TheIdleOnesAreThoseThatAreFrozen) {
  Core core = frozen_one(config(1, 3));
  core.arrive();
  core.arrive();
  core.ready(1);
  std::vector<RevisionCore::Idle> idle;
  core.core().append_idle(idle);
  EXPECT_TRUE(idle.empty());
  core.release(0);
  core.release(1);
  core.run_until(2);
  core.core().append_idle(idle);
  ASSERT_EQ(idle.size(), 2U);
  EXPECT_FALSE(idle[0].needed);
  EXPECT_FALSE(idle[0].hibernated);
}

}  // namespace
}  // namespace thaw::serving
