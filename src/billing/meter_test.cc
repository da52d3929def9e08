// The meter on a hand-turned loop: nothing reported is lost, nothing is counted twice.
#include "billing/meter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <deque>
#include <filesystem>
#include <map>

#include "store/state.h"

namespace thaw::billing {
namespace {

const ServiceId kService("demo");
const RevisionId kRevision("demo-00001-abc");
const InstanceId kInstance("demo-00001-abc-1");
constexpr std::string_view kWhen = "2026-11-23T00:00:00Z";

// Clock, timers and worker, turned by hand.
class Hand : public io::Clock, public io::Timers, public io::Worker {
 public:
  Instant now() const override { return time_; }
  WallTime wall_now() const override { return *parse_rfc3339(kWhen) + time_.time_since_epoch(); }
  io::Timer at(Instant when, std::function<void()> callback) override {
    timers_[{when, ++last_id_}] = std::move(callback);
    return {*this, last_id_};
  }
  io::Timer after(Duration delay, std::function<void()> callback) override {
    return at(time_ + delay, std::move(callback));
  }
  Status run(std::function<void()> job, std::function<void()> done) override {
    if (full) return Error(Code::kResourceExhausted, "1024 jobs wait");
    jobs.push_back({std::move(job), std::move(done)});
    return {};
  }
  void advance(Duration by) {
    const Instant end = time_ + by;
    while (!timers_.empty() && timers_.begin()->first.first <= end) {
      time_ = timers_.begin()->first.first;
      auto callback = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
      callback();
    }
    time_ = end;
  }
  void work() {
    while (!jobs.empty()) {
      auto [job, done] = std::move(jobs.front());
      jobs.pop_front();
      job();
      done();
    }
  }

  std::deque<std::pair<std::function<void()>, std::function<void()>>> jobs;
  bool full = false;

 private:
  void cancel(uint64_t id) override {
    std::erase_if(timers_, [&](const auto& timer) { return timer.first.second == id; });
  }
  Instant time_{seconds(100)};
  uint64_t last_id_ = 0;
  std::map<std::pair<Instant, uint64_t>, std::function<void()>> timers_;
};

// A ledger that may fail before or after it has kept a batch.
class ShakyLedger : public Ledger {
 public:
  explicit ShakyLedger(store::Database& database) : real_(database) {}
  Status keep(const Batch& batch) override {
    if (fail_before-- > 0) return Error(Code::kResourceExhausted, "no room");
    RETURN_IF_ERROR(real_.keep(batch));
    if (fail_after-- > 0) return Error(Code::kUnavailable, "the answer was lost");
    return {};
  }
  Result<Kept> load() override { return real_.load(); }
  int fail_before = 0;
  int fail_after = 0;

 private:
  SqliteLedger real_;
};

struct Bench {
  explicit Bench(const std::string& path = ":memory:")
      : database(*store::open_state(path, kWhen)), ledger(*database) {
    EXPECT_TRUE(meter.load());
  }
  Span span(double from, double to, Mode mode = Mode::kRequestBased) const {
    return {kInstance, kRevision, kService, Instant(seconds(from)), Instant(seconds(to)),
            1000,      gib(1),    mode};
  }
  int64_t billed() const {
    const Usage usage = meter.usage_of(kService);
    return usage.request_based.billed_ms + usage.instance_based.billed_ms;
  }
  void settle() {
    hand.advance(seconds(1));
    hand.work();
  }

  std::unique_ptr<store::Database> database;
  ShakyLedger ledger;
  Hand hand;
  Meter meter{hand, hand, hand, ledger, {}};
};

TEST(Meter, TellsOnlyWhatWasKept) {
  Bench bench;
  bench.meter.add(bench.span(1, 2));
  bench.meter.add_request(kService, kRevision, Mode::kRequestBased);
  EXPECT_EQ(bench.billed(), 0);
  bench.hand.advance(seconds(1));
  EXPECT_EQ(bench.hand.jobs.size(), 1u);
  EXPECT_EQ(bench.billed(), 0);
  bench.hand.work();
  EXPECT_EQ(bench.billed(), 1000);
  EXPECT_EQ(bench.meter.usage_of(kService, kRevision).request_based.requests, 1);
  EXPECT_EQ(bench.meter.usage_of(ServiceId("demo-other")).request_based.requests, 0);
}

TEST(Meter, WritesNothingWhenNothingWaits) {
  Bench bench;
  bench.hand.advance(seconds(60));
  EXPECT_TRUE(bench.hand.jobs.empty());
  bench.meter.add(bench.span(1, 1));  // no time at all
  bench.hand.advance(seconds(60));
  EXPECT_TRUE(bench.hand.jobs.empty());
}

TEST(Meter, SpansThatTouchAreRoundedAsOne) {
  Bench bench;
  for (int i = 0; i < 10; ++i) bench.meter.add(bench.span(1 + i * 0.01, 1 + (i + 1) * 0.01));
  bench.settle();
  EXPECT_EQ(bench.billed(), 100);
  bench.meter.add(bench.span(5, 5.01));
  bench.settle();
  EXPECT_EQ(bench.billed(), 200) << "a gap starts a new stretch";
}

TEST(Meter, AnInstanceBasedLifeIsAMinuteAtLeastAndOnlyOnce) {
  Bench bench;
  bench.meter.add(bench.span(1, 2, Mode::kInstanceBased));
  bench.settle();
  EXPECT_EQ(bench.billed(), 60'000);
  bench.meter.add(bench.span(2, 50, Mode::kInstanceBased));
  bench.settle();
  EXPECT_EQ(bench.billed(), 60'000);
  bench.meter.add(bench.span(50, 62, Mode::kInstanceBased));
  bench.settle();
  EXPECT_EQ(bench.billed(), 61'000);
}

TEST(Meter, ABatchThatFailedIsKeptLaterOnce) {
  Bench bench;
  bench.ledger.fail_before = 3;
  bench.meter.add(bench.span(1, 2));
  for (int i = 0; i < 3; ++i) bench.settle();
  EXPECT_EQ(bench.billed(), 0);
  bench.meter.add(bench.span(3, 4));
  for (int i = 0; i < 3; ++i) bench.settle();
  EXPECT_EQ(bench.billed(), 2000);
  EXPECT_EQ(bench.ledger.load()->usage.begin()->second.request_based.billed_ms, 2000);
}

TEST(Meter, ABatchWhoseAnswerWasLostIsNotCountedTwice) {
  Bench bench;
  bench.ledger.fail_after = 2;
  bench.meter.add(bench.span(1, 2));
  for (int i = 0; i < 4; ++i) bench.settle();
  EXPECT_EQ(bench.billed(), 1000);
  EXPECT_EQ(bench.ledger.load()->usage.begin()->second.request_based.billed_ms, 1000);
}

TEST(Meter, AFullWorkerIsAskedAgain) {
  Bench bench;
  bench.hand.full = true;
  bench.meter.add(bench.span(1, 2));
  bench.hand.advance(seconds(3));
  bench.hand.full = false;
  bench.settle();
  EXPECT_EQ(bench.billed(), 1000);
}

TEST(Meter, FlushWaitsForEverythingAndTellsOfFaults) {
  Bench bench;
  std::vector<bool> answers;
  const auto note = [&](Status status) { answers.push_back(bool(status)); };
  bench.meter.flush(note);
  EXPECT_THAT(answers, ::testing::ElementsAre(true));
  bench.meter.add(bench.span(1, 2));
  bench.meter.flush(note);
  bench.meter.add(bench.span(3, 4));  // after the batch was cut
  EXPECT_EQ(answers.size(), 1u);
  bench.hand.work();
  EXPECT_THAT(answers, ::testing::ElementsAre(true, true));
  EXPECT_EQ(bench.billed(), 2000);
  bench.ledger.fail_before = 1;
  bench.meter.add(bench.span(5, 6));
  bench.meter.flush(note);
  bench.hand.work();
  EXPECT_THAT(answers, ::testing::ElementsAre(true, true, false));
}

TEST(Meter, DroppedWhileABatchIsUnderWayTheBatchIsStillKept) {
  auto database = *store::open_state(":memory:", kWhen);
  ShakyLedger ledger(*database);
  Hand hand;
  {
    Meter meter(hand, hand, hand, ledger, {});
    ASSERT_TRUE(meter.load());
    meter.add_request(kService, kRevision, Mode::kRequestBased);
    hand.advance(seconds(1));
  }
  hand.work();
  EXPECT_EQ(ledger.load()->usage.begin()->second.request_based.requests, 1);
}

TEST(Meter, SumsMonthsApart) {
  Bench bench;
  bench.meter.add_request(kService, kRevision, Mode::kRequestBased);
  EXPECT_EQ(bench.meter.month(), "2026-11");
  bench.hand.advance(seconds(10 * 86'400.0));
  bench.hand.work();
  EXPECT_EQ(bench.meter.month(), "2026-12");
  bench.meter.add_request(kService, kRevision, Mode::kRequestBased);
  bench.settle();
  EXPECT_EQ(bench.meter.total("2026-11").request_based.requests, 1);
  EXPECT_EQ(bench.meter.total("2026-12").request_based.requests, 1);
  EXPECT_EQ(bench.meter.total().request_based.requests, 2);
}

TEST(Meter, WhatItReportedSurvivesKill) {
  char folder[] = "/tmp/thaw-meter-XXXXXX";
  const std::string path = std::string(::mkdtemp(folder)) + "/state.db";
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    Bench bench(path);
    for (int i = 0; i < 50; ++i) {
      bench.meter.add(bench.span(i * 10, i * 10 + 1));
      bench.settle();
      const int64_t reported = bench.billed();
      if (::write(pipe[1], &reported, sizeof reported) != sizeof reported) ::_exit(1);
    }
    bench.meter.add(bench.span(5000, 5001));  // never flushed
    ::raise(SIGKILL);
  }
  ::close(pipe[1]);
  int64_t reported = 0, last = 0;
  while (::read(pipe[0], &reported, sizeof reported) == sizeof reported) last = reported;
  ::close(pipe[0]);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(last, 50'000);
  Bench again(path);
  EXPECT_EQ(again.billed(), last);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace thaw::billing
