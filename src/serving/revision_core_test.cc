#include "serving/revision_core.h"

#include <gtest/gtest.h>

#include "serving/revision_core_testing.h"

namespace thaw::serving {
namespace {

using sandbox::ExitReport;

// ---- places ----

TEST(RevisionCore, FirstRequestStartsAnInstanceAtOnceAndGetsItsPlace) {
  Core core(config(1, 3));
  const auto request = core.arrive();
  ASSERT_EQ(core.count<action::StartInstance>(), 1);
  EXPECT_EQ(core.place_of(request), -1);
  core.ready(0);
  EXPECT_EQ(core.place_of(request), 0);
  EXPECT_EQ(core.all<action::GiveSlot>()[0].waited, action::GiveSlot::Waited::kForStart);
}

TEST(RevisionCore, OneMoreInstanceForEachRequestWithoutAFreeOrStartingPlace) {
  struct Row {
    int concurrency;
    int max;
    int requests;
    int starts;
  };
  for (const Row& row : {Row{1, 10, 4, 4}, Row{1, 3, 200, 3}, Row{10, 10, 10, 1},
                         Row{10, 10, 11, 2}, Row{80, 100, 200, 3}, Row{1000, 1, 5000, 1}}) {
    Core core(config(row.concurrency, row.max));
    for (int i = 0; i < row.requests; ++i) core.arrive();
    EXPECT_EQ(core.count<action::StartInstance>(), row.starts) << row.requests;
  }
}

TEST(RevisionCore, ConcurrencyIsKeptExactly) {
  Core core(config(2, 1));
  std::vector<uint64_t> requests;
  for (int i = 0; i < 5; ++i) requests.push_back(core.arrive());
  core.ready(0);
  EXPECT_EQ(core.count<action::GiveSlot>(), 2);
  core.release(0);
  EXPECT_EQ(core.count<action::GiveSlot>(), 3);
  core.release(0);
  core.release(0);
  EXPECT_EQ(core.count<action::GiveSlot>(), 5);
  for (size_t i = 1; i < requests.size(); ++i) {  // in order of arrival
    EXPECT_EQ(core.all<action::GiveSlot>()[i].request.number, requests[i]);
  }
}

TEST(RevisionCore, NewcomersDoNotOvertakeThoseWhoWait) {
  Core core(config(1, 1));
  const auto first = core.arrive();
  const auto second = core.arrive();
  core.ready(0);
  const auto third = core.arrive();
  core.release(0);
  EXPECT_EQ(core.place_of(first), 0);
  EXPECT_EQ(core.place_of(second), 0);
  EXPECT_EQ(core.place_of(third), -1);
}

TEST(RevisionCore, SmallConcurrenciesFillTheFirstInstance) {
  Core core(config(2, 2));
  for (int i = 0; i < 4; ++i) core.arrive();
  core.ready(0);
  core.ready(1);
  for (int i = 0; i < 2; ++i) core.release(0);
  for (int i = 0; i < 2; ++i) core.release(1);
  EXPECT_EQ(core.place_of(core.arrive()), 0);
  EXPECT_EQ(core.place_of(core.arrive()), 0);
  EXPECT_EQ(core.place_of(core.arrive()), 1);
}

TEST(RevisionCore, LargeConcurrenciesTakeTheLeastLoadedOfAFew) {
  Core core(config(10, 2));
  for (int i = 0; i < 20; ++i) core.arrive();
  core.ready(0);
  core.ready(1);
  for (int i = 0; i < 9; ++i) core.release(0);
  for (int i = 0; i < 6; ++i) core.release(1);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(core.place_of(core.arrive()), 0);  // 1 -> 4, beside 4
}

TEST(RevisionCore, ManyInstancesShareTheLoadAndNoneIsOverfull) {
  Core core(config(10, 20));
  for (int i = 0; i < 200; ++i) core.arrive();
  for (InstanceKey key = 0; key < 20; ++key) core.ready(key);
  EXPECT_EQ(core.count<action::GiveSlot>(), 200);  // every single place
  for (InstanceKey key = 0; key < 20; ++key) {
    EXPECT_EQ(core.core().view(key)->in_flight, 10);
  }
}

TEST(RevisionCore, AFullQueueAnswers429AtOnce) {
  RevisionCore::Options options;
  options.longest_queue = 2;
  Core core(config(1, 1), options);
  core.arrive();
  core.arrive();
  EXPECT_EQ(core.refused(core.arrive()), 429);
  EXPECT_EQ(core.all<action::Refuse>()[0].refusal.reason, Refusal::Reason::kQueueFull);
}

TEST(RevisionCore, LeavingTheQueueMakesRoom) {
  RevisionCore::Options options;
  options.longest_queue = 1;
  Core core(config(1, 1), options);
  const auto gone = core.arrive();
  core.send(event::RequestLeft{gone});
  const auto next = core.arrive();
  EXPECT_EQ(core.refused(next), 0);
  core.ready(0);
  EXPECT_EQ(core.place_of(next), 0);
  EXPECT_EQ(core.place_of(gone), -1);
}

// ---- callers ----

TEST(RevisionCore, CallersWhoWaitAreServedInTurn) {
  Core core(config(1, 1));
  std::vector<uint64_t> greedy;
  for (int i = 0; i < 5; ++i) greedy.push_back(core.arrive_from(7));
  const auto modest = core.arrive_from(8);
  const auto other = core.arrive_from(9);
  core.ready(0);
  for (int i = 0; i < 6; ++i) core.release(0);
  std::vector<uint64_t> order;
  for (const auto& give : core.all<action::GiveSlot>()) order.push_back(give.request.number);
  EXPECT_EQ(order,
            (std::vector{greedy[0], modest, other, greedy[1], greedy[2], greedy[3], greedy[4]}));
}

TEST(RevisionCore, AFullQueueRefusesTheNewestOfTheCallerWithMost) {
  RevisionCore::Options options;
  options.longest_queue = 3;
  Core core(config(1, 1), options);
  core.arrive_from(7);
  const auto second = core.arrive_from(7);
  const auto third = core.arrive_from(7);
  EXPECT_EQ(core.refused(core.arrive_from(7)), 429);
  const auto modest = core.arrive_from(8);
  EXPECT_EQ(core.refused(third), 429);
  EXPECT_EQ(core.all<action::Refuse>()[1].refusal.reason, Refusal::Reason::kQueueFull);
  EXPECT_EQ(core.refused(core.arrive_from(8)), 429);  // as many as the other one
  EXPECT_EQ(core.refused(modest), 0);
  EXPECT_EQ(core.refused(second), 0);
  EXPECT_EQ(core.core().waiting(), 3);
}

TEST(RevisionCore, WhoWaitedLongestIsRefusedFirstWhoseverTurnItIs) {
  Core core(config(1, 1));
  core.arrive_from(7);
  core.ready(0);
  core.run_until(100);
  const auto old = core.arrive_from(7);
  core.run_until(101);
  const auto later = core.arrive_from(8);
  core.release(0);
  EXPECT_EQ(core.place_of(old), 0);
  const auto newest = core.arrive_from(7);
  core.run_until(111);
  EXPECT_EQ(core.refused(later), 429);
  EXPECT_EQ(core.refused(newest), 429);
}

// ---- how long requests wait ----

TEST(RevisionCore, AWaitingRequestGetsA504AtItsDeadline) {
  Core core(config(1, 1));
  const auto request = core.arrive(7);
  core.run_until(6.999);
  EXPECT_EQ(core.refused(request), 0);
  core.run_until(7);
  EXPECT_EQ(core.refused(request), 504);
}

TEST(RevisionCore, ARequestPastItsDeadlineIsNotQueued) {
  Core core(config(1, 1));
  EXPECT_EQ(core.refused(core.arrive(0)), 504);
  EXPECT_EQ(core.count<action::StartInstance>(), 0);
}

TEST(RevisionCore, WaitingForAPlaceEndsAfterTenSeconds) {
  Core core(config(1, 1));
  core.arrive();
  core.ready(0);
  core.run_until(100);
  const auto request = core.arrive();
  core.run_until(109.999);
  EXPECT_EQ(core.refused(request), 0);
  core.run_until(110);
  EXPECT_EQ(core.refused(request), 429);
  EXPECT_EQ(core.all<action::Refuse>()[0].refusal.reason, Refusal::Reason::kNoInstance);
}

TEST(RevisionCore, WaitingForAPlaceEndsAfterThreeAndAHalfMeanStarts) {
  Core core(config(1, 1));
  core.arrive();
  core.run_until(8);
  core.ready(0);  // took 8 s: 28 s
  const auto request = core.arrive();
  core.run_until(8 + 27.999);
  EXPECT_EQ(core.refused(request), 0);
  core.run_until(8 + 28);
  EXPECT_EQ(core.refused(request), 429);
}

TEST(RevisionCore, WhileTheFirstInstanceStartsRequestsWaitForIt) {
  Core core(config(1, 1));
  const auto first = core.arrive();
  const auto second = core.arrive();
  core.run_until(100);
  EXPECT_EQ(core.refused(first), 0);
  core.ready(0);
  EXPECT_EQ(core.place_of(first), 0);
  core.run_until(100 + 349);             // 3.5 x 100 s, counted from now on
  EXPECT_EQ(core.refused(second), 504);  // its own deadline was earlier
}

TEST(RevisionCore, PatienceIsCountedFromWhenTheFirstInstanceWasReady) {
  Core core(config(1, 1));
  core.arrive();
  const auto second = core.arrive();
  core.run_until(2);
  core.ready(0);
  core.run_until(11.999);
  EXPECT_EQ(core.refused(second), 0);
  core.run_until(12);
  EXPECT_EQ(core.refused(second), 429);
}

// ---- failing starts ----

TEST(RevisionCore, APreferredInstanceIsTakenWhileItHasAPlace) {
  Core core(config(2, 3));
  for (int i = 0; i < 3; ++i) core.arrive();
  core.ready(0);
  core.ready(1);
  for (const InstanceKey key : {0, 0, 1}) core.release(key);
  // Without a wish the longest ready is filled first.
  EXPECT_EQ(core.place_of(core.arrive_for(1)), 1);
  EXPECT_EQ(core.place_of(core.arrive_for(1)), 1);
  EXPECT_EQ(core.place_of(core.arrive_for(1)), 0);  // it is full
  core.exit(1);
  EXPECT_EQ(core.place_of(core.arrive_for(1)), 0);  // it is gone
}

}  // namespace
}  // namespace thaw::serving
