#include "inference/batch_queue.h"

#include <gtest/gtest.h>

namespace thaw::inference {
namespace {

using Ids = std::vector<uint64_t>;

TEST(BatchQueue, TakesWhatIsThereUpToTheBudgetInOrder) {
  BatchQueue queue({.longest = 10, .budget = 100, .most_in_batch = 3});
  for (uint64_t id = 1; id <= 5; ++id) EXPECT_FALSE(queue.add({id, "a", 0, id == 3 ? 95u : 20u}));
  EXPECT_EQ(queue.take(), (Ids{1, 2})) << "the third is over the budget";
  EXPECT_EQ(queue.take(), (Ids{3}));
  EXPECT_EQ(queue.take(), (Ids{4, 5}));
  EXPECT_EQ(queue.take(), Ids{});
}

TEST(BatchQueue, OneThatIsOverTheBudgetComesAlone) {
  BatchQueue queue({.longest = 10, .budget = 100, .most_in_batch = 8});
  EXPECT_FALSE(queue.add({1, "a", 0, 5000}));
  EXPECT_FALSE(queue.add({2, "a", 0, 1}));
  EXPECT_EQ(queue.take(), Ids{1});
  EXPECT_EQ(queue.take(), Ids{2});
}

TEST(BatchQueue, CallersTakeTurns) {
  BatchQueue queue({.longest = 100, .budget = 1000, .most_in_batch = 4});
  for (uint64_t id = 1; id <= 6; ++id) EXPECT_FALSE(queue.add({id, "loud", 0, 1}));
  EXPECT_FALSE(queue.add({7, "quiet", 0, 1}));
  EXPECT_FALSE(queue.add({8, "other", 0, 1}));
  EXPECT_EQ(queue.take(), (Ids{1, 7, 8, 2}));
  EXPECT_EQ(queue.take(), (Ids{3, 4, 5, 6}));
}

TEST(BatchQueue, ABatchIsOfOneModel) {
  BatchQueue queue;
  EXPECT_FALSE(queue.add({1, "a", 0, 1}));
  EXPECT_FALSE(queue.add({2, "b", 1, 1}));
  EXPECT_FALSE(queue.add({3, "c", 0, 1}));
  EXPECT_EQ(queue.take(), (Ids{1, 3}));
  EXPECT_EQ(queue.take(), Ids{2});
}

TEST(BatchQueue, RefusesWhenFullAndForgetsThoseWhoLeft) {
  BatchQueue queue({.longest = 2, .budget = 10, .most_in_batch = 8});
  EXPECT_FALSE(queue.add({1, "a", 0, 1}));
  EXPECT_FALSE(queue.add({2, "b", 0, 1}));
  EXPECT_EQ(queue.add({3, "c", 0, 1}), 3u);
  queue.remove(1);
  queue.remove(99);
  EXPECT_EQ(queue.size(), 1u);
  EXPECT_FALSE(queue.add({3, "c", 0, 1}));
  EXPECT_EQ(queue.take(), (Ids{2, 3}));
}

TEST(BatchQueue, WhenFullTheCallerWithTheMostWaitingIsRefused) {
  BatchQueue queue({.longest = 4});
  for (uint64_t id = 1; id <= 4; ++id) EXPECT_FALSE(queue.add({id, "loud", 0, 10}));
  EXPECT_TRUE(queue.would_refuse_unread({5, "loud", 0, 1, 40}));
  EXPECT_EQ(queue.add({5, "loud", 0, 10}), 5u);
  EXPECT_FALSE(queue.would_refuse_unread({6, "quiet", 0, 1, 40}));
  EXPECT_EQ(queue.add({6, "quiet", 0, 10}), 4u) << "its newest goes";
  EXPECT_EQ(queue.add({7, "quiet", 0, 10}), 3u);
  EXPECT_EQ(queue.add({8, "quiet", 0, 10}), 8u) << "both have two";
  EXPECT_EQ(queue.add({9, "third", 0, 11}), 9u) << "more than what would go";
  EXPECT_EQ(queue.size(), 4u);
  EXPECT_EQ(queue.take(), (Ids{1, 6, 2, 7}));
}

/// 1,000 tokens a second may wait for 2 s; requests have 100 tokens in 400 bytes.
TEST(BatchQueue, WhatIsUnreadIsTakenForAsCostlyAsOthersOfItsSize) {
  BatchQueue queue({.most_wait = seconds(2), .most_in_batch = 2});
  const auto is_refused = [&](size_t bytes) {
    return queue.would_refuse_unread({99, "a", 0, 1, bytes});
  };
  EXPECT_FALSE(is_refused(4000)) << "nothing waits";
  queue.on_worked(1000, seconds(1));
  for (uint64_t id = 1; id <= 19; ++id) EXPECT_FALSE(queue.add({id, "a", 0, 100, 400}));
  EXPECT_FALSE(is_refused(400)) << "there is room for one more";
  EXPECT_TRUE(is_refused(440));
  EXPECT_FALSE(queue.would_refuse_unread({99, "quiet", 0, 1, 440})) << "one of a's may give way";
  EXPECT_FALSE(queue.add({20, "a", 0, 100, 400}));
  EXPECT_TRUE(is_refused(400));
}

TEST(BatchQueue, OneOfManyWindowsDoesNotMakeAllOthersDear) {
  BatchQueue queue({.most_wait = seconds(2), .most_in_batch = 2});
  queue.on_worked(1000, seconds(1));
  for (uint64_t id = 1; id <= 3; ++id) EXPECT_FALSE(queue.add({id, "a", 0, 100, 400}));
  EXPECT_EQ(queue.add({4, "a", 0, 1'000'000, 400}), 4u);
  EXPECT_FALSE(queue.would_refuse_unread({5, "a", 0, 1, 400}));
}

TEST(BatchQueue, WhoHasOthersWaitingIsTakenForAsCostlyAsTheyAre) {
  BatchQueue queue({.longest = 40});
  for (uint64_t id = 1; id <= 20; ++id) {
    EXPECT_FALSE(queue.add({id, "a", 0, 100, 400}));
    EXPECT_FALSE(queue.add({20 + id, "b", 0, 100, 400}));
  }
  EXPECT_TRUE(queue.would_refuse_unread({50, "a", 0, 1, 400})) << "b has no more than a";
  EXPECT_FALSE(queue.would_refuse_unread({50, "c", 0, 1, 400}));
}

TEST(BatchQueue, WhatIsWorkedOnIsWaitedForToo) {
  BatchQueue queue({.most_wait = seconds(2), .most_in_batch = 2});
  queue.on_worked(100, seconds(1));
  for (uint64_t id = 1; id <= 2; ++id) EXPECT_FALSE(queue.add({id, "a", 0, 100}));
  EXPECT_EQ(queue.take(), (Ids{1, 2}));
  EXPECT_EQ(queue.wait(), seconds(2));
  for (uint64_t id = 3; id <= 4; ++id) EXPECT_FALSE(queue.add({id, "a", 0, 100}));
  EXPECT_EQ(queue.add({5, "a", 0, 100}), 5u) << "5 s until it is done; one batch may always wait";
  queue.on_worked(200, std::nullopt);
  EXPECT_EQ(queue.wait(), seconds(2)) << "it tells nothing of the speed";
}

TEST(BatchQueue, KnowsWhenMoreThanTheNextBatchMayWait) {
  BatchQueue queue({.budget = 100, .most_in_batch = 2});
  EXPECT_FALSE(queue.add({1, "a", 0, 99}));
  EXPECT_FALSE(queue.has_whole_batch());
  EXPECT_FALSE(queue.add({2, "a", 0, 1}));
  EXPECT_TRUE(queue.has_whole_batch());
  queue.remove(1);
  EXPECT_FALSE(queue.has_whole_batch());
  EXPECT_FALSE(queue.add({3, "a", 0, 99}));
  EXPECT_TRUE(queue.has_whole_batch());
}

TEST(BatchQueue, ItsMemoryIsBoundedButOneRequestMayAlwaysWait) {
  BatchQueue queue({.most_bytes = 100, .budget = 10});
  EXPECT_FALSE(queue.add({1, "a", 0, 20, 5000}));
  EXPECT_EQ(queue.add({2, "a", 0, 20, 1}), 2u);
  EXPECT_EQ(queue.take(), Ids{1});
  EXPECT_FALSE(queue.add({3, "a", 0, 20, 99}));
  EXPECT_FALSE(queue.add({4, "a", 0, 20, 1}));
  EXPECT_EQ(queue.add({5, "a", 0, 20, 1}), 5u);
  EXPECT_EQ(queue.add({6, "b", 0, 20, 2}), 6u) << "the newest that would go is smaller";
  EXPECT_EQ(queue.add({7, "b", 0, 20, 1}), 4u) << "it makes place for one as small";
  EXPECT_EQ(queue.take(), Ids{3});
  EXPECT_FALSE(queue.add({8, "a", 0, 20, 99}));
  queue.remove(8);
  EXPECT_FALSE(queue.add({9, "a", 0, 20, 99})) << "what left holds none";
}

TEST(BatchQueue, WorkAndMemoryAreTwoThings) {
  BatchQueue queue({.most_bytes = 1000, .most_wait = seconds(1), .budget = 10});
  queue.on_worked(100, seconds(1));
  EXPECT_FALSE(queue.add({1, "a", 0, 10, 1}));
  EXPECT_EQ(queue.add({2, "a", 0, 91, 1}), 2u) << "small, but long work";
  EXPECT_FALSE(queue.add({3, "a", 0, 1, 900})) << "large, but soon done";
  EXPECT_EQ(queue.wait(), seconds(0.11));
}

TEST(BatchQueue, WhoeverWouldWaitTooLongIsRefusedOnceTheSpeedIsKnown) {
  BatchQueue queue({.most_wait = seconds(2), .most_in_batch = 2});
  for (uint64_t id = 1; id <= 6; ++id) EXPECT_FALSE(queue.add({id, "a", 0, 100}));
  EXPECT_EQ(queue.wait(), Duration(0)) << "not known yet";
  EXPECT_EQ(queue.take(), (Ids{1, 2}));
  queue.on_worked(200, seconds(1));
  EXPECT_EQ(queue.wait(), seconds(2));
  EXPECT_EQ(queue.add({7, "a", 0, 100}), 7u);
  EXPECT_EQ(queue.take(), (Ids{3, 4}));
  EXPECT_EQ(queue.add({8, "a", 0, 100}), 8u) << "1 s until those are done, 1.5 s for its own batch";
  queue.on_worked(200, seconds(100));
  EXPECT_EQ(queue.add({9, "a", 0, 150}), 9u);
  EXPECT_EQ(queue.take(), (Ids{5, 6}));
  EXPECT_FALSE(queue.add({9, "a", 0, 150})) << "a batch may wait whatever it takes";
}

TEST(BatchQueue, OneBatchIsOneByItsTokensToo) {
  BatchQueue queue({.most_wait = seconds(2), .budget = 1000, .most_in_batch = 32});
  queue.on_worked(100, seconds(1));
  EXPECT_FALSE(queue.add({1, "a", 0, 5000})) << "one request may wait whatever it takes";
  EXPECT_EQ(queue.add({2, "a", 0, 5000}), 2u);
}

TEST(BatchQueue, WhatHasWaitedForTheSpeedIsRefusedWhenItIsTooLow) {
  BatchQueue queue({.most_wait = seconds(5), .budget = 100, .most_in_batch = 2});
  for (uint64_t id = 1; id <= 6; ++id) EXPECT_FALSE(queue.add({id, "loud", 0, 100}));
  EXPECT_FALSE(queue.add({7, "quiet", 0, 100}));
  EXPECT_EQ(queue.overdue(), Ids{}) << "nobody knows yet";
  EXPECT_EQ(queue.take(), Ids{1});
  queue.on_worked(100, seconds(4));
  EXPECT_EQ(queue.overdue(), (Ids{6, 5, 4, 3})) << "24 s to come, 10 at the most";
  EXPECT_EQ(queue.take(), Ids{7});
  EXPECT_EQ(queue.take(), Ids{2});
  EXPECT_EQ(queue.overdue(), Ids{});
}

}  // namespace
}  // namespace thaw::inference
