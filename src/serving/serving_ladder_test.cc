// Serving down the ladder and up again: what is asked of the sandbox, what it costs, what is told.
#include <gtest/gtest.h>

#include "serving/serving_fixture.h"

namespace thaw::serving {
namespace {

using Hibernation = sandbox::Sandbox::Hibernation;
using scaling::Rung;

class ServingLadderTest : public ServingTest {
 protected:
  void use(scaling::LadderOptions ladder) {
    Serving::Options options;
    options.ladder = ladder;
    options.autoscaler.scale_to_zero_after = seconds(600);
    serving_ =
        std::make_unique<Serving>(time_, time_, entropy_, sandbox_, prober_, observer_, options);
  }
  /// Up, called once, its answer begun after `handling`, and free again.
  void call_once(double handling) {
    auto caller = call();
    if (!caller->slot) {
      come_up(sandbox_.started.size() - 1);
      time_.turn();
    }
    ASSERT_TRUE(caller->slot);
    time_.run_until(now() + handling);
    caller->slot->first_byte();
    caller->slot.reset();
    time_.turn();
  }
  double now() const { return to_seconds(time_.now().time_since_epoch()); }
};

TEST_F(ServingLadderTest, AnIdleInstanceIsFrozenThenHibernatedAndEachWakeHasItsPrice) {
  sandbox_.can_hibernate = Hibernation::kEverything;
  use({.budget = {}, .hibernate_after = seconds(5)});
  serving_->set_revision(config(1, 1));
  call_once(0.5);  // cold
  time_.run_until(2);
  EXPECT_EQ(serving_->instances().at(0).temperature, Temperature::kFrozen);
  call_once(0.010);  // frozen
  call_once(0.001);  // hot
  time_.run_until(now() + 3);
  EXPECT_EQ(sandbox_.started[0]->hibernated, 0);
  time_.run_until(now() + 5);
  ASSERT_EQ(sandbox_.started[0]->hibernated, 1);
  EXPECT_EQ(serving_->instances().at(0).temperature, Temperature::kHibernated);
  sandbox_.started[0]->usage.memory = mib(2);
  sandbox_.started[0]->usage.swapped = mib(28);
  sandbox_.started[0]->observer->on_hibernated(sandbox_.started[0]->usage, "");
  time_.turn();
  EXPECT_EQ(observer_.events.back().message, "Hibernated: 2 MiB in memory, 28 MiB in swap.");
  EXPECT_EQ(sandbox_.started[0]->wakes_served, 0);
  call_once(0.060);  // hibernated
  EXPECT_EQ(sandbox_.started[0]->wakes_served, 1);

  const scaling::PriceList* prices = serving_->prices(kRevision);
  ASSERT_NE(prices, nullptr);
  const auto price_ms = [&](Rung rung) {
    EXPECT_EQ(prices->of(rung).wakes_ever, 1U) << scaling::name_of(rung);
    return to_millis(prices->of(rung).wakes.quantile(0.5));
  };
  EXPECT_NEAR(price_ms(Rung::kCold), 500, 65);
  EXPECT_NEAR(price_ms(Rung::kFrozen), 10, 1.3);
  EXPECT_NEAR(price_ms(Rung::kHot), 1, 0.13);
  EXPECT_NEAR(price_ms(Rung::kHibernated), 60, 8);
  EXPECT_EQ(prices->of(Rung::kFrozen).memory, mib(30));
  EXPECT_EQ(prices->of(Rung::kHibernated).memory, mib(2));
}

TEST_F(ServingLadderTest, EachStartAndWakeTellsItsRung) {
  sandbox_.can_hibernate = Hibernation::kEverything;
  use({.budget = {}, .hibernate_after = seconds(5)});
  serving_->set_revision(config(1, 1));
  call_once(0.5);
  time_.run_until(2);
  call_once(0.010);
  time_.run_until(20);
  call_once(0.060);
  std::vector<Rung> rungs;
  for (const StartRecord& record : observer_.starts) {
    if (record.first_byte) rungs.push_back(record.from);
  }
  EXPECT_EQ(rungs, (std::vector<Rung>{Rung::kCold, Rung::kFrozen, Rung::kHibernated}));
  EXPECT_EQ(*observer_.starts.back().first_byte - observer_.starts.back().requested,
            milliseconds(60));
}

TEST_F(ServingLadderTest, OverTheBudgetAnIdleInstanceStopsWhereNothingCanHibernate) {
  use({.budget = mib(20), .hibernate_after = seconds(5)});
  serving_->set_revision(config(1, 1));
  call_once(0.5);
  time_.run_until(5);
  EXPECT_EQ(sandbox_.started[0]->terminated, 1);
}

TEST_F(ServingLadderTest, TheMinimumIsKeptOverTheBudget) {
  use({.budget = mib(20), .hibernate_after = seconds(5)});
  RevisionConfig c = config(1, 1);
  c.min_instances = 1;
  serving_->set_revision(c);
  come_up(0);
  time_.run_until(100);
  EXPECT_EQ(sandbox_.started[0]->terminated, 0);
}

TEST_F(ServingLadderTest, AServiceMayRefuseToHibernateOrAskForItAtOnce) {
  sandbox_.can_hibernate = Hibernation::kEverything;
  use({.budget = {}, .hibernate_after = seconds(5)});
  RevisionConfig c = config(1, 1);
  c.idle_rung = scaling::IdleRung::kFrozen;
  serving_->set_revision(c);
  call_once(0.1);
  time_.run_until(100);
  EXPECT_EQ(sandbox_.started[0]->hibernated, 0);
  c.idle_rung = scaling::IdleRung::kHibernated;
  serving_->set_revision(c);
  call_once(0.1);
  time_.run_until(now() + 2);
  EXPECT_EQ(sandbox_.started[0]->hibernated, 1);
}

TEST_F(ServingLadderTest, PricesAreToldNowAndThenAndKnownFromAnEarlierRun) {
  use({});
  scaling::PriceList known;
  known.add_wake(Rung::kTemplated, milliseconds(40));
  serving_->set_prices(kRevision, known);
  EXPECT_EQ(serving_->prices(kRevision), nullptr);
  serving_->set_revision(config(1, 1));
  EXPECT_EQ(serving_->prices(kRevision)->of(Rung::kTemplated).wakes_ever, 1U);
  call_once(0.5);
  call_once(0.001);
  EXPECT_TRUE(observer_.prices.empty());
  time_.run_until(15);
  ASSERT_EQ(observer_.prices.size(), 1U);
  EXPECT_EQ(observer_.prices[0].of(Rung::kHot).wakes_ever, 1U);
  EXPECT_EQ(observer_.prices[0].of(Rung::kTemplated).wakes_ever, 1U);
  call_once(0.001);
  serving_->shut_down([] {});
  time_.turn();
  EXPECT_EQ(observer_.prices.size(), 2U) << "the last ones are told at the end";
}

}  // namespace
}  // namespace thaw::serving
