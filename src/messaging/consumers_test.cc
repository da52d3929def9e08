// A subscription's messages spread over streams: rules one by one, then days of random streams on a
// virtual clock.
#include "messaging/consumers.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "messaging/subscription_core.h"

namespace thaw::messaging {
namespace {

constexpr Duration kDeadline = seconds(10);
Instant at(double time) { return Instant(seconds(time)); }

std::string ids(const std::vector<SubscriptionCore::Lease>& leases) {
  std::string text;
  for (const auto& lease : leases)
    text += fmt::format("{}{}", text.empty() ? "" : " ", lease.message);
  return text;
}

struct Rig {
  explicit Rig(DeliveryRules rules = {}) : core(rules) {}
  void add(std::initializer_list<const char*> keys) {
    for (const char* key : keys) core.add({++last, 100, key, 0});
  }
  std::vector<SubscriptionCore::Lease> pull(ConsumerId consumer, size_t most = 100) {
    return core.pull(at(0), most, 1 << 20, kDeadline, consumer);
  }
  SubscriptionCore core;
  MessageId last = 0;
};
const DeliveryRules kOrdered{.order = DeliveryRules::Order::kByKey};

TEST(Consumers, NobodyHasMoreOutstandingThanItAllowed) {
  Rig rig;
  rig.add({"", "", "", "", ""});
  const ConsumerId two = rig.core.add_consumer({.messages = 2});
  const auto leases = rig.pull(two);
  EXPECT_EQ(ids(leases), "1 2");
  EXPECT_EQ(ids(rig.pull(two)), "");
  EXPECT_FALSE(rig.core.grant({}));
  rig.core.ack(leases[0].id, leases[0].message);
  EXPECT_EQ(ids(rig.pull(two)), "3");
  rig.core.nack(at(0), leases[1].id);
  EXPECT_EQ(ids(rig.pull(two)), "4");
  rig.core.expire(at(11));
  EXPECT_EQ(rig.core.outstanding(two), 0u) << "a deadline ends being outstanding too";
}

TEST(Consumers, BytesStopWhenTheyAreReached) {
  Rig rig;
  rig.add({"", "", "", ""});
  const ConsumerId consumer = rig.core.add_consumer({.bytes = 150});
  EXPECT_EQ(ids(rig.pull(consumer)), "1 2") << "the second was begun below the limit";
}

TEST(Consumers, TheOneWithTheFewestOutstandingIsNext) {
  Rig rig;
  rig.add({"", "", "", "", "", "", "", "", "", ""});
  const ConsumerId a = rig.core.add_consumer({}), b = rig.core.add_consumer({});
  auto grant = rig.core.grant({});
  EXPECT_EQ(grant->consumer, a);
  EXPECT_EQ(grant->most, 5u) << "each gets its part of what waits";
  rig.pull(a, grant->most);
  EXPECT_EQ(rig.core.grant({})->consumer, b);
  rig.core.set_consumer_state(b, Consumers::State::kPaused);
  EXPECT_EQ(rig.core.grant({})->consumer, a);
  rig.core.remove_consumer(a);
  EXPECT_FALSE(rig.core.grant({}));
}

TEST(Consumers, AnOrderingKeyStaysWithTheStreamThatHasSomeOfIt) {
  Rig rig(kOrdered);
  rig.add({"k", "k", "", "k"});
  const ConsumerId a = rig.core.add_consumer({.messages = 1}), b = rig.core.add_consumer({});
  const auto first = rig.pull(a);
  EXPECT_EQ(ids(first), "1");
  EXPECT_EQ(ids(rig.pull(b)), "3") << "2 and 4 wait for a";
  EXPECT_EQ(ids(rig.core.pull(at(0), 10, 1 << 20, kDeadline)), "") << "for a pull too";
  EXPECT_FALSE(rig.core.grant({b}));
  rig.core.ack(first[0].id, first[0].message);
  EXPECT_EQ(ids(rig.pull(b)), "2 4") << "nothing of it is outstanding: whoever comes";
}

TEST(Consumers, WhatWaitsForAStreamComesAsItHasRoom) {
  Rig rig(kOrdered);
  rig.add({"k", "k", "k", "k"});
  const ConsumerId a = rig.core.add_consumer({.messages = 2}), b = rig.core.add_consumer({});
  const auto first = rig.pull(a);
  EXPECT_EQ(ids(first), "1 2");
  EXPECT_EQ(ids(rig.pull(b)), "");
  rig.core.ack(first[0].id, first[0].message);
  const auto grant = rig.core.grant({});
  ASSERT_TRUE(grant);
  EXPECT_EQ(grant->consumer, a);
  EXPECT_EQ(ids(rig.pull(a)), "3");
}

TEST(Consumers, AStreamThatWentKeepsItsKeysUntilItsLeasesAreOver) {
  Rig rig(kOrdered);
  rig.add({"k", "k"});
  const ConsumerId a = rig.core.add_consumer({.messages = 1}), b = rig.core.add_consumer({});
  EXPECT_EQ(ids(rig.pull(a)), "1");
  rig.core.remove_consumer(a);
  EXPECT_EQ(ids(rig.pull(b)), "");
  rig.core.expire(at(11));
  EXPECT_EQ(ids(rig.core.pull(at(11), 10, 1 << 20, kDeadline, b)), "1 2");
}

TEST(Consumers, AfterASeekAllAreEmpty) {
  Rig rig(kOrdered);
  rig.add({"k", "k"});
  const ConsumerId a = rig.core.add_consumer({.messages = 1}), b = rig.core.add_consumer({});
  rig.pull(a);
  rig.pull(b);
  rig.core.clear();
  EXPECT_EQ(rig.core.outstanding(a), 0u);
  rig.add({"k", "k"});
  EXPECT_EQ(ids(rig.pull(b)), "3 4");
}

/// Streams that come and go, are slow, nack and forget, on a clock of its own.
class Day {
 public:
  explicit Day(unsigned seed) : random_(seed), core_(rules(seed)) {}

  void run() {
    for (double time = 0; time < 2000; time += 0.5) {
      now_ = at(time);
      if (chance(30) && published_ < 400) publish();
      if (chance(3) && streams_.size() < 5) open();
      if (chance(1) && streams_.size() > 1) close();
      for (const auto& failure : core_.expire(now_)) (void)failure;
      forget_old();
      serve();
      answer(time < 1000 ? 60 : 100);
      check();
    }
    EXPECT_EQ(core_.backlog(), 0u) << "all were acknowledged in the end";
    EXPECT_EQ(acked_.size(), static_cast<size_t>(published_));
  }

 private:
  struct Held {
    MessageId message;
    std::string key;
    Instant deadline;
  };
  struct Stream {
    size_t most;
    std::map<LeaseId, Held> held;
  };
  static DeliveryRules rules(unsigned seed) {
    DeliveryRules rules{.order = DeliveryRules::Order::kByKey};
    if (seed % 2 == 0) rules.retry = RetryPolicy{seconds(1), seconds(8)};
    return rules;
  }
  bool chance(int percent) { return static_cast<int>(random_() % 100) < percent; }

  void publish() {
    const std::string key = chance(50) ? "" : fmt::format("k{}", random_() % 3);
    keys_[++published_] = key;
    core_.add({published_, static_cast<uint32_t>(random_() % 1000), key, 0});
  }
  void open() {
    const size_t most = 1 + random_() % 10;
    streams_[core_.add_consumer({.messages = most})] = {most, {}};
  }
  void close() {
    const auto gone = std::next(streams_.begin(), static_cast<int>(random_() % streams_.size()));
    core_.remove_consumer(gone->first);
    streams_.erase(gone);
  }
  void forget_old() {
    for (auto& [id, stream] : streams_) {
      std::erase_if(stream.held, [&](const auto& each) { return each.second.deadline <= now_; });
    }
  }
  void serve() {
    std::vector<ConsumerId> dry;
    while (const auto grant = core_.grant(dry)) {
      const auto leases = core_.pull(now_, grant->most, 1 << 20, kDeadline, grant->consumer);
      if (leases.empty()) dry.push_back(grant->consumer);
      for (const auto& lease : leases) take(grant->consumer, lease);
    }
  }
  void take(ConsumerId consumer, const SubscriptionCore::Lease& lease) {
    const std::string& key = keys_.at(lease.message);
    EXPECT_FALSE(acked_.contains(lease.message)) << lease.message;
    if (!key.empty()) {
      for (const auto& [id, stream] : streams_) {
        for (const auto& [other, held] : stream.held) {
          if (held.key != key || !core_.is_leased(other)) continue;
          EXPECT_EQ(id, consumer) << key << " is with another stream";
          EXPECT_LT(held.message, lease.message) << "out of order";
        }
      }
    }
    streams_.at(consumer).held[lease.id] = {lease.message, key, now_ + kDeadline};
  }
  void answer(int percent) {
    for (auto& [id, stream] : streams_) {
      while (!stream.held.empty() && chance(percent)) {
        const auto first = stream.held.begin();
        const auto [lease, held] = *first;
        stream.held.erase(first);
        if (percent < 100 && chance(10)) {
          core_.nack(now_, lease);
        } else if (percent < 100 && chance(10)) {
          // Forgotten: its deadline passes.
        } else if (core_.ack(lease, held.message)) {
          EXPECT_TRUE(acked_.insert(held.message).second) << "acknowledged twice";
        }
      }
    }
  }
  void check() {
    for (const auto& [id, stream] : streams_) EXPECT_LE(core_.outstanding(id), stream.most);
  }

  std::mt19937 random_;
  SubscriptionCore core_;
  Instant now_;
  MessageId published_ = 0;
  std::map<MessageId, std::string> keys_;
  std::set<MessageId> acked_;
  std::map<ConsumerId, Stream> streams_;
};

TEST(Consumers, DaysOfRandomStreamsKeepLimitsOrderAndLoseNothing) {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    Day(seed).run();
    if (::testing::Test::HasFailure()) break;
  }
}

}  // namespace
}  // namespace thaw::messaging
