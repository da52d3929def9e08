#include "inference/batch_queue.h"

#include <gtest/gtest.h>

namespace thaw::inference {
namespace {

using Added = BatchQueue::Added;
using Ids = std::vector<uint64_t>;

TEST(BatchQueue, TakesWhatIsThereUpToTheBudgetInOrder) {
  BatchQueue queue({.longest = 10, .budget = 100, .most_in_batch = 3});
  for (uint64_t id = 1; id <= 5; ++id) queue.add({id, "a", 0, id == 3 ? 95u : 20u});
  EXPECT_EQ(queue.take(), (Ids{1, 2})) << "the third is over the budget";
  EXPECT_EQ(queue.take(), (Ids{3}));
  EXPECT_EQ(queue.take(), (Ids{4, 5}));
  EXPECT_EQ(queue.take(), Ids{});
}

TEST(BatchQueue, OneThatIsOverTheBudgetComesAlone) {
  BatchQueue queue({.longest = 10, .budget = 100, .most_in_batch = 8});
  queue.add({1, "a", 0, 5000});
  queue.add({2, "a", 0, 1});
  EXPECT_EQ(queue.take(), Ids{1});
  EXPECT_EQ(queue.take(), Ids{2});
}

TEST(BatchQueue, CallersTakeTurns) {
  BatchQueue queue({.longest = 100, .budget = 1000, .most_in_batch = 4});
  for (uint64_t id = 1; id <= 6; ++id) queue.add({id, "loud", 0, 1});
  queue.add({7, "quiet", 0, 1});
  queue.add({8, "other", 0, 1});
  EXPECT_EQ(queue.take(), (Ids{1, 7, 8, 2}));
  EXPECT_EQ(queue.take(), (Ids{3, 4, 5, 6}));
}

TEST(BatchQueue, ABatchIsOfOneModel) {
  BatchQueue queue;
  queue.add({1, "a", 0, 1});
  queue.add({2, "b", 1, 1});
  queue.add({3, "c", 0, 1});
  EXPECT_EQ(queue.take(), (Ids{1, 3}));
  EXPECT_EQ(queue.take(), Ids{2});
}

TEST(BatchQueue, RefusesWhenFullAndForgetsThoseWhoLeft) {
  BatchQueue queue({.longest = 2, .budget = 10, .most_in_batch = 8});
  EXPECT_EQ(queue.add({1, "a", 0, 1}), Added::kWaits);
  EXPECT_EQ(queue.add({2, "b", 0, 1}), Added::kWaits);
  EXPECT_EQ(queue.add({3, "c", 0, 1}), Added::kFull);
  queue.remove(1);
  queue.remove(99);
  EXPECT_EQ(queue.size(), 1u);
  EXPECT_EQ(queue.add({3, "c", 0, 1}), Added::kWaits);
  EXPECT_EQ(queue.take(), (Ids{2, 3}));
}

}  // namespace
}  // namespace thaw::inference
