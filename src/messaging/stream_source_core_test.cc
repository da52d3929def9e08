#include "messaging/stream_source_core.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <set>

namespace thaw::messaging {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
namespace action = source_action;
namespace event = source_event;

Instant at(double s) { return Instant(seconds(1000) + seconds(s)); }
EntryId id(uint64_t number) { return {1, number}; }
StreamEntry entry(uint64_t number, std::string key = "") {
  return {.id = id(number), .key = std::move(key)};
}

/// A core with its last actions by kind.
struct Bench {
  explicit Bench(StreamSourceCore::Options options) : core(options) {}

  void send(double when, const SourceEvent& what) {
    actions = core.on_event(at(when), what);
    delivered.clear();
    for (const auto& each : of<action::Deliver>()) {
      std::vector<uint64_t> numbers;
      for (const StreamEntry* one : each.entries) numbers.push_back(one->id.number);
      delivered.push_back(numbers);
      last_delivery = each.delivery;
    }
  }
  template <class A>
  std::vector<A> of() const {
    std::vector<A> found;
    for (const SourceAction& each : actions) {
      if (const A* one = std::get_if<A>(&each)) found.push_back(*one);
    }
    return found;
  }
  void connect(double when) {
    send(when, event::Connected{});
    send(when, event::Recovered{});
  }

  StreamSourceCore core;
  std::vector<SourceAction> actions;
  std::vector<std::vector<uint64_t>> delivered;
  uint64_t last_delivery = 0;
};

TEST(StreamSourceCore, OwnEntriesOfBeforeAreReadBeforeNewOnes) {
  Bench bench({});
  bench.send(0, event::Connected{});
  EXPECT_EQ(bench.of<action::ReadOwn>().size(), 1u);
  EXPECT_TRUE(bench.of<action::ReadNew>().empty());
  bench.send(0, event::Recovered{{entry(7)}, event::Recovered::More::kYes});
  ASSERT_EQ(bench.of<action::ReadOwn>().size(), 1u);
  EXPECT_EQ(bench.of<action::ReadOwn>()[0].after, id(7));
  EXPECT_THAT(bench.delivered, ElementsAre(ElementsAre(7)));
  bench.send(0, event::Recovered{});
  EXPECT_EQ(bench.of<action::ReadNew>().size(), 1u);
}

TEST(StreamSourceCore, AnEntryIsAcknowledgedOnlyAfterItsDelivery) {
  Bench bench({.batch = 2});
  bench.connect(0);
  bench.send(0, event::Read{{entry(1), entry(2), entry(3)}});
  EXPECT_THAT(bench.delivered, ElementsAre(ElementsAre(1, 2), ElementsAre(3)));
  EXPECT_TRUE(bench.of<action::Acknowledge>().empty());
  bench.send(1, event::Delivered{1});
  ASSERT_EQ(bench.of<action::Acknowledge>().size(), 1u);
  EXPECT_THAT(bench.of<action::Acknowledge>()[0].ids, ElementsAre(id(1), id(2)));
  EXPECT_EQ(bench.core.held(), 3u);
  bench.send(1, event::Settled{{id(1), id(2)}});
  EXPECT_EQ(bench.core.held(), 1u);
}

TEST(StreamSourceCore, AnAcknowledgementThatWasCutOffIsRepeatedAfterReconnecting) {
  Bench bench({});
  bench.connect(0);
  bench.send(0, event::Read{{entry(1)}});
  bench.send(0, event::Delivered{1});
  bench.send(0, event::Disconnected{});
  EXPECT_TRUE(bench.of<action::Acknowledge>().empty());
  bench.send(1, event::Connected{});
  EXPECT_EQ(bench.of<action::Acknowledge>().size(), 1u);
}

TEST(StreamSourceCore, AFailedBatchIsRepeatedOneByOneWithGrowingPausesThenBuried) {
  Bench bench({.batch = 2, .max_attempts = 3, .min_backoff = seconds(1)});
  bench.connect(0);
  bench.send(0, event::Read{{entry(1), entry(2)}});
  bench.send(0, event::DeliveryFailed{1, "500"});
  EXPECT_EQ(bench.of<action::Hold>().size(), 2u);
  EXPECT_THAT(bench.delivered, IsEmpty());
  bench.send(0.9, event::Wake{});
  EXPECT_THAT(bench.delivered, IsEmpty());
  bench.send(1, event::Wake{});
  EXPECT_THAT(bench.delivered, ElementsAre(ElementsAre(1), ElementsAre(2)));
  bench.send(1, event::Delivered{3});
  bench.send(1, event::DeliveryFailed{2, "500"});
  EXPECT_EQ(bench.core.wake_at(), at(3));
  bench.send(3, event::Wake{});
  bench.send(3, event::DeliveryFailed{4, "it broke"});
  ASSERT_EQ(bench.of<action::Bury>().size(), 1u);
  EXPECT_EQ(bench.of<action::Bury>()[0].reason, "it broke");
  EXPECT_EQ(bench.of<action::Bury>()[0].attempts, 3);
  bench.send(3, event::Settled{{id(1)}});
  EXPECT_EQ(bench.core.counts().buried, 1u);
}

TEST(StreamSourceCore, WithoutAnInstanceEntriesWaitAndNoAttemptIsCounted) {
  Bench bench({.max_attempts = 1, .min_backoff = seconds(1)});
  bench.connect(0);
  bench.send(0, event::Read{{entry(1), entry(2)}});
  bench.send(0, event::NotReached{1, "no"});
  bench.send(0, event::NotReached{2, "no"});
  EXPECT_THAT(bench.delivered, IsEmpty());
  bench.send(1, event::Wake{});
  EXPECT_THAT(bench.delivered, IsEmpty()) << "the second refusal doubled the pause";
  bench.send(2, event::Wake{});
  EXPECT_THAT(bench.delivered, ElementsAre(ElementsAre(1))) << "one tries first";
  bench.send(2, event::Delivered{3});
  EXPECT_THAT(bench.delivered, ElementsAre(ElementsAre(2)));
  EXPECT_EQ(bench.core.counts().buried, 0u);
}

TEST(StreamSourceCore, EntriesOfOneKeyGoInOrderOthersDoNotWait) {
  Bench bench({.min_backoff = seconds(1), .ordering = StreamSourceCore::Ordering::kPerKey});
  bench.connect(0);
  bench.send(0, event::Read{{entry(1, "a"), entry(2, "a"), entry(3, "b"), entry(4)}});
  EXPECT_THAT(bench.delivered, ElementsAre(ElementsAre(1), ElementsAre(3), ElementsAre(4)));
  bench.send(0, event::DeliveryFailed{1, "no"});
  EXPECT_THAT(bench.delivered, IsEmpty()) << "2 waits for 1";
  bench.send(1, event::Wake{});
  EXPECT_THAT(bench.delivered, ElementsAre(ElementsAre(1)));
  bench.send(1, event::Delivered{4});
  EXPECT_THAT(bench.delivered, ElementsAre(ElementsAre(2)));
}

TEST(StreamSourceCore, ReadingStopsWhereItHoldsTheMost) {
  Bench bench({.most_in_flight = 1, .most_held = 2});
  bench.connect(0);
  EXPECT_EQ(bench.core.held(), 0u);
  bench.send(0, event::Read{{entry(1), entry(2)}});
  EXPECT_TRUE(bench.of<action::ReadNew>().empty());
  bench.send(0, event::Delivered{1});
  bench.send(0, event::Settled{{id(1)}});
  ASSERT_EQ(bench.of<action::ReadNew>().size(), 1u);
  EXPECT_EQ(bench.of<action::ReadNew>()[0].count, 1);
}

TEST(StreamSourceCore, WhatIsHeldIsTouchedBeforeOthersMayTakeIt) {
  Bench bench({.claim_after = seconds(30)});
  bench.connect(0);
  bench.send(0, event::Read{{entry(1)}});
  EXPECT_LE(bench.core.wake_at(), at(10));
  bench.send(10, event::Wake{});
  ASSERT_EQ(bench.of<action::Hold>().size(), 1u);
  EXPECT_EQ(bench.of<action::Hold>()[0].attempts, 1) << "the one that is under way counts";
  EXPECT_EQ(bench.of<action::Claim>().size(), 0u) << "a claim is under way since the start";
}

TEST(StreamSourceCore, AnEntryThatWasTriedOftenEnoughBeforeARestartIsBuried) {
  Bench bench({.max_attempts = 2});
  bench.send(0, event::Connected{});
  StreamEntry old = entry(1);
  old.attempts = 2;
  bench.send(0, event::Recovered{{old}, event::Recovered::More::kEnd});
  EXPECT_EQ(bench.of<action::Bury>().size(), 1u);
  EXPECT_THAT(bench.delivered, IsEmpty());
}

/// A stream with a group, a service that fails, and a platform that is killed, from one seed.
class World {
 public:
  explicit World(uint64_t seed) : random_(seed) {}

  void run() {
    for (uint64_t n = 1; n <= kEntries; ++n) stream_.push_back(entry(n, keys_[n % 3]));
    for (int step = 0; step < 20'000 && !finished(); ++step) turn(step < 4'000);
    ASSERT_TRUE(finished()) << "it did not get done after the world healed";
    for (uint64_t n = 1; n <= kEntries; ++n) {
      ASSERT_TRUE(done_.contains(id(n)) || buried_.contains(id(n))) << "lost " << n;
      ASSERT_FALSE(buried_.contains(id(n)) && buried_[id(n)] != 1) << "buried twice " << n;
    }
  }

 private:
  static constexpr uint64_t kEntries = 60;

  bool finished() const { return next_ == stream_.size() && pending_.empty(); }
  bool chance(int percent) { return static_cast<int>(random_() % 100) < percent; }

  void turn(bool faults) {
    now_ += milliseconds(static_cast<double>(random_() % 50));
    if (faults && chance(1)) {  // kill -9 of the platform
      core_.emplace(options_);
      inbox_.clear();
      connected_ = false;
    }
    if (connected_ && faults && chance(2)) {  // Redis goes away
      connected_ = false;
      std::erase_if(inbox_, [](const SourceEvent& e) { return !of_service(e); });
      send(event::Disconnected{});
      return;
    }
    if (!connected_) {
      connected_ = true;
      return send(event::Connected{});
    }
    if (core_->wake_at() <= now_) return send(event::Wake{});
    if (inbox_.empty()) {
      if (core_->wake_at() != Instant::max()) now_ = std::max(now_, core_->wake_at());
      if (waiting_read_ && next_ < stream_.size()) answer_read();
      return send(event::Wake{});
    }
    const SourceEvent next = inbox_.front();
    inbox_.pop_front();
    send(next);
  }

  static bool of_service(const SourceEvent& e) {
    return std::holds_alternative<event::Delivered>(e) ||
           std::holds_alternative<event::DeliveryFailed>(e) ||
           std::holds_alternative<event::NotReached>(e);
  }

  void send(const SourceEvent& what) {
    for (const auto& each : std::vector<SourceAction>(core_->on_event(now_, what))) {
      std::visit([this](const auto& a) { act(a); }, each);
    }
  }
  void act(const action::ReadNew& a) {
    waiting_read_ = true;
    count_ = a.count;
  }
  void answer_read() {
    waiting_read_ = false;
    event::Read read;
    for (int i = 0; i < count_ && next_ < stream_.size(); ++i) {
      read.entries.push_back(stream_[next_]);
      pending_.insert(stream_[next_++].id);
    }
    inbox_.push_back(read);
  }
  void act(const action::ReadOwn& a) {
    waiting_read_ = false;
    event::Recovered answer;
    for (const StreamEntry& each : stream_) {
      if (each.id <= a.after || !pending_.contains(each.id)) continue;
      answer.entries.push_back(each);
      answer.entries.back().attempts = attempts_[each.id];
    }
    inbox_.push_back(answer);
  }
  void act(const action::Claim&) { inbox_.push_back(event::Recovered{}); }
  void act(const action::Deliver& a) {
    std::set<EntryId> together;
    for (const StreamEntry* each : a.entries) {
      for (const StreamEntry& before : stream_) {
        if (before.id >= each->id || each->key.empty() || before.key != each->key) continue;
        ASSERT_TRUE(done_.contains(before.id) || buried_.contains(before.id) ||
                    together.contains(before.id) || given_up_.contains(before.id))
            << each->id.str() << " overtook " << before.id.str();
      }
      together.insert(each->id);
    }
    const int roll = static_cast<int>(random_() % 10);
    if (roll == 0) {
      inbox_.push_back(event::NotReached{a.delivery, "no instance"});
    } else if (roll <= 3) {
      inbox_.push_back(event::DeliveryFailed{a.delivery, "500"});
    } else {
      for (const StreamEntry* each : a.entries) done_.insert(each->id);
      inbox_.push_back(event::Delivered{a.delivery});
    }
  }
  void act(const action::Acknowledge& a) {
    for (const EntryId each : a.ids) {
      ASSERT_TRUE(done_.contains(each)) << "acknowledged before it was done: " << each.str();
      pending_.erase(each);
    }
    inbox_.push_back(event::Settled{a.ids});
  }
  void act(const action::Bury& a) {
    given_up_.insert(a.entry->id);
    if (pending_.erase(a.entry->id) == 1) ++buried_[a.entry->id];
    inbox_.push_back(event::Settled{{a.entry->id}});
  }
  void act(const action::Hold& a) { attempts_[a.id] = a.attempts; }
  void act(const action::Tell&) {}

  std::mt19937_64 random_;
  Instant now_ = at(0);
  StreamSourceCore::Options options_{.batch = 3,
                                     .most_in_flight = 4,
                                     .most_held = 12,
                                     .max_attempts = 4,
                                     .ordering = StreamSourceCore::Ordering::kPerKey};
  std::optional<StreamSourceCore> core_{StreamSourceCore(options_)};
  std::string keys_[3] = {"a", "b", ""};
  std::vector<StreamEntry> stream_;
  size_t next_ = 0;
  std::set<EntryId> pending_;
  std::set<EntryId> done_;
  std::map<EntryId, int> buried_;
  std::map<EntryId, int> attempts_;
  std::deque<SourceEvent> inbox_;
  std::set<EntryId> given_up_;
  bool connected_ = false;
  bool waiting_read_ = false;
  int count_ = 0;
};

TEST(StreamSourceCore, NothingIsLostOrAcknowledgedEarlyWhateverIsKilled) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    World(seed).run();
    if (HasFatalFailure()) return;
  }
}

TEST(EntryId, IsReadAndWrittenAsRedisDoes) {
  EXPECT_EQ(EntryId::parse("1526919030474-55")->str(), "1526919030474-55");
  for (const char* bad : {"", "-", "1-", "-1", "a-1", "1-1x", "1", "99999999999999999999-1"}) {
    EXPECT_FALSE(EntryId::parse(bad)) << bad;
  }
}

}  // namespace
}  // namespace thaw::messaging
