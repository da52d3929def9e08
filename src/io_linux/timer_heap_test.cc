#include "io_linux/timer_heap.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace thaw::io_linux {
namespace {

Instant at(int64_t n) { return Instant(Duration(n)); }

TEST(TimerHeap, RunsInOrderOfTimeThenOfAdding) {
  TimerHeap heap;
  std::string order;
  heap.add(at(2), [&] { order += 'c'; });
  heap.add(at(1), [&] { order += 'a'; });
  heap.add(at(1), [&] { order += 'b'; });
  heap.add(at(4), [&] { order += 'd'; });
  EXPECT_EQ(heap.next(), at(1));
  heap.run_due(at(3));
  EXPECT_EQ(order, "abc");
  EXPECT_EQ(heap.next(), at(4));
}

TEST(TimerHeap, WhatIsAddedWhileRunningWaitsForTheNextTurn) {
  TimerHeap heap;
  int runs = 0;
  std::function<void()> again = [&] {
    ++runs;
    heap.add(at(0), again);
  };
  heap.add(at(1), again);
  heap.run_due(at(5));
  EXPECT_EQ(runs, 1);
  heap.run_due(at(5));
  EXPECT_EQ(runs, 2);
}

TEST(TimerHeap, ACallbackMayCancelOneThatIsDueInTheSameTurn) {
  TimerHeap heap;
  uint64_t second = 0;
  bool ran = false;
  heap.add(at(1), [&] { heap.remove(second); });
  second = heap.add(at(1), [&] { ran = true; });
  heap.run_due(at(1));
  EXPECT_FALSE(ran);
  EXPECT_EQ(heap.size(), 0u);
}

TEST(TimerHeap, AnOldIdDoesNotCancelTheNextTimerOfItsSlot) {
  TimerHeap heap;
  const uint64_t old = heap.add(at(1), [] {});
  heap.remove(old);
  bool ran = false;
  heap.add(at(1), [&] { ran = true; });
  heap.remove(old);
  heap.remove(12345);
  heap.run_due(at(1));
  EXPECT_TRUE(ran);
}

TEST(TimerHeap, AgreesWithASortedMapUnderRandomUse) {
  std::mt19937_64 random(7);
  TimerHeap heap;
  std::multimap<int64_t, int> model;  // time -> name, in order of adding
  std::map<int, uint64_t> ids;
  std::map<int, int64_t> times;
  std::vector<int> ran;
  int64_t now = 0;
  for (int name = 0; name < 20000; ++name) {
    const int64_t when = now + static_cast<int64_t>(random() % 1000);
    ids[name] = heap.add(at(when), [&ran, name] { ran.push_back(name); });
    times[name] = when;
    model.emplace(when, name);
    if (random() % 3 == 0 && !times.empty()) {
      const auto victim = std::next(times.begin(), static_cast<long>(random() % times.size() % 64));
      heap.remove(ids[victim->first]);
      std::erase_if(model, [&](const auto& e) { return e.second == victim->first; });
      times.erase(victim);
    }
    if (random() % 10 == 0) {
      now += static_cast<int64_t>(random() % 300);
      heap.run_due(at(now));
      for (const int done : ran) {
        ASSERT_EQ(model.begin()->second, done);
        model.erase(model.begin());
        times.erase(done);
      }
      ran.clear();
      ASSERT_EQ(heap.size(), model.size());
      ASSERT_TRUE(model.empty() || model.begin()->first > now);
    }
  }
}

}  // namespace
}  // namespace thaw::io_linux
