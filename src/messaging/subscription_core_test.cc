#include "messaging/subscription_core.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace thaw::messaging {
namespace {

using Order = DeliveryRules::Order;
using Fate = SubscriptionCore::Failure::Fate;
constexpr Duration kDeadline = seconds(10);

Instant at(double time) { return Instant(seconds(time)); }

struct Rig {
  explicit Rig(DeliveryRules rules = {}) : core(rules) {}

  void add(std::initializer_list<const char*> keys) {
    for (const char* key : keys) core.add({++last, 100, key});
  }
  /// The messages leased, e.g. "1 2 3"; the leases are kept by message.
  std::string pull(double time, size_t most = 10, uint64_t most_bytes = 1 << 20) {
    core.expire(at(time));
    std::string text;
    for (const auto& each : core.pull(at(time), most, most_bytes, kDeadline)) {
      leases[each.message] = each.id;
      attempts[each.message] = each.attempt;
      text += fmt::format("{}{}", text.empty() ? "" : " ", each.message);
    }
    return text;
  }
  bool ack(MessageId message) { return core.ack(leases[message], message).has_value(); }
  auto nack(double time, MessageId message) { return core.nack(at(time), leases[message]); }

  SubscriptionCore core;
  MessageId last = 0;
  std::map<MessageId, LeaseId> leases;
  std::map<MessageId, int> attempts;
};

TEST(SubscriptionCore, LeasesInOrderUpToTheCountAndTheBytes) {
  Rig rig;
  rig.add({"", "", "", "", ""});
  EXPECT_EQ(rig.pull(0, 2), "1 2");
  EXPECT_EQ(rig.pull(0, 10, 250), "3 4");
  EXPECT_EQ(rig.pull(0, 10, 1), "5") << "one comes whatever its size";
  EXPECT_EQ(rig.pull(0), "");
  EXPECT_EQ(rig.core.backlog(), 5u);
}

TEST(SubscriptionCore, WhatIsTooOldGoesThoughNobodyPulls) {
  Rig rig({.order = Order::kByKey, .per_key = DeliveryRules::PerKey::kOne});
  rig.add({"", "a", "b", "a", "", "a", ""});
  rig.core.take_away_up_to(5);
  EXPECT_EQ(rig.core.backlog(), 2u);
  EXPECT_EQ(rig.pull(0), "6 7");
  EXPECT_TRUE(rig.ack(6) && rig.ack(7));
  EXPECT_EQ(rig.core.backlog(), 0u);
  rig.add({"a"});
  EXPECT_EQ(rig.pull(0), "8");
}

TEST(SubscriptionCore, WhatIsTooOldAndLeasedComesNoMore) {
  Rig rig({.order = Order::kByKey});
  rig.add({"", "", "a", "a", "a"});
  EXPECT_EQ(rig.pull(0, 4), "1 2 3 4");
  rig.core.take_away_up_to(4);
  EXPECT_TRUE(rig.ack(1));
  rig.nack(0, 2);
  rig.nack(0, 3);
  EXPECT_EQ(rig.pull(0), "5");
  EXPECT_EQ(rig.core.backlog(), 1u);
}

TEST(SubscriptionCore, AnAckTakesAMessageAwayOnce) {
  Rig rig;
  rig.add({"", ""});
  rig.pull(0);
  EXPECT_TRUE(rig.ack(1));
  EXPECT_FALSE(rig.ack(1));
  EXPECT_FALSE(rig.core.ack(rig.leases[2], 1)) << "the lease of another message";
  EXPECT_EQ(rig.core.backlog(), 1u);
}

TEST(SubscriptionCore, AMissedDeadlineIsAFailureAndTheMessageComesAgain) {
  Rig rig;
  rig.add({""});
  rig.pull(0);
  EXPECT_EQ(rig.core.wake_at(), at(10));
  EXPECT_EQ(rig.pull(9.9), "");
  EXPECT_EQ(rig.pull(10), "1");
  EXPECT_EQ(rig.attempts[1], 2);
}

TEST(SubscriptionCore, AnExtendedLeaseLivesOnAndALostOneCannotBeExtended) {
  Rig rig;
  rig.add({""});
  rig.pull(0);
  EXPECT_TRUE(rig.core.extend(at(9), rig.leases[1], seconds(60)));
  EXPECT_EQ(rig.pull(60), "");
  const LeaseId old = rig.leases[1];
  EXPECT_EQ(rig.pull(69), "1");
  EXPECT_FALSE(rig.core.extend(at(69), old, seconds(60)));
}

TEST(SubscriptionCore, AfterANackTheOldLeaseIsDead) {
  Rig rig;
  rig.add({""});
  rig.pull(0);
  EXPECT_TRUE(rig.nack(1, 1));
  EXPECT_FALSE(rig.nack(1, 1));
  EXPECT_FALSE(rig.core.extend(at(1), rig.leases[1], seconds(10)));
  EXPECT_EQ(rig.pull(1), "1");
}

TEST(SubscriptionCore, ALateAckCountsUnlessSomebodyElseHasTheMessageOrExactlyOnceIsAsked) {
  Rig rig({.retry = RetryPolicy{seconds(5), seconds(60)}});
  rig.add({""});
  rig.pull(0);
  rig.core.expire(at(11));
  EXPECT_TRUE(rig.ack(1)) << "it rests";
  EXPECT_EQ(rig.core.backlog(), 0u);

  Rig at_once;
  at_once.add({""});
  at_once.pull(0);
  at_once.core.expire(at(11));
  EXPECT_TRUE(at_once.ack(1)) << "it waits again";
  EXPECT_EQ(at_once.pull(11), "");
  EXPECT_EQ(at_once.core.backlog(), 0u);

  Rig other;
  other.add({""});
  other.pull(0);
  const LeaseId first = other.leases[1];
  other.pull(11);
  EXPECT_FALSE(other.core.ack(first, 1));
  EXPECT_EQ(other.core.backlog(), 1u);

  Rig exact({.acks = DeliveryRules::Acks::kExactlyOnce});
  exact.add({""});
  exact.pull(0);
  exact.core.expire(at(11));
  EXPECT_FALSE(exact.ack(1));
}

TEST(SubscriptionCore, RestsGrowTwofoldFromTheMinimumToTheMaximum) {
  Rig rig({.retry = RetryPolicy{seconds(1), seconds(5)}});
  rig.add({""});
  double now = 0;
  for (const double expected : {1, 2, 4, 5, 5}) {
    EXPECT_EQ(rig.pull(now), "1");
    rig.nack(now, 1);
    const double rest = to_seconds(rig.core.wake_at() - at(now));
    EXPECT_GE(rest, expected);
    EXPECT_LE(rest, expected * 1.1);
    EXPECT_EQ(rig.pull(now + expected * 0.99), "");
    now += rest;
  }
}

TEST(SubscriptionCore, DeadAfterFiveFailuresAndOutOfTheBacklog) {
  Rig rig({.max_attempts = 5});
  rig.add({""});
  for (int i = 1; i <= 5; ++i) {
    ASSERT_EQ(rig.pull(i), "1");
    EXPECT_EQ(rig.attempts[1], i);
    const auto failure = rig.nack(i, 1);
    EXPECT_EQ(failure->failures, i);
    EXPECT_EQ(failure->fate, i == 5 ? Fate::kDead : Fate::kAgain);
  }
  EXPECT_EQ(rig.pull(9), "");
  EXPECT_EQ(rig.core.backlog(), 0u);
  rig.core.revive(at(9), {1, 100, "", 5});
  EXPECT_EQ(rig.core.backlog(), 1u);
  EXPECT_EQ(rig.pull(20), "1");
}

TEST(SubscriptionCore, MessagesOfAKeyComeInOrderAndAFailureTakesLaterOnesBack) {
  Rig rig({.order = Order::kByKey});
  rig.add({"a", "b", "a", "a", ""});
  EXPECT_EQ(rig.pull(0), "1 2 3 4 5");
  EXPECT_TRUE(rig.ack(1));
  rig.nack(1, 3);
  EXPECT_FALSE(rig.nack(1, 4)) << "it was taken back";
  EXPECT_EQ(rig.pull(1), "3 4");
  EXPECT_EQ(rig.attempts[3], 2);
  EXPECT_EQ(rig.attempts[4], 1) << "that it was taken back is not its failure";
}

TEST(SubscriptionCore, AKeyRestsAsAWhole) {
  Rig rig({.retry = RetryPolicy{seconds(2), seconds(2)}, .order = Order::kByKey});
  rig.add({"a", "a", "b"});
  EXPECT_EQ(rig.pull(0, 1), "1");
  rig.nack(0, 1);
  EXPECT_EQ(rig.pull(1), "3");
  EXPECT_EQ(rig.pull(3), "1 2");
}

TEST(SubscriptionCore, WithOnePerKeyTheNextComesAfterTheAck) {
  Rig rig({.order = Order::kByKey, .per_key = DeliveryRules::PerKey::kOne});
  rig.add({"a", "a", "b", "a"});
  EXPECT_EQ(rig.pull(0), "1 3");
  EXPECT_EQ(rig.pull(0), "");
  rig.ack(1);
  EXPECT_EQ(rig.pull(0), "2");
  rig.nack(0, 2);
  EXPECT_EQ(rig.pull(0), "2");
  rig.ack(2);
  EXPECT_EQ(rig.pull(0), "4");
  rig.ack(4);
  rig.ack(3);
  EXPECT_EQ(rig.core.backlog(), 0u);
  EXPECT_EQ(rig.core.wake_at(), Instant::max());
}

TEST(SubscriptionCore, WithoutOrderKeysMeanNothing) {
  Rig rig({.per_key = DeliveryRules::PerKey::kOne});
  rig.add({"a", "a"});
  EXPECT_EQ(rig.pull(0), "1 2");
}

/// Random subscribers that ack, nack and forget: all are acknowledged in the end, each key in
/// order.
TEST(SubscriptionCore, NothingIsLostAndKeysStayInOrderWhateverSubscribersDo) {
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    std::mt19937 random(seed);
    const bool one = random() % 2 == 0;
    Rig rig({.retry = random() % 2 ? std::optional(RetryPolicy{milliseconds(10), seconds(1)})
                                   : std::nullopt,
             .order = Order::kByKey,
             .per_key = one ? DeliveryRules::PerKey::kOne : DeliveryRules::PerKey::kMany});
    const char* keys[] = {"", "a", "b", "c"};
    std::map<MessageId, std::string> key_of;
    std::map<std::string, std::set<MessageId>> unacked;  // of each key
    std::set<MessageId> acked;
    double now = 0;
    for (int step = 0; step < 3000 && (step < 200 || rig.core.backlog() > 0); ++step) {
      now += 0.05;
      if (step < 200) {
        const char* key = keys[random() % 4];
        rig.add({key});
        key_of[rig.last] = key;
        unacked[key].insert(rig.last);
      }
      rig.core.expire(at(now));
      for (const auto& lease : rig.core.pull(at(now), random() % 4, 1 << 20, seconds(1))) {
        EXPECT_FALSE(acked.contains(lease.message)) << "seed " << seed;
        const auto luck = step < 1500 ? random() % 4 : 0;
        if (luck == 3) continue;  // its deadline will pass
        if (luck == 2) {
          rig.core.nack(at(now), lease.id);
        } else if (rig.core.ack(lease.id, lease.message)) {
          acked.insert(lease.message);
          std::set<MessageId>& of_key = unacked[key_of[lease.message]];
          if (one && !key_of[lease.message].empty()) {
            EXPECT_EQ(*of_key.begin(), lease.message) << "seed " << seed;
          }
          of_key.erase(lease.message);
        }
      }
    }
    EXPECT_EQ(acked.size(), 200u) << "seed " << seed;
    EXPECT_EQ(rig.core.backlog(), 0u) << "seed " << seed;
    EXPECT_EQ(rig.core.leased(), 0u) << "seed " << seed;
  }
}

}  // namespace
}  // namespace thaw::messaging
