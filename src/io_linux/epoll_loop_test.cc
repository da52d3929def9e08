#include "io_linux/epoll_loop.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

#include "io_linux/kernel_entropy.h"
#include "io_linux/loop_testing.h"
#include "io_linux/signal_watch.h"
#include "io_linux/thread_worker.h"

namespace thaw::io_linux {
namespace {

TEST(Loop, PostedWorkRunsInALaterTurnInOrder) {
  EpollLoop loop;
  std::string order;
  loop.post([&] {
    order += 'a';
    loop.post([&] {
      order += 'c';
      loop.stop();
    });
  });
  loop.post([&] { order += 'b'; });
  EXPECT_EQ(order, "");
  loop.run();
  EXPECT_EQ(order, "abc");
}

TEST(Loop, PostFromAnotherThreadWakesIt) {
  EpollLoop loop;
  int ran = 0;
  std::thread other([&] {
    for (int i = 0; i < 1000; ++i) loop.post([&] { ++ran; });
    loop.post([&] { loop.stop(); });
  });
  loop.run();
  other.join();
  EXPECT_EQ(ran, 1000);
}

TEST(Loop, StopFromAnotherThreadEndsRun) {
  EpollLoop loop;
  std::thread other([&] { loop.stop(); });
  loop.run();
  other.join();
}

TEST(Loop, TimeStandsStillWithinATurn) {
  EpollLoop loop;
  Instant first{};
  Instant second{};
  loop.post([&] {
    first = loop.now();
    while (loop.wall_now() == loop.wall_now()) {
    }
    second = loop.now();
  });
  loop.turn(Duration::zero());
  EXPECT_EQ(first, second);
  EXPECT_GT(loop.now(), second);
}

TEST(Loop, ATimerRunsOnceAtItsTimeAndNotBefore) {
  EpollLoop loop;
  int runs = 0;
  const Instant start = loop.now();
  Instant when{};
  const io::Timer timer = loop.after(milliseconds(3), [&] {
    ++runs;
    when = loop.now();
  });
  run_until(loop, [&] { return runs > 0; });
  EXPECT_GE(when - start, milliseconds(3));
  loop.turn(Duration::zero());
  EXPECT_EQ(runs, 1);
}

TEST(Loop, ATimerThatIsDueAlreadyRunsInTheNextTurn) {
  EpollLoop loop;
  std::vector<io::Timer> timers;
  int turn = 0;
  int ran_in = -1;
  timers.push_back(loop.after(Duration::zero(), [&] {
    timers.push_back(loop.after(Duration::zero(), [&] { ran_in = turn; }));
  }));
  for (; turn < 3; ++turn) loop.turn(Duration::zero());
  EXPECT_EQ(ran_in, 1);
}

TEST(Loop, ADroppedTimerDoesNotRun) {
  EpollLoop loop;
  bool ran = false;
  {
    const io::Timer timer = loop.after(Duration::zero(), [&] { ran = true; });
  }
  loop.turn(Duration::zero());
  EXPECT_FALSE(ran);
}

TEST(Loop, ATimerMayDestroyItselfInItsCallback) {
  EpollLoop loop;
  bool ran = false;
  auto timer = std::make_unique<io::Timer>();
  *timer = loop.after(Duration::zero(), [&] {
    timer.reset();
    ran = true;
  });
  run_until(loop, [&] { return ran; });
  EXPECT_EQ(timer, nullptr);
}

TEST(Loop, ForeverIsALegalDelay) {
  EpollLoop loop;
  const io::Timer timer = loop.after(Duration::max(), [] { FAIL(); });
  loop.turn(Duration::zero());
}

TEST(Loop, WhatComesInARestIsTakenInOneTurn) {
  EpollLoop loop;
  int pipes[2][2];
  struct Counting : Watch {
    explicit Counting(int& count) : count(count) {}
    void on_events(uint32_t) override { ++count; }
    int& count;
  };
  int heard = 0;
  std::vector<std::unique_ptr<Counting>> watches;
  for (auto& ends : pipes) {
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    watches.push_back(std::make_unique<Counting>(heard));
    loop.watch(ends[0], EPOLLIN | EPOLLET, *watches.back());
  }
  const auto write_to = [&](int pipe) { ASSERT_EQ(::write(pipes[pipe][1], "x", 1), 1); };
  const Instant began = loop.now();
  write_to(0);
  loop.rest(milliseconds(20));
  std::thread other([&] { write_to(1); });
  loop.turn(seconds(60));
  EXPECT_GE(loop.now() - began, milliseconds(20));
  other.join();
  EXPECT_EQ(heard, 2);
  write_to(0);
  loop.turn(seconds(60));
  EXPECT_EQ(heard, 3) << "it rests once";
  for (size_t i = 0; i < watches.size(); ++i) loop.retire(pipes[i][0], std::move(watches[i]));
  for (const auto& ends : pipes) {
    ::close(ends[0]);
    ::close(ends[1]);
  }
}

TEST(Loop, ARestEndsWithWorkATimerOrTheTurn) {
  EpollLoop loop;
  int ran = 0;
  loop.rest(seconds(3600));
  std::thread other([&] { loop.post([&] { ++ran; }); });
  loop.turn(seconds(3600));
  other.join();
  EXPECT_EQ(ran, 1);
  loop.rest(seconds(3600));
  const auto timer = loop.after(milliseconds(1), [&] { ++ran; });
  while (ran < 2) loop.turn(seconds(3600));
  loop.rest(seconds(3600));
  loop.turn(milliseconds(1));
  loop.rest(seconds(3600));
  loop.post([&] { ++ran; });
  loop.turn(seconds(3600));
  EXPECT_EQ(ran, 3);
}

TEST(Signals, ArriveOnTheLoop) {
  EpollLoop loop;
  std::vector<int> seen;
  const SignalWatch watch(loop, {SIGHUP, SIGUSR2}, [&](int number) { seen.push_back(number); });
  ::raise(SIGHUP);
  ::raise(SIGUSR2);
  run_until(loop, [&] { return seen.size() == 2; });
  EXPECT_EQ(seen, (std::vector<int>{SIGHUP, SIGUSR2}));
}

TEST(Worker, RunsJobsInOrderElsewhereAndAnswersOnTheLoop) {
  EpollLoop loop;
  ThreadWorker worker(loop);
  std::vector<int> jobs;
  std::vector<int> done;
  const auto here = std::this_thread::get_id();
  for (int i = 0; i < 100; ++i) {
    const auto job = [&jobs, i, here] {
      EXPECT_NE(std::this_thread::get_id(), here);
      jobs.push_back(i);
    };
    ASSERT_TRUE(worker.run(job, [&done, &jobs, i] {
      EXPECT_EQ(jobs[static_cast<size_t>(i)], i);
      done.push_back(i);
    }));
    run_until(loop, [&] { return done.size() == static_cast<size_t>(i) + 1; });
  }
  EXPECT_TRUE(std::is_sorted(done.begin(), done.end()));
}

TEST(Worker, RefusesMoreThan1024WaitingJobs) {
  EpollLoop loop;
  std::mutex gate;
  gate.lock();
  int finished = 0;
  {
    ThreadWorker worker(loop);
    int accepted = 0;
    Status last{};
    while (accepted < 2000 && last) {
      last = worker.run(
          [&] {
            const std::lock_guard wait(gate);
            ++finished;
          },
          [] {});
      if (last) ++accepted;
    }
    EXPECT_GE(accepted, 1024);
    EXPECT_LE(accepted, 1025);
    ASSERT_FALSE(last);
    EXPECT_EQ(last.error().code(), Code::kResourceExhausted);
    gate.unlock();
  }
  EXPECT_GE(finished, 1024) << "accepted jobs are finished before the worker goes";
}

TEST(Worker, CallsNothingBackOnceItIsGone) {
  EpollLoop loop;
  bool called = false;
  {
    ThreadWorker worker(loop);
    ASSERT_TRUE(worker.run([] {}, [&] { called = true; }));
  }
  loop.turn(Duration::zero());
  loop.turn(Duration::zero());
  EXPECT_FALSE(called);
}

TEST(Entropy, DoesNotRepeatItself) {
  KernelEntropy entropy;
  std::set<uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(entropy.next());
  EXPECT_EQ(seen.size(), 1000u);
  const std::string name = entropy.name(20);
  EXPECT_EQ(name.size(), 20u);
  EXPECT_EQ(name.find_first_not_of("0123456789abcdefghijklmnopqrstuvwxyz"), std::string::npos);
}

}  // namespace
}  // namespace thaw::io_linux
