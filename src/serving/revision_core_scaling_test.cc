#include <gtest/gtest.h>

#include <string>

#include "serving/revision_core_testing.h"

namespace thaw::serving {
namespace {

using sandbox::ExitReport;

using Cpu = action::SetCpu::Cpu;

/// What was done to each instance's CPU, e.g. "0- 0+".
std::string cpu_of(const Core& core) {
  std::string text;
  for (const auto& set : core.all<action::SetCpu>()) {
    if (!text.empty()) text += ' ';
    text += std::to_string(set.instance) + (set.cpu == Cpu::kFull ? "+" : "-");
  }
  return text;
}

// ---- frozen ----

TEST(RevisionCore, AnIdleInstanceIsFrozenAfterTheGraceAndThawedForTheNextRequest) {
  Core core(config(2, 1));
  core.arrive();
  core.ready(0);
  const auto second = core.arrive();
  EXPECT_EQ(core.place_of(second), 0);
  core.release(0);
  core.run_until(1);
  EXPECT_EQ(cpu_of(core), "") << "a request is in it still";
  core.release(0);
  core.run_until(1.099);
  EXPECT_EQ(cpu_of(core), "");
  core.run_until(1.1);
  EXPECT_EQ(cpu_of(core), "0-");
  EXPECT_EQ(core.core().view(0)->temperature, Temperature::kFrozen);
  const auto third = core.arrive();
  EXPECT_EQ(core.place_of(third), 0);
  EXPECT_EQ(cpu_of(core), "0- 0+");
  EXPECT_EQ(core.core().view(0)->temperature, Temperature::kHot);
}

TEST(RevisionCore, ThawingComesBeforeTheRequestAndBeforeTheEnd) {
  Core core(config(1, 1));
  core.arrive();
  core.ready(0);
  core.release(0);
  core.run_until(1);
  const auto next =
      core.core().on_event(Instant(seconds(1)), event::RequestArrived{{9, 0}, Instant(seconds(9))});
  ASSERT_EQ(next.size(), 2u);
  EXPECT_TRUE(std::holds_alternative<action::SetCpu>(next[0]));
  EXPECT_TRUE(std::holds_alternative<action::GiveSlot>(next[1]));
  core.release(0);
  core.run_until(2);
  core.clear();
  core.run_until(70);
  EXPECT_EQ(cpu_of(core), "0+");
  EXPECT_EQ(core.count<action::Terminate>(), 1);
}

TEST(RevisionCore, WithInstanceBasedCpuNothingIsFrozen) {
  RevisionConfig c = config(1, 1);
  c.cpu = CpuAllocation::kInstanceBased;
  Core core(c);
  core.arrive();
  core.ready(0);
  core.release(0);
  core.run_until(30);
  EXPECT_EQ(cpu_of(core), "");
}

TEST(RevisionCore, AMinimumInstanceThatNobodyUsedIsFrozenToo) {
  RevisionConfig c = config(1, 1);
  c.min_instances = c.initial_instances = 1;
  Core core(c);
  core.ready(0);
  core.run_until(3600);
  EXPECT_EQ(cpu_of(core), "0-") << "once, and it stays";
  EXPECT_EQ(core.core().wake_at(), Instant::max()) << "nothing ticks for a frozen instance";
}

TEST(RevisionCore, AnInstanceThatBrokeAConnectionKeepsItsCpuUntilItIsKnownToLive) {
  Core core(config(1, 1));
  const auto request = core.arrive();
  core.ready(0);
  core.send(event::ConnectionBroke{{request, 0}, 0});
  core.run_until(0.9);
  EXPECT_EQ(cpu_of(core), "") << "its end may be about to be told";
  core.run_until(1.2);
  EXPECT_EQ(cpu_of(core), "0-");
}

TEST(RevisionCore, WithoutAGraceItIsFrozenWithItsLastAnswer) {
  RevisionCore::Options options;
  options.freeze_after = Duration(0);
  Core core(config(1, 1), options);
  core.arrive();
  core.ready(0);
  core.run_until(5);
  core.release(0);
  core.run_until(5);
  EXPECT_EQ(cpu_of(core), "0-");
}

// ---- how many ----

TEST(RevisionCore, ZeroComesExactlyTheIdleTimeAfterTheLastRequest) {
  Core core(config(1, 3));
  core.arrive();
  core.run_until(1.5);
  core.ready(0);
  core.run_until(7.25);
  core.release(0);
  core.run_until(67.249);
  EXPECT_EQ(core.count<action::Terminate>(), 0);
  core.run_until(67.25);
  EXPECT_EQ(core.count<action::Terminate>(), 1);
  core.exit(0, ExitReport::Kind::kStopped);
  EXPECT_EQ(core.core().living(), 0);
  EXPECT_EQ(core.core().wake_at(), Instant::max());  // nothing ticks at zero
}

TEST(RevisionCore, IdleTimeIsTheRevisionsOwnWhenItHasOne) {
  RevisionConfig c = config(1, 1);
  c.idle_before_zero = seconds(0);
  Core core(c);
  core.arrive();
  core.ready(0);
  core.release(0);
  core.run_until(0);
  EXPECT_EQ(core.count<action::Terminate>(), 1);
}

TEST(RevisionCore, AnUnusedFirstInstanceIsIdleFromWhenItWasReady) {
  RevisionConfig c = config(1, 1);
  c.initial_instances = 1;
  Core core(c);
  core.run_until(100);
  core.ready(0);
  core.run_until(159.999);
  EXPECT_EQ(core.count<action::Terminate>(), 0);
  core.run_until(160);
  EXPECT_EQ(core.count<action::Terminate>(), 1);
}

TEST(RevisionCore, AStartWhoseCallerLeftGoesOn) {
  Core core(config(1, 1));
  core.send(event::RequestLeft{core.arrive()});
  core.run_until(100);
  EXPECT_EQ(core.core().living(), 1);
  core.ready(0);
  EXPECT_EQ(core.place_of(core.arrive()), 0);
}

TEST(RevisionCore, ARequestBeforeTheIdleTimeKeepsTheInstance) {
  Core core(config(1, 1));
  core.arrive();
  core.ready(0);
  for (int i = 0; i < 10; ++i) {
    core.release(0);
    core.run_until(core.now() + 59);
    ASSERT_EQ(core.place_of(core.arrive()), 0);
  }
  EXPECT_EQ(core.count<action::Terminate>(), 0);
}

TEST(RevisionCore, MinimumIsStartedKeptAndReplaced) {
  RevisionConfig c = config(1, 5);
  c.min_instances = 2;
  Core core(c);
  EXPECT_EQ(core.count<action::StartInstance>(), 2);
  core.ready(0);
  core.ready(1);
  core.run_until(1000);
  EXPECT_EQ(core.count<action::Terminate>(), 0);
  EXPECT_EQ(core.core().wake_at(), Instant::max());
  core.exit(0, ExitReport::Kind::kSignalled);
  EXPECT_EQ(core.count<action::StartInstance>(), 3);
}

TEST(RevisionCore, MinimumIsRetriedAfterTheBackoff) {
  RevisionConfig c = config(1, 5);
  c.min_instances = 1;
  Core core(c);
  core.exit(0);
  core.run_until(0.999);
  EXPECT_EQ(core.count<action::StartInstance>(), 1);
  core.run_until(1);
  EXPECT_EQ(core.count<action::StartInstance>(), 2);
}

TEST(RevisionCore, AnUnreachableRevisionHasNoMinimum) {
  RevisionConfig c = config(1, 5);
  c.min_instances = 2;
  Core core(c);
  core.ready(0);
  core.ready(1);
  core.run_until(100);
  c.reachability = Reachability::kUnreachable;
  core.reconfigure(c);
  core.run_until(160);
  EXPECT_EQ(core.count<action::Terminate>(), 2);
}

TEST(RevisionCore, AStoppingInstanceCountsForTheMaximumUntilItEnded) {
  RevisionConfig c = config(1, 1);
  c.idle_before_zero = seconds(1);
  Core core(c);
  core.arrive();
  core.ready(0);
  core.release(0);
  core.run_until(1);
  ASSERT_EQ(core.count<action::Terminate>(), 1);
  const auto request = core.arrive();
  EXPECT_EQ(core.count<action::StartInstance>(), 1);
  core.run_until(10.999);
  EXPECT_EQ(core.count<action::Kill>(), 0);
  core.run_until(11);  // the grace is over: it does not block for good
  EXPECT_EQ(core.count<action::Kill>(), 1);
  core.exit(0, ExitReport::Kind::kStopped);
  EXPECT_EQ(core.count<action::StartInstance>(), 2);
  core.ready(0);
  EXPECT_EQ(core.place_of(request), 0);
}

TEST(RevisionCore, IgnoredSigtermIsToldAndDeclared) {
  RevisionConfig c = config(1, 1);
  c.idle_before_zero = seconds(1);
  Core core(c);
  core.arrive();
  core.ready(0);
  core.release(0);
  core.clear();
  core.run_until(11);
  ASSERT_EQ(core.count<action::Declare>(), 1);
  EXPECT_EQ(core.all<action::Declare>()[0].state.reason, "ContainerKilled");
  EXPECT_EQ(core.all<action::Declare>()[0].state.ready, RevisionState::Ready::kTrue);
}

TEST(RevisionCore, MoreLoadThanTheTargetStartsAnotherInstanceAtATick) {
  Core core(config(10, 5));
  for (int i = 0; i < 8; ++i) core.arrive();
  core.ready(0);
  EXPECT_EQ(core.count<action::StartInstance>(), 1);
  core.run_until(44);  // 8 in flight / (10 x 0.6), once that was so for 45 of 60 s
  EXPECT_EQ(core.count<action::StartInstance>(), 1);
  core.run_until(48);
  EXPECT_EQ(core.count<action::StartInstance>(), 2);
}

TEST(RevisionCore, AtZeroTheLoadOfThePastStartsNothing) {
  Core core(config(1, 5));
  const auto lost = core.arrive();
  core.exit(0);
  EXPECT_EQ(core.refused(lost), 503);
  core.run_until(120);
  EXPECT_EQ(core.count<action::StartInstance>(), 1);
}

TEST(RevisionCore, SurplusGoesWhenTheLoadHasBeenLowForAMinute) {
  Core core(config(1, 5));
  for (int i = 0; i < 5; ++i) core.arrive();
  for (InstanceKey key = 0; key < 5; ++key) core.ready(key);
  for (InstanceKey key = 1; key < 5; ++key) core.release(key);  // one request stays
  core.run_until(58);
  EXPECT_EQ(core.count<action::Terminate>(), 0);
  core.run_until(240);
  // One in flight at 60 % of concurrency 1 asks for two.
  EXPECT_EQ(core.count<action::Terminate>(), 3);
  EXPECT_EQ(core.core().view(0)->in_flight, 1);
}

TEST(RevisionCore, ABusySurplusInstanceDrainsAndIsCalledBackBeforeAnotherStarts) {
  RevisionCore::Options options;
  options.autoscaler = scaling::knative_defaults();
  RevisionConfig c = config(2, 2);
  Core core(c, options);
  for (int i = 0; i < 4; ++i) core.arrive();
  core.ready(0);
  core.run_until(2);  // 4 in flight / (2 x 0.7): two instances
  ASSERT_EQ(core.count<action::StartInstance>(), 2);
  core.ready(1);
  c.max_instances = 1;
  core.reconfigure(c);
  EXPECT_EQ(core.count<action::Terminate>(), 0);  // both are busy: one drains
  const auto waiting = core.arrive();
  EXPECT_EQ(core.place_of(waiting), -1);
  EXPECT_EQ(core.count<action::StartInstance>(), 2);
  core.release(0);
  core.release(1);
  EXPECT_NE(core.place_of(waiting), -1);
}

TEST(RevisionCore, WithoutStartOnDemandOnlyTheFirstRequestStartsOne) {
  RevisionCore::Options options;
  options.autoscaler = scaling::knative_defaults();
  Core core(config(1, 10), options);
  for (int i = 0; i < 5; ++i) core.arrive();
  EXPECT_EQ(core.count<action::StartInstance>(), 1);
  core.ready(0);
  core.run_until(2);
  EXPECT_GT(core.count<action::StartInstance>(), 1);  // panic, at the tick
}

TEST(RevisionCore, AMaximumOfZeroRefusesAtOnce) {
  Core core(config(1, 0));
  EXPECT_EQ(core.refused(core.arrive()), 429);
}

// ---- the end ----

TEST(RevisionCore, RetiringServesWhoIsThereAndRefusesNewcomers) {
  Core core(config(1, 1));
  const auto served = core.arrive();
  const auto waiting = core.arrive();
  core.ready(0);
  core.send(event::Retired{});
  EXPECT_EQ(core.refused(core.arrive()), 404);
  EXPECT_EQ(core.place_of(served), 0);
  core.release(0);
  EXPECT_EQ(core.place_of(waiting), 0);
  EXPECT_FALSE(core.core().finished());
  core.release(0);
  EXPECT_EQ(core.count<action::Terminate>(), 1);
  core.exit(0, ExitReport::Kind::kStopped);
  EXPECT_TRUE(core.core().finished());
}

TEST(RevisionCore, RetiringAtZeroIsFinishedAtOnce) {
  Core core(config(1, 1));
  core.send(event::Retired{});
  EXPECT_TRUE(core.core().finished());
}

TEST(RevisionCore, RetiringStopsAStartThatNobodyWaitsFor) {
  RevisionConfig c = config(1, 1);
  c.initial_instances = 1;
  Core core(c);
  core.send(event::Retired{});
  EXPECT_EQ(core.count<action::Kill>(), 1);  // it had no program yet that could be asked
  core.send(event::Executed{0});             // came too late
  EXPECT_EQ(core.count<action::StartProbe>(), 0);
  core.exit(0, ExitReport::Kind::kStopped);
  EXPECT_TRUE(core.core().finished());
  EXPECT_EQ(core.count<action::Declare>(), 0);
}

TEST(RevisionCore, ShuttingDownRefusesWhoWaitsAndStopsAll) {
  Core core(config(1, 2));
  core.arrive();
  core.ready(0);
  core.arrive();
  const auto waiting = core.arrive();
  core.send(event::ShutDown{});
  EXPECT_EQ(core.refused(waiting), 503);
  EXPECT_EQ(core.count<action::Terminate>() + core.count<action::Kill>(), 2);
  EXPECT_EQ(core.refused(core.arrive()), 503);
  core.exit(0, ExitReport::Kind::kStopped);
  core.exit(1, ExitReport::Kind::kStopped);
  EXPECT_FALSE(core.core().finished());  // a request still holds its slot
  core.release(0);
  EXPECT_TRUE(core.core().finished());
}

TEST(RevisionCore, ScalesByRequestsASecondWhereThatIsAskedFor) {
  RevisionConfig c = config(1000, 20);
  c.knative.emplace();
  c.knative->metric = spec::KnativeScaling::Metric::kRequestsPerSecond;
  c.knative->target = 10;
  c.knative->target_utilization = 1;
  c.knative->window = seconds(6);
  Core core(c);
  core.arrive();
  core.ready(0);
  core.release(0);
  for (int i = 1; i < 300; ++i) {  // 30 a second, never two at once
    core.run_until(i / 30.0);
    core.arrive();
    const auto gives = core.all<action::GiveSlot>();
    core.release(gives.back().instance);
  }
  EXPECT_EQ(core.core().living(), 3);
}

TEST(RevisionCore, ManyWaitersComeAndGoWithoutTrace) {
  Core core(config(1, 1));
  for (int i = 0; i < 20'000; ++i) core.send(event::RequestLeft{core.arrive()});
  EXPECT_EQ(core.core().waiting(), 0);
  EXPECT_EQ(core.count<action::StartInstance>(), 1);
}

TEST(RevisionCoreScaling, TheCpuOfAStartEndsTenSecondsAfterIt) {
  RevisionConfig c = config(1, 3);
  c.instance.cpu_millis = 1000;
  c.instance.boost_millis = 2000;
  Core core(c);
  core.arrive();
  core.run_until(30);  // a long start keeps it
  EXPECT_EQ(core.count<action::EndBoost>(), 0);
  core.ready(0);
  core.run_until(39.9);
  EXPECT_EQ(core.count<action::EndBoost>(), 0);
  core.run_until(100);
  EXPECT_EQ(core.count<action::EndBoost>(), 1);
}

TEST(RevisionCoreScaling, CpuOverItsTargetStartsAnotherUpToTheMaximum) {
  Core core(config(80, 2));
  core.arrive();
  core.ready(0);
  Instant told{};
  for (int second = 2; second <= 200; second += 2) {
    core.run_until(second - 0.01);
    core.send(event::CpuUsed{told, 1.5});
    told = Instant(seconds(second - 0.01));
    core.run_until(second);
    if (core.count<action::StartInstance>() == 2 && core.core().starting() == 1) core.ready(1);
    EXPECT_LE(core.core().living(), 2);
  }
  EXPECT_EQ(core.count<action::StartInstance>(), 2);
}

}  // namespace
}  // namespace thaw::serving
