// RevisionCore: liveness and readiness probes.
#include <gtest/gtest.h>

#include "serving/revision_core_testing.h"

namespace thaw::serving {
namespace {

using Outcome = ProbeWatch::Outcome;
using Cpu = action::SetCpu::Cpu;

Probe probe(double period, int failures, int successes = 1) {
  Probe p;
  p.kind = Probe::Kind::kHttpGet;
  p.path = "/health";
  p.period = seconds(period);
  p.timeout = seconds(1);
  p.failure_threshold = failures;
  p.success_threshold = successes;
  return p;
}

RevisionConfig alive(int failures, int max = 3) {
  RevisionConfig c = config(2, max);
  c.cpu = CpuAllocation::kInstanceBased;
  c.liveness_probe = probe(10, failures);
  return c;
}

RevisionConfig ready_while(int failures, int successes, int max = 3) {
  RevisionConfig c = config(2, max);
  c.cpu = CpuAllocation::kInstanceBased;
  c.readiness_probe = probe(10, failures, successes);
  return c;
}

void check(Core& core, InstanceKey key, Health health, Outcome outcome) {
  core.send(event::Checked{key, health, outcome, "GET /health on port 8080 was answered with 500"});
}

/// The next try, and how it ends.
void try_at(Core& core, double when, InstanceKey key, Health health, Outcome outcome) {
  const int before = core.count<action::Check>();
  core.run_until(when);
  ASSERT_EQ(core.count<action::Check>(), before + 1) << when;
  check(core, key, health, outcome);
}

TEST(RevisionCoreHealth, ALivenessProbeThatFailsKillsWithoutSigterm) {
  Core core(alive(2));
  const uint64_t request = core.arrive();
  core.ready(0);
  EXPECT_EQ(core.place_of(request), 0);
  try_at(core, 0, 0, Health::kLiveness, Outcome::kFailed);
  EXPECT_EQ(core.count<action::Kill>(), 0);
  try_at(core, 10, 0, Health::kLiveness, Outcome::kFailed);
  EXPECT_EQ(core.count<action::Kill>(), 1);
  EXPECT_EQ(core.count<action::Terminate>(), 0);
  // Its request learns why.
  core.send(event::ConnectionBroke{{request, 0}, 0});
  EXPECT_EQ(core.refused(request), 0);
  core.exit(0, ExitReport::Kind::kStopped);
  EXPECT_EQ(core.refused(request), 503);
  const auto refusals = core.all<action::Refuse>();
  EXPECT_NE(refusals.back().refusal.message.find("failed its liveness probe 2 times in a row"),
            std::string::npos)
      << refusals.back().refusal.message;
  const auto declared = core.all<action::Declare>();
  EXPECT_EQ(declared.back().state.ready, RevisionState::Ready::kTrue);
  EXPECT_EQ(declared.back().state.reason, "ContainerUnhealthy");
  EXPECT_EQ(core.core().living(), 0);
}

TEST(RevisionCoreHealth, AKilledOneIsReplacedWhenItIsNeededMoreAndMoreSlowly) {
  RevisionConfig c = alive(1);
  c.min_instances = 1;
  Core core(c);
  ASSERT_EQ(core.count<action::StartInstance>(), 1);
  core.ready(0);
  try_at(core, 0, 0, Health::kLiveness, Outcome::kFailed);
  core.exit(0, ExitReport::Kind::kStopped);
  EXPECT_EQ(core.count<action::StartInstance>(), 2);  // at once
  const InstanceKey next = core.all<action::StartInstance>().back().instance;
  core.ready(next);
  try_at(core, 0, next, Health::kLiveness, Outcome::kFailed);
  core.exit(next, ExitReport::Kind::kStopped);
  core.run_until(0.9);
  EXPECT_EQ(core.count<action::StartInstance>(), 2);
  core.run_until(1.1);
  EXPECT_EQ(core.count<action::StartInstance>(), 3);  // after 1 s
}

TEST(RevisionCoreHealth, WhileItStartsOrStopsNothingIsTried) {
  Core core(alive(1));
  core.arrive();
  core.send(event::Executed{0});
  core.run_until(100);
  EXPECT_EQ(core.count<action::Check>(), 0);
  core.send(event::ProbePassed{0});
  core.send(event::ShutDown{});
  core.run_until(105);
  EXPECT_EQ(core.count<action::Check>(), 0);
}

TEST(RevisionCoreHealth, ADrainingOneThatHangsIsKilled) {
  Core core(alive(1));
  const uint64_t request = core.arrive();
  core.ready(0);
  try_at(core, 0, 0, Health::kLiveness, Outcome::kPassed);
  EXPECT_EQ(core.place_of(request), 0);
  core.send(event::Retired{});
  try_at(core, 10, 0, Health::kLiveness, Outcome::kFailed);
  EXPECT_EQ(core.count<action::Kill>(), 1);
}

TEST(RevisionCoreHealth, AFrozenOneIsNotTriedAndIsTriedWhenItRunsAgain) {
  RevisionConfig c = alive(1);
  c.cpu = CpuAllocation::kRequestBased;
  RevisionCore::Options options;
  options.autoscaler.scale_to_zero_after = seconds(600);
  Core core(c, options);
  const uint64_t request = core.arrive();
  core.ready(0);
  try_at(core, 0, 0, Health::kLiveness, Outcome::kPassed);
  EXPECT_EQ(core.place_of(request), 0);
  core.release(0);
  core.run_until(1);
  EXPECT_EQ(core.all<action::SetCpu>().back().cpu, Cpu::kNone);
  core.run_until(55);
  EXPECT_EQ(core.count<action::Check>(), 1);
  core.arrive();
  EXPECT_EQ(core.all<action::SetCpu>().back().cpu, Cpu::kFull);
  try_at(core, 55, 0, Health::kLiveness, Outcome::kPassed);
}

TEST(RevisionCoreHealth, OneIsNotFrozenWhileItsProbesHaveNotAgreed) {
  RevisionConfig c = alive(3);
  c.cpu = CpuAllocation::kRequestBased;
  RevisionCore::Options options;
  options.autoscaler.scale_to_zero_after = seconds(600);
  Core core(c, options);
  core.arrive();
  core.ready(0);
  core.run_until(0);
  core.release(0);
  core.run_until(5);  // the try is under way
  EXPECT_EQ(core.count<action::SetCpu>(), 0);
  check(core, 0, Health::kLiveness, Outcome::kFailed);
  try_at(core, 10, 0, Health::kLiveness, Outcome::kFailed);
  EXPECT_EQ(core.count<action::SetCpu>(), 0);
  try_at(core, 20, 0, Health::kLiveness, Outcome::kPassed);
  core.run_until(20.2);
  EXPECT_EQ(core.all<action::SetCpu>().back().cpu, Cpu::kNone);
}

TEST(RevisionCoreHealth, OneThatIsNotReadyGetsNoNewRequestsAndLives) {
  Core core(ready_while(2, 2));
  const uint64_t first = core.arrive();
  core.ready(0);
  EXPECT_EQ(core.place_of(first), 0);  // before the first try
  try_at(core, 0, 0, Health::kReadiness, Outcome::kFailed);
  const uint64_t second = core.arrive();
  EXPECT_EQ(core.place_of(second), 0);
  core.release(0);
  try_at(core, 10, 0, Health::kReadiness, Outcome::kFailed);
  EXPECT_EQ(core.core().view(0)->state, InstanceState::kUnready);
  try_at(core, 20, 0, Health::kReadiness, Outcome::kPassed);
  core.run_until(25);
  // It has a free place, and another instance is started.
  const uint64_t third = core.arrive();
  EXPECT_EQ(core.place_of(third), -1);
  EXPECT_EQ(core.count<action::StartInstance>(), 2);
  EXPECT_EQ(core.count<action::Kill>() + core.count<action::Terminate>(), 0);
  try_at(core, 30, 0, Health::kReadiness, Outcome::kPassed);
  EXPECT_EQ(core.place_of(third), 0);
  EXPECT_EQ(core.core().view(0)->state, InstanceState::kReady);
}

TEST(RevisionCoreHealth, OneThatIsNotReadyIsNoSurplus) {
  Core core(ready_while(1, 1));
  core.arrive();
  core.arrive();
  const uint64_t third = core.arrive();
  core.ready(0);
  core.ready(1);
  EXPECT_EQ(core.place_of(third), 1);
  core.run_until(0);
  check(core, 0, Health::kReadiness, Outcome::kFailed);
  check(core, 1, Health::kReadiness, Outcome::kPassed);
  core.release(0);
  core.release(0);
  core.run_until(9.9);  // one instance would do for the load, and one is ready
  EXPECT_EQ(core.core().view(0)->state, InstanceState::kUnready);
  EXPECT_EQ(core.core().view(1)->state, InstanceState::kReady);
}

TEST(RevisionCoreHealth, OneThatIsNotReadyStillCountsAsAMinimumInstance) {
  RevisionConfig c = ready_while(1, 1);
  c.min_instances = 1;
  Core core(c);
  core.ready(0);
  try_at(core, 0, 0, Health::kReadiness, Outcome::kFailed);
  core.run_until(9);
  EXPECT_EQ(core.count<action::StartInstance>(), 1);
}

TEST(RevisionCoreHealth, AtTheMaximumRequestsWaitForOneThatIsNotReady) {
  Core core(ready_while(1, 1, 1));
  core.arrive();
  core.ready(0);
  try_at(core, 0, 0, Health::kReadiness, Outcome::kFailed);
  const uint64_t waits = core.arrive();
  core.run_until(9.9);
  EXPECT_EQ(core.refused(waits), 0);
  try_at(core, 10, 0, Health::kReadiness, Outcome::kFailed);
  core.run_until(10.1);
  EXPECT_EQ(core.refused(waits), 429);
}

TEST(RevisionCoreHealth, KnativesWayStartsOneWhenNoneIsReady) {
  RevisionConfig c = ready_while(1, 1);
  c.knative.emplace();
  Core core(c);
  core.arrive();
  core.ready(0);
  try_at(core, 0, 0, Health::kReadiness, Outcome::kFailed);
  core.arrive();
  EXPECT_EQ(core.count<action::StartInstance>(), 2);
}

TEST(RevisionCoreHealth, AnIdleOneThatIsNotReadyStopsLikeOthers) {
  RevisionCore::Options options;
  options.autoscaler.scale_to_zero_after = seconds(25);
  Core core(ready_while(1, 1), options);
  core.arrive();
  core.ready(0);
  core.run_until(0);
  core.release(0);
  check(core, 0, Health::kReadiness, Outcome::kFailed);
  try_at(core, 10, 0, Health::kReadiness, Outcome::kFailed);
  try_at(core, 20, 0, Health::kReadiness, Outcome::kFailed);
  core.run_until(26);
  EXPECT_EQ(core.count<action::Terminate>(), 1);
}

}  // namespace
}  // namespace thaw::serving
