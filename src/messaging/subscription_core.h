// SubscriptionCore: which message a subscriber gets next, and what becomes of it.
//
// A step machine without I/O. It knows messages by their number, size and ordering key, never their
// content. A message is *waiting*, *leased* to a subscriber until its ack deadline, or *resting*
// until its back-off is over; ack() takes it away, a nack or a missed deadline is a failure and it
// waits or rests again, or is dead after `max_attempts`.
//
// Rules (Pub/Sub's documentation: "Subscription properties", "Handle failures", "Order messages"):
// - After k failures a message rests min(minimum x 2^(k-1), maximum); without a retry policy not.
// - Messages of one ordering key are leased in the order of their numbers. After a failure of one,
//   those of the key that were leased after it are taken back and come again behind it.
// - Of an ordering key of which a consumer has messages outstanding no other consumer and no pull
//   gets any.
// - An ack with a lease that is over takes the message away only if nobody leased it since, and
//   never with exactly-once delivery.
//
// **Thread**: any, one at a time. **Owner**: itself. **Limits**: none of its own: 16 bytes a
// waiting message without a key. Time per call is O(log n) a message.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/time.h"
#include "messaging/consumers.h"

namespace thaw::messaging {

using MessageId = int64_t;  // grows with publication
using LeaseId = uint64_t;

struct RetryPolicy {
  Duration minimum = seconds(10);
  Duration maximum = seconds(600);

  bool operator==(const RetryPolicy&) const = default;
};

struct DeliveryRules {
  std::optional<RetryPolicy> retry;
  int max_attempts = 0;  // 0: it never is dead
  enum class Order { kNone, kByKey } order = Order::kNone;
  enum class Acks { kAtLeastOnce, kExactlyOnce } acks = Acks::kAtLeastOnce;
  /// kOne: of a key the next is leased when the one before is acknowledged, as pushes are.
  enum class PerKey { kMany, kOne } per_key = PerKey::kMany;
};

class SubscriptionCore {
 public:
  struct Message {
    MessageId id = 0;
    uint32_t size_bytes = 0;
    std::string_view ordering_key;
    int failures = 0;
  };
  struct Lease {
    LeaseId id;
    MessageId message;
    int attempt;  // 1 for the first delivery
  };
  struct Failure {
    MessageId message;
    int failures;
    enum class Fate { kAgain, kDead } fate;
  };

  explicit SubscriptionCore(DeliveryRules rules) : rules_(rules) {}

  /// New rules hold from the next delivery or failure on.
  void set_rules(DeliveryRules rules) { rules_ = rules; }
  const DeliveryRules& rules() const { return rules_; }

  /// Precondition: ids grow from call to call.
  void add(const Message& message);
  /// Everything is forgotten but the consumers, leases too; their numbers are never used again.
  void clear();

  /// At most `most` messages and, but for the first, `most_bytes`; for a consumer no more than it
  /// may have.
  std::vector<Lease> pull(Instant now, size_t most, uint64_t most_bytes, Duration deadline,
                          ConsumerId consumer = 0);

  /// Streams that messages are spread over. Leases of a consumer that was removed stay.
  ConsumerId add_consumer(Consumers::Limits limits) { return consumers_.add(limits); }
  void remove_consumer(ConsumerId id) { consumers_.remove(id); }
  void set_consumer_state(ConsumerId id, Consumers::State state) {
    consumers_.set_state(id, state);
  }
  size_t outstanding(ConsumerId id) const { return consumers_.outstanding(id); }
  /// Who may pull how many next; `dry` are those whose pull gave nothing.
  std::optional<Consumers::Grant> grant(const std::vector<ConsumerId>& dry) const {
    return consumers_.grant(waiting_.size(), dry);
  }

  /// The message to be taken out of the store; nullopt: the lease is over and the ack has no
  /// effect.
  std::optional<MessageId> ack(LeaseId lease, MessageId message);
  /// Takes a message away that waits: it was acknowledged with a lease of an earlier run.
  void take_away(MessageId message) { taken_away_.insert(message); }
  /// Takes all away up to this one that wait, now or later: they are too old.
  void take_away_up_to(MessageId last);
  /// The lease now ends `deadline` from now. False: it is over.
  bool extend(Instant now, LeaseId lease, Duration deadline);
  /// nullopt: the lease is over.
  std::optional<Failure> nack(Instant now, LeaseId lease);
  /// Ends leases whose deadline has passed and rests that are over.
  std::vector<Failure> expire(Instant now);
  /// A dead message that could not be given away after all rests and comes again.
  void revive(Instant now, const Message& message);

  /// When expire() has something to do next; Instant::max(): never.
  Instant wake_at() const;
  bool has_waiting() const { return !waiting_.empty(); }
  size_t leased() const { return leases_.size(); }
  bool is_leased(LeaseId lease) const { return leases_.contains(lease); }
  /// All that are not acknowledged.
  size_t backlog() const { return backlog_; }

 private:
  using Key = uint32_t;  // 0: none
  struct Item {
    MessageId id;
    uint32_t size_bytes;
    Key key;
  };
  struct Leased {
    Item item;
    Instant deadline;
    ConsumerId consumer;
  };
  struct Resting {
    Item item;
    Instant until;
  };
  struct Lane {  // of one ordering key
    std::string key;
    std::deque<Item> items;               // waiting, in order
    std::map<MessageId, LeaseId> leased;  // in order
    bool rests = false;
    int turns = 0;         // that came up while it rested, was busy or another consumer's
    ConsumerId owner = 0;  // of those that are leased
  };

  bool is_open(const Lane& lane) const;
  std::optional<Item> next(ConsumerId consumer);
  std::optional<Item> next_held(ConsumerId consumer);
  std::optional<Item> next_waiting(ConsumerId consumer);
  Lease lease(Instant now, const Item& item, Duration deadline, ConsumerId consumer);
  bool was_taken_away(MessageId message);
  std::optional<Item> end_lease(LeaseId lease);
  void forget(MessageId message);
  Failure fail(Instant now, LeaseId lease);
  void rest(Instant now, const Item& item, int failures);
  void rest_lane(Instant now, const Item& item, int failures, Failure::Fate fate);
  void reopen(Key key);
  Duration rest_of(int failures, MessageId message) const;
  int failures_of(MessageId message) const;
  Key key_of(std::string_view text);

  DeliveryRules rules_;
  std::deque<Item> waiting_;                 // those without key, and a turn for each that has one
  std::unordered_set<MessageId> came_back_;  // of those that wait
  std::set<std::pair<Instant, MessageId>> rests_;
  std::unordered_map<MessageId, Resting> resting_;
  std::set<std::pair<Instant, Key>> resting_lanes_;
  std::unordered_map<LeaseId, Leased> leases_;
  std::set<std::pair<Instant, LeaseId>> deadlines_;
  std::unordered_map<MessageId, int> failures_;  // where there were any
  std::unordered_map<Key, Lane> lanes_;
  std::unordered_map<std::string, Key> keys_;
  std::unordered_set<MessageId> taken_away_;
  MessageId taken_away_up_to_ = 0;
  Consumers consumers_;
  Key last_key_ = 0;
  LeaseId last_lease_ = 0;
  size_t backlog_ = 0;
};

}  // namespace thaw::messaging
