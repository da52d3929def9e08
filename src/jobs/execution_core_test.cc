#include "jobs/execution_core.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace thaw::jobs {
namespace {

using Core = ExecutionCore;
constexpr Instant kStart{};

std::vector<std::pair<int, int>> starts(const Core::Actions& actions) {
  std::vector<std::pair<int, int>> found;
  for (const Core::Action& action : actions) {
    if (const auto* start = std::get_if<Core::Start>(&action)) {
      found.emplace_back(start->task, start->attempt);
    }
  }
  return found;
}
std::vector<int> stops(const Core::Actions& actions) {
  std::vector<int> found;
  for (const Core::Action& action : actions) {
    if (const auto* stop = std::get_if<Core::Stop>(&action)) found.push_back(stop->task);
  }
  return found;
}
bool ends(const Core::Actions& actions) {
  return !actions.empty() && std::holds_alternative<Core::Ended>(actions.back());
}
using Pairs = std::vector<std::pair<int, int>>;

TEST(Execution, RunsAsManyTasksAtOnceAsParallelismSays) {
  Core core({.task_count = 3, .parallelism = 2});
  EXPECT_EQ(starts(core.begin(kStart)), (Pairs{{0, 0}, {1, 0}}));
  EXPECT_EQ(starts(core.on_exit(1, Core::Outcome::kSucceeded, "", kStart)), (Pairs{{2, 0}}));
  EXPECT_TRUE(core.on_exit(0, Core::Outcome::kSucceeded, "", kStart).empty());
  EXPECT_TRUE(ends(core.on_exit(2, Core::Outcome::kSucceeded, "", kStart)));
  EXPECT_EQ(core.state(), Core::State::kSucceeded);
}

TEST(Execution, WithoutParallelismAllTasksRunAtOnce) {
  Core core({.task_count = 5});
  EXPECT_EQ(starts(core.begin(kStart)).size(), 5u);
}

TEST(Execution, AFailedTaskIsTriedAgainWithTheNextNumberAndThenFailsTheExecution) {
  Core core({.task_count = 2, .parallelism = 1, .max_retries = 1});
  core.begin(kStart);
  EXPECT_EQ(starts(core.on_exit(0, Core::Outcome::kFailed, "exit code 3", kStart)),
            (Pairs{{0, 1}}));
  // The others still run.
  EXPECT_EQ(starts(core.on_exit(0, Core::Outcome::kFailed, "exit code 3", kStart)),
            (Pairs{{1, 0}}));
  EXPECT_TRUE(ends(core.on_exit(1, Core::Outcome::kSucceeded, "", kStart)));
  EXPECT_EQ(core.state(), Core::State::kFailed);
  EXPECT_EQ(core.fault(), "task 0 failed 2 times: exit code 3");
  EXPECT_EQ(core.counts().succeeded, 1);
  EXPECT_EQ(core.counts().failed, 1);
  EXPECT_EQ(core.counts().retried, 1);
}

TEST(Execution, AnAttemptThatTakesTooLongIsStoppedAndCountsAsFailed) {
  Core core({.max_retries = 0, .timeout = seconds(5)});
  core.begin(kStart);
  EXPECT_EQ(core.next_wake(), kStart + seconds(5));
  EXPECT_TRUE(core.on_time(kStart + seconds(4)).empty());
  EXPECT_EQ(stops(core.on_time(kStart + seconds(5))), std::vector<int>{0});
  EXPECT_EQ(core.next_wake(), Instant::max());
  // Also when it ends well on SIGTERM.
  EXPECT_TRUE(ends(core.on_exit(0, Core::Outcome::kSucceeded, "", kStart + seconds(6))));
  EXPECT_EQ(core.state(), Core::State::kFailed);
  EXPECT_NE(core.fault().find("longer than"), std::string::npos);
}

TEST(Execution, CancellingStopsWhatRunsAndStartsNothingMore) {
  Core core({.task_count = 3, .parallelism = 1});
  core.begin(kStart);
  const auto actions = core.cancel();
  EXPECT_EQ(stops(actions), std::vector<int>{0});
  EXPECT_FALSE(ends(actions));
  EXPECT_TRUE(ends(core.on_exit(0, Core::Outcome::kFailed, "", kStart)));
  EXPECT_EQ(core.state(), Core::State::kCancelled);
  EXPECT_EQ(core.counts().cancelled, 3);
}

TEST(Execution, AfterACrashWhatRanIsRunAgainUnderTheSameNumber) {
  const ExecutionSettings settings{.task_count = 3, .parallelism = 2, .max_retries = 2};
  Core core(settings);
  core.begin(kStart);
  core.on_exit(0, Core::Outcome::kSucceeded, "", kStart);
  core.on_exit(1, Core::Outcome::kFailed, "", kStart);
  auto again = Core::from_json(settings, *Json::parse(core.to_json().dump()));
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(starts(again->begin(kStart)), (Pairs{{1, 1}, {2, 0}}));
  EXPECT_EQ(again->counts().succeeded, 1);
}

TEST(Execution, WhatWasKeptAndIsNoneIsToldNotRun) {
  const ExecutionSettings settings{.task_count = 1};
  for (const char* text : {"{}", R"({"tasks":[]})", R"({"tasks":[{"state":"happy"}]})"}) {
    const auto core = Core::from_json(settings, *Json::parse(text));
    ASSERT_FALSE(core) << text;
    EXPECT_EQ(core.error().code(), Code::kDataLoss);
  }
}

/// Whatever happens in which order: never more at once than allowed, no attempt over the retries,
/// each task ends once, and the execution ends.
TEST(Execution, HoldsItsLimitsOverRandomRuns) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 chance(seed);
    const ExecutionSettings settings{.task_count = static_cast<int>(chance() % 20 + 1),
                                     .parallelism = static_cast<int>(chance() % 5),
                                     .max_retries = static_cast<int>(chance() % 4),
                                     .timeout = seconds(10)};
    const size_t most =
        static_cast<size_t>(settings.parallelism > 0 ? settings.parallelism : settings.task_count);
    Core core(settings);
    std::map<int, int> running;
    Instant now = kStart;
    bool has_ended = false;
    const auto take = [&](const Core::Actions& actions) {
      for (const auto& [task, attempt] : starts(actions)) {
        EXPECT_TRUE(running.emplace(task, attempt).second) << seed;
        EXPECT_LE(attempt, settings.max_retries) << seed;
      }
      EXPECT_LE(running.size(), most) << seed;
      if (ends(actions)) {
        EXPECT_FALSE(has_ended) << seed;
        has_ended = true;
      }
    };
    take(core.begin(now));
    for (int step = 0; step < 1000 && !has_ended; ++step) {
      now = now + seconds(1);
      take(core.on_time(now));
      if (chance() % 50 == 0) take(core.cancel());
      if (running.empty() || has_ended || chance() % 2 == 0) continue;
      auto one = running.begin();
      std::advance(one, chance() % running.size());
      const int task = one->first;
      running.erase(one);
      take(core.on_exit(task, chance() % 3 ? Core::Outcome::kSucceeded : Core::Outcome::kFailed, "",
                        now));
      if (chance() % 20 == 0 && !has_ended) {  // kill -9
        auto again = Core::from_json(settings, core.to_json());
        ASSERT_TRUE(again) << seed;
        core = *std::move(again);
        running.clear();
        take(core.begin(now));
      }
    }
    EXPECT_TRUE(has_ended) << seed;
    EXPECT_TRUE(running.empty()) << seed;
  }
}

}  // namespace
}  // namespace thaw::jobs
