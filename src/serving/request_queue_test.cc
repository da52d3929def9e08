#include "serving/request_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <vector>

namespace thaw::serving {
namespace {

class Queue : public testing::Test {
 protected:
  uint64_t push(uint64_t caller, double deadline = 300) {
    queue_.push({{++last_, 0}, Instant{}, Instant(seconds(deadline)), CallerId{caller}});
    return last_;
  }
  std::vector<uint64_t> drain() {
    std::vector<uint64_t> order;
    while (!queue_.empty()) order.push_back(queue_.take_next().key.number);
    return order;
  }

  RequestQueue queue_;
  uint64_t last_ = 0;
};

TEST_F(Queue, OneCallerIsServedInOrderOfArrival) {
  for (int i = 0; i < 5; ++i) push(1);
  EXPECT_EQ(drain(), (std::vector<uint64_t>{1, 2, 3, 4, 5}));
}

TEST_F(Queue, CallersAreServedInTurn) {
  for (const uint64_t caller : {1, 1, 1, 2, 2, 3}) push(caller);
  EXPECT_EQ(drain(), (std::vector<uint64_t>{1, 4, 6, 2, 5, 3}));
}

TEST_F(Queue, WhoBeginsToWaitHasTheLastTurn) {
  push(1);
  push(1);
  push(2);
  EXPECT_EQ(queue_.take_next().key.number, 1u);
  push(3);
  EXPECT_EQ(drain(), (std::vector<uint64_t>{3, 2, 4}));
}

TEST_F(Queue, WhoLeavesAndComesAgainHasTheLastTurn) {
  const auto left = push(1);
  push(2);
  EXPECT_TRUE(queue_.remove(left));
  EXPECT_FALSE(queue_.remove(left));
  push(1);
  EXPECT_EQ(drain(), (std::vector<uint64_t>{2, 3}));
}

TEST_F(Queue, LeavingWithOthersOfItsCallerKeepsTheTurn) {
  const auto left = push(1);
  push(2);
  push(1);
  queue_.remove(left);
  EXPECT_EQ(drain(), (std::vector<uint64_t>{3, 2}));
}

TEST_F(Queue, RoomIsMadeByTheNewestOfWhoHasMost) {
  for (const uint64_t caller : {1, 2, 2, 2, 1}) push(caller);
  EXPECT_EQ(queue_.take_displaced_by(CallerId{3})->key.number, 4u);
  EXPECT_FALSE(queue_.take_displaced_by(CallerId{1}));  // would have most itself
  EXPECT_TRUE(queue_.take_displaced_by(CallerId{3}));   // two, and two: one of them
  EXPECT_TRUE(queue_.take_displaced_by(CallerId{3}));
  EXPECT_FALSE(queue_.take_displaced_by(CallerId{3}));  // as many as it would have
  EXPECT_EQ(drain(), (std::vector<uint64_t>{1, 2}));
  EXPECT_FALSE(queue_.take_displaced_by(CallerId{3}));
}

TEST_F(Queue, DeadlinesAndTheOldestAreOfAllCallers) {
  push(1, 30);
  push(1, 10);
  push(2, 20);
  EXPECT_EQ(queue_.earliest_deadline(), Instant(seconds(10)));
  EXPECT_FALSE(queue_.take_expired(Instant(seconds(9))));
  EXPECT_EQ(queue_.take_expired(Instant(seconds(20)))->key.number, 2u);
  EXPECT_EQ(queue_.take_expired(Instant(seconds(20)))->key.number, 3u);
  EXPECT_EQ(queue_.oldest().key.number, 1u);
  EXPECT_EQ(queue_.take_oldest().key.number, 1u);
  EXPECT_FALSE(queue_.earliest_deadline());
}

/// Random callers come, leave and are served: the bound of length and of each other's turns hold,
/// and each caller's own are served in order.
class RandomQueues : public Queue, public testing::WithParamInterface<int> {
 protected:
  static constexpr int kLongest = 20;

  void come(uint64_t caller) {
    if (queue_.size() == kLongest) {
      const auto displaced = queue_.take_displaced_by(CallerId{caller});
      const size_t own = lines_[caller].size();
      size_t most = 0;
      for (const auto& [other, line] : lines_) most = std::max(most, line.size());
      ASSERT_EQ(displaced.has_value(), most > own + 1);
      if (!displaced) return;
      auto& line = lines_[displaced->caller.value];
      ASSERT_EQ(line.size(), most);
      ASSERT_EQ(line.back(), displaced->key.number);
      line.pop_back();
      forget_if_empty(displaced->caller.value);
    }
    lines_[caller].push_back(push(caller));
    forget_if_empty(0);
  }
  void serve() {
    if (queue_.empty()) return;
    const auto next = queue_.take_next();
    const uint64_t caller = next.caller.value;
    ASSERT_EQ(lines_[caller].front(), next.key.number);
    lines_[caller].pop_front();
    overtook_.erase(caller);
    forget_if_empty(caller);
    for (const auto& [other, line] : lines_) {
      if (other == caller || line.empty()) continue;
      ASSERT_LE(++overtook_[other][caller], 1) << caller << " before " << other;
    }
  }
  void leave(size_t which) {
    for (auto& [caller, line] : lines_) {
      if (line.empty()) continue;
      const auto at = line.begin() + static_cast<ptrdiff_t>(which % line.size());
      ASSERT_TRUE(queue_.remove(*at));
      line.erase(at);
      return forget_if_empty(caller);
    }
  }
  void forget_if_empty(uint64_t caller) {
    if (lines_[caller].empty()) overtook_.erase(caller);
  }

  std::map<uint64_t, std::deque<uint64_t>> lines_;
  std::map<uint64_t, std::map<uint64_t, int>> overtook_;
};

TEST_P(RandomQueues, AreFair) {
  std::mt19937 random(static_cast<unsigned>(GetParam()));
  for (int step = 0; step < 2000; ++step) {
    const unsigned act = random() % 10;
    if (act < 6) come(random() % 4 == 0 ? 1 + random() % 5 : 1);
    if (act >= 6 && act < 9) serve();
    if (act == 9) leave(random());
    if (HasFatalFailure()) return;
    size_t waiting = 0;
    for (const auto& [caller, line] : lines_) waiting += line.size();
    ASSERT_EQ(static_cast<size_t>(queue_.size()), waiting);
    ASSERT_LE(queue_.size(), kLongest);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomQueues, testing::Range(1, 201));

}  // namespace
}  // namespace thaw::serving
