#include "simulate/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "simulate/simulate.h"

namespace thaw::simulate {
namespace {

using testing::HasSubstr;

ReplayOptions one_at_a_time(int max_instances = 100) {
  ReplayOptions it;
  it.config.container_concurrency = 1;
  it.config.max_instances = max_instances;
  it.config.initial_instances = 0;
  return it;
}

std::vector<Call> every(double gap, int count, double takes = 0.5) {
  std::vector<Call> calls;
  for (int i = 0; i < count; ++i) calls.push_back({10 + i * gap, static_cast<float>(takes)});
  return calls;
}

std::vector<PolicyResult> compare(Pattern pattern, int services,
                                  const scaling::Resting& resting = {.after = seconds(20),
                                                                     .share = 0.1,
                                                                     .wake = milliseconds(100)}) {
  Simulation simulation;
  simulation.pattern.pattern = pattern;
  simulation.services = services;
  simulation.policies = {cloud_run_policy(), knative_policy(), thaw_policy(resting)};
  simulation.replay = one_at_a_time();
  simulation.replay.config.container_concurrency = 80;
  return simulate(simulation, [](size_t count, const std::function<void(size_t)>& task) {
    for (size_t i = count; i > 0; --i) task(i - 1);
  });
}

TEST(Replay, OnlyTheFirstCallWaitsWhereOthersComeBeforeItIsReleased) {
  const Outcome outcome = replay(every(60, 100), cloud_run_policy(), one_at_a_time());
  EXPECT_EQ(outcome.calls, 100U);
  EXPECT_EQ(outcome.cold_waits, 1U);
  EXPECT_EQ(outcome.starts, 1U);
  EXPECT_DOUBLE_EQ(outcome.wait_seconds, 2);
  EXPECT_EQ(outcome.waits.percentile(0.99), 0);
  EXPECT_NEAR(outcome.waits.percentile(1), 2, 0.1);
  // From the first call to 15 minutes after the last, and the stop.
  EXPECT_NEAR(outcome.instance_seconds, 99 * 60 + 900, 5);
  EXPECT_NEAR(outcome.busy_seconds, 2 + 100 * 0.5, 1e-6);
}

TEST(Replay, EachCallWaitsWhereTheyComeLaterThanTheyAreHeld) {
  const Outcome outcome = replay(every(3600, 10), knative_policy(), one_at_a_time());
  EXPECT_EQ(outcome.cold_waits, 10U);
  EXPECT_EQ(outcome.starts, 10U);
}

TEST(Replay, TheMaximumHoldsAndWhoWaitsTooLongIsRefused) {
  std::vector<Call> calls;
  for (int i = 0; i < 50; ++i) calls.push_back({1, 1});
  const Outcome outcome = replay(calls, thaw_policy(), one_at_a_time(2));
  EXPECT_EQ(outcome.most_instances, 2);
  EXPECT_GT(outcome.refused, 20U);
  EXPECT_LT(outcome.refused, 35U);
  EXPECT_EQ(outcome.calls, 50U);
}

TEST(Replay, SlicesAddUpToTheWhole) {
  const ReplayOptions options = one_at_a_time();
  const Outcome outcome = replay(every(700, 40), thaw_policy(), options);
  double hours = 0;
  double cold = 0;
  for (size_t i = 0; i < Outcome::kSlices; ++i) {
    hours += static_cast<double>(outcome.instances[i]) * options.span / Outcome::kSlices;
    cold += static_cast<double>(outcome.cold[i]);
  }
  EXPECT_NEAR(hours, outcome.instance_seconds, 1);
  EXPECT_EQ(cold, static_cast<double>(outcome.cold_waits));
}

TEST(Replay, WhatComesByTheClockIsStartedAhead) {
  const auto calls = every(2 * 3600, 12);
  EXPECT_LE(replay(calls, thaw_policy(), one_at_a_time()).cold_waits, 4U);
  EXPECT_EQ(replay(calls, cloud_run_policy(), one_at_a_time()).cold_waits, 12U);
}

constexpr scaling::Resting kRests{.after = seconds(20), .share = 0.1, .wake = milliseconds(500)};

TEST(Replay, WhatRestsIsInSwapAndWakesSlower) {
  const Outcome outcome = replay(every(60, 100), thaw_policy(kRests), one_at_a_time());
  EXPECT_EQ(outcome.cold_waits, 1U);
  EXPECT_EQ(outcome.wakes, 99U);
  EXPECT_NEAR(outcome.wait_seconds, 2 + 99 * 0.5, 1e-6);
  EXPECT_NEAR(outcome.waits.percentile(0.5), 0.5, 0.03);
  // The start, then each call with its wake and the 20 s after it; the rest of the gaps in swap.
  EXPECT_NEAR(outcome.instance_seconds, 2 + 100 * 20.5 + 99 * 0.5, 5);
  EXPECT_GT(outcome.hibernated_seconds, 99 * 39);
}

TEST(Replay, TheMinimumKeepsItsMemory) {
  ReplayOptions options = one_at_a_time();
  options.config.min_instances = 1;
  const Outcome outcome = replay(every(60, 100), thaw_policy(kRests), options);
  EXPECT_EQ(outcome.wakes, 0U);
  EXPECT_EQ(outcome.hibernated_seconds, 0);
}

/// Seconds of memory.
double held(const PolicyResult& it) {
  return it.outcome.instance_seconds + it.outcome.hibernated_seconds * it.policy.resting.share;
}

TEST(Simulate, FewerCallsWaitForAStartAndLessIsHeldThanWithEitherOtherPolicy) {
  for (const Pattern pattern :
       {Pattern::kSteady, Pattern::kDiurnal, Pattern::kBursty, Pattern::kSpiky}) {
    const auto results = compare(pattern, 100);
    const PolicyResult& thaw = results[2];
    for (const PolicyResult* other : {&results[0], &results[1]}) {
      SCOPED_TRACE(std::string(other->policy.name) + ", pattern " +
                   std::to_string(static_cast<int>(pattern)));
      EXPECT_LT(thaw.outcome.cold_waits, other->outcome.cold_waits);
      EXPECT_LT(held(thaw), held(*other));
    }
  }
}

TEST(Simulate, WithoutSwapItIsNoWorseThanAFixedTime) {
  for (const Pattern pattern : {Pattern::kSteady, Pattern::kDiurnal, Pattern::kSpiky}) {
    const auto results = compare(pattern, 300, {});
    SCOPED_TRACE(static_cast<int>(pattern));
    EXPECT_LT(results[2].outcome.cold_waits, results[0].outcome.cold_waits);
    EXPECT_LT(results[2].outcome.instance_seconds, results[0].outcome.instance_seconds);
  }
}

TEST(Simulate, IsTheSameWhateverTheOrderOfTheWork) {
  Simulation simulation;
  simulation.services = 100;
  simulation.policies = {thaw_policy()};
  simulation.replay = one_at_a_time();
  const auto forwards = simulate(simulation, [](size_t count, const auto& task) {
    for (size_t i = 0; i < count; ++i) task(i);
  });
  const auto backwards = simulate(simulation, [](size_t count, const auto& task) {
    for (size_t i = count; i > 0; --i) task(i - 1);
  });
  const Scene scene{"t", 86400, 1000, mib(512)};
  EXPECT_EQ(report_json(forwards, scene).dump(), report_json(backwards, scene).dump());
  EXPECT_GT(forwards[0].outcome.calls, 1000U);
}

TEST(Simulate, NoPolicyLosesACall) {
  for (const Pattern pattern :
       {Pattern::kSteady, Pattern::kDiurnal, Pattern::kBursty, Pattern::kSpiky}) {
    const auto results = compare(pattern, 20);
    for (const PolicyResult& it : results) {
      EXPECT_EQ(it.outcome.calls, results[0].outcome.calls);
      EXPECT_EQ(it.outcome.refused, 0U);
      EXPECT_LE(it.outcome.cold_waits, it.outcome.calls);
      EXPECT_GT(it.outcome.instance_seconds, it.outcome.busy_seconds * 0.999);
    }
  }
}

TEST(Simulate, TheReportNamesEachPolicyWithItsFigures) {
  const auto results = compare(Pattern::kSteady, 3);
  const std::string text = report_text(results, {"steady, 3 services", 86400, 1000, mib(512)});
  for (const char* word : {"steady, 3 services", "cloud-run", "knative", "thaw", "COLD WAITS"}) {
    EXPECT_THAT(text, HasSubstr(word));
  }
  EXPECT_THAT(text, HasSubstr(std::to_string(results[2].outcome.cold_waits)));
}

}  // namespace
}  // namespace thaw::simulate
