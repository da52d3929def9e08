#include <gtest/gtest.h>

#include <functional>

#include "serving/revision_core_testing.h"

namespace thaw::serving {
namespace {

RevisionCore::Options keeping() {
  RevisionCore::Options options;
  options.keep_warm.emplace();
  options.autoscaler.scale_down_delay = Duration(0);
  return options;
}

/// A core whose instances start in two seconds, answer in a tenth of one and stop when told to.
class Kept {
 public:
  explicit Kept(RevisionConfig config) : core_(std::move(config), keeping()) {}

  void run_until(double at) {
    while (true) {
      act();
      constexpr double kOver = 1e-6;  // a double's seconds may round to a moment too early
      double next = std::min(at, to_seconds(core_.core().wake_at().time_since_epoch()) + kOver);
      for (const auto& [when, due] : due_) next = std::min(next, when);
      core_.run_until(next);
      act();
      const auto first = std::find_if(due_.begin(), due_.end(),
                                      [&](const auto& entry) { return entry.first <= next; });
      if (first == due_.end()) {
        if (next >= at) return;
        continue;
      }
      const auto due = first->second;
      due_.erase(first);
      due();
    }
  }
  uint64_t call(double at) {
    run_until(at);
    const uint64_t request = core_.arrive();
    run_until(at);
    return request;
  }
  bool answered_at_once(uint64_t request) const { return core_.place_of(request) >= 0; }
  int living() { return core_.core().living(); }

 private:
  void act() {
    const std::vector<Action> actions = core_.take();
    for (const Action& action : actions) {
      if (const auto* start = std::get_if<action::StartInstance>(&action)) {
        later(2, [this, key = start->instance] { core_.ready(key); });
      } else if (const auto* give = std::get_if<action::GiveSlot>(&action)) {
        later(0.1, [this, key = give->instance] { core_.release(key); });
      } else if (const auto* end = std::get_if<action::Terminate>(&action)) {
        later(0, [this, key = end->instance] { core_.exit(key, ExitReport::Kind::kStopped); });
      }
    }
  }
  void later(double delay, std::function<void()> what) {
    due_.emplace_back(core_.now() + delay, std::move(what));
  }

  Core core_;
  std::vector<std::pair<double, std::function<void()>>> due_;
};

TEST(KeepWarmService, IsHeldThroughTheGapsItKnows) {
  Kept kept(config(1, 3));
  for (int i = 0; i < 10; ++i) kept.call(1 + i * 300.0);
  EXPECT_TRUE(kept.answered_at_once(kept.call(1 + 10 * 300.0)));
  kept.run_until(1 + 10 * 300.0 + 3000);
  EXPECT_EQ(kept.living(), 0);
}

TEST(KeepWarmService, IsReleasedSoonAndStartedAheadOfItsHourlyCall) {
  Kept kept(config(1, 3));
  for (int i = 0; i < 6; ++i) kept.call(1 + i * 7200.0);
  kept.run_until(1 + 5 * 7200.0 + 60);
  EXPECT_EQ(kept.living(), 0);
  EXPECT_TRUE(kept.answered_at_once(kept.call(1 + 6 * 7200.0)));
  kept.run_until(1 + 6 * 7200.0 + 60);
  EXPECT_EQ(kept.living(), 0);
  kept.run_until(1 + 7 * 7200.0 + 3600);  // nobody called: what was started ahead goes
  EXPECT_EQ(kept.living(), 0);
}

TEST(KeepWarmService, AnIdleTimeOfItsOwnHoldsInstead) {
  RevisionConfig own = config(1, 3);
  own.idle_before_zero = seconds(5);
  Kept kept(own);
  for (int i = 0; i < 10; ++i) kept.call(1 + i * 300.0);
  kept.run_until(1 + 9 * 300.0 + 2);
  EXPECT_EQ(kept.living(), 1);
  kept.run_until(1 + 9 * 300.0 + 10);
  EXPECT_EQ(kept.living(), 0);
}

TEST(KeepWarmService, TheFirstStartOfADeployIsNotStoppedAtOnce) {
  RevisionConfig tried = config(1, 3);
  tried.initial_instances = 1;
  Kept kept(tried);
  kept.run_until(30);
  EXPECT_EQ(kept.living(), 1);
  kept.run_until(4000);
  EXPECT_EQ(kept.living(), 0);
}

TEST(KeepWarmService, TheMinimumStays) {
  RevisionConfig two = config(1, 3);
  two.min_instances = 2;
  Kept kept(two);
  kept.call(5);
  kept.run_until(20000);
  EXPECT_EQ(kept.living(), 2);
}

TEST(KeepWarmService, EveryInstanceOfARegularBurstIsThereAndNeverMoreThanTheMaximum) {
  Kept kept(config(1, 4));
  for (int i = 0; i < 8; ++i) {
    for (int k = 0; k < 6; ++k) kept.call(1 + i * 600.0);
    EXPECT_LE(kept.living(), 4);
  }
  kept.run_until(1 + 8 * 600.0 - 0.001);
  EXPECT_EQ(kept.living(), 4);
}

}  // namespace
}  // namespace thaw::serving
