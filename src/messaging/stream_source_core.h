// StreamSourceCore: every decision of a Redis-stream source: what to read, deliver, repeat, bury.
//
// A state machine without I/O. Its promises:
// - An entry is acknowledged only after a delivery that contained it was done, or after it was
//   written to the dead-letter stream; entries of a dead consumer are taken over.
// - After kill -9 the entries that were under way are delivered again (at least once, never lost).
// - An entry that failed is delivered alone from then on, so that it cannot spoil a batch, after
//   min_backoff * 2^(attempts-1), at most max_backoff. After max_attempts it is buried with the
//   reason. What did not reach the service at all (no instance could be had) costs no attempt: the
//   source pauses, with the same backoff.
// - With Ordering::kPerKey entries of one key are under way one delivery at a time, in stream
// order.
//
// **Thread**: the loop's. **Owner**: a value. **Limits**: Options::most_held entries in memory;
// reading stops there and goes on as they are done.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/time.h"

namespace thaw::messaging {

/// A stream's id: "1526919030474-55", in the order of the stream.
struct EntryId {
  uint64_t millis = 0;
  uint64_t number = 0;

  auto operator<=>(const EntryId&) const = default;
  std::string str() const;
  static std::optional<EntryId> parse(std::string_view text);
};

struct StreamEntry {
  EntryId id;
  std::string key;   // of ordering; "": none
  int attempts = 0;  // deliveries that were begun before
  std::vector<std::pair<std::string, std::string>> fields;
};

namespace source_event {

/// The connection is up and the group exists; `consumer` entries of ours may wait from before.
struct Connected {};
/// Answers to reads, claims, acknowledgements that were under way will not come.
struct Disconnected {};
/// The answer to ReadNew.
struct Read {
  std::vector<StreamEntry> entries;
};
/// The answer to ReadOwn or Claim. kEnd: there is no more for now.
struct Recovered {
  std::vector<StreamEntry> entries;
  enum class More { kYes, kEnd } more = More::kEnd;
};
struct Delivered {
  uint64_t delivery;
};
/// The service had it, or may have had it, and did not say 2xx.
struct DeliveryFailed {
  uint64_t delivery;
  std::string reason;
};
/// No instance could be had: it did not see the entries.
struct NotReached {
  uint64_t delivery;
  std::string reason;
};
/// Acknowledged, or written to the dead-letter stream and acknowledged.
struct Settled {
  std::vector<EntryId> ids;
};
/// The dead-letter stream could not be written, or the acknowledgement was refused.
struct NotSettled {
  std::vector<EntryId> ids;
};
struct Wake {};

}  // namespace source_event

using SourceEvent =
    std::variant<source_event::Connected, source_event::Disconnected, source_event::Read,
                 source_event::Recovered, source_event::Delivered, source_event::DeliveryFailed,
                 source_event::NotReached, source_event::Settled, source_event::NotSettled,
                 source_event::Wake>;

namespace source_action {

/// XREADGROUP with >, waiting for entries; one at a time.
struct ReadNew {
  int count;
};
/// XREADGROUP of our own pending entries after this id; after a start only.
struct ReadOwn {
  EntryId after;
  int count;
};
/// XAUTOCLAIM of entries that a consumer left; the rim keeps the cursor.
struct Claim {
  int count;
};
struct Deliver {
  uint64_t delivery;
  std::vector<const StreamEntry*> entries;  // live until the next call
  int attempt;                              // 1: the first
};
struct Acknowledge {
  std::vector<EntryId> ids;
};
/// XADD to the dead-letter stream and XACK, in one transaction.
struct Bury {
  const StreamEntry* entry;  // lives until the next call
  int attempts;
  std::string reason;
};
/// Writes the begun deliveries down in the group and says that the entry is ours still.
struct Hold {
  EntryId id;
  int attempts;
};
/// A sentence for the service's log.
struct Tell {
  std::string message;
};

}  // namespace source_action

using SourceAction =
    std::variant<source_action::ReadNew, source_action::ReadOwn, source_action::Claim,
                 source_action::Deliver, source_action::Acknowledge, source_action::Bury,
                 source_action::Hold, source_action::Tell>;

class StreamSourceCore {
 public:
  enum class Ordering { kNone, kPerKey };
  struct Options {
    int batch = 1;            // entries in one delivery, at most
    int most_in_flight = 16;  // deliveries
    int most_held = 1000;     // entries
    int max_attempts = 5;
    Duration min_backoff = milliseconds(100);
    Duration max_backoff = seconds(60);
    /// A consumer that did not touch an entry for so long is taken for dead; ours touch theirs
    /// every third of it.
    Duration claim_after = seconds(60);
    Ordering ordering = Ordering::kNone;
  };
  struct Counts {
    uint64_t delivered = 0;  // entries
    uint64_t failed = 0;     // deliveries
    uint64_t buried = 0;     // entries
    uint64_t claimed = 0;    // entries of other consumers
  };

  explicit StreamSourceCore(const Options& options) : options_(options) {}

  /// `now` never goes back. The actions are to be done in their order.
  const std::vector<SourceAction>& on_event(Instant now, const SourceEvent& event);
  /// When it wants Wake; Instant::max() when never.
  Instant wake_at() const { return wake_at_; }

  size_t held() const { return entries_.size(); }
  int in_flight() const { return static_cast<int>(deliveries_.size()); }
  const Counts& counts() const { return counts_; }

 private:
  enum class State { kWaiting, kInFlight, kDone, kBurying };
  struct Held {
    StreamEntry entry;
    State state = State::kWaiting;
    Instant ready_at;       // kWaiting: not before
    std::string reason;     // of the last failure
    bool settling = false;  // the rim was told to acknowledge or bury it
  };

  void on(Instant now, const source_event::Connected& event);
  void on(Instant now, const source_event::Disconnected& event);
  void on(Instant now, const source_event::Read& event);
  void on(Instant now, const source_event::Recovered& event);
  void on(Instant now, const source_event::Delivered& event);
  void on(Instant now, const source_event::DeliveryFailed& event);
  void on(Instant now, const source_event::NotReached& event);
  void on(Instant now, const source_event::Settled& event);
  void on(Instant now, const source_event::NotSettled& event);
  void on(Instant now, const source_event::Wake& event);

  size_t take(Instant now, const std::vector<StreamEntry>& entries);
  std::vector<EntryId> take_delivery(uint64_t delivery);
  void fail(Instant now, EntryId id, const std::string& reason);
  void hold(EntryId id, const Held& held);
  void settle_all(Instant now);
  void next(Instant now);
  void deliver(Instant now);
  std::vector<EntryId> pick(Instant now) const;
  void read();
  void plan_wake(Instant now);
  Duration backoff(int failures) const;
  int room() const { return options_.most_held - static_cast<int>(entries_.size()); }

  Options options_;
  std::map<EntryId, Held> entries_;
  std::map<uint64_t, std::vector<EntryId>> deliveries_;
  uint64_t last_delivery_ = 0;
  bool connected_ = false;
  bool recovering_ = false;  // our own entries from before are read first
  bool reading_ = false;
  bool claiming_ = false;
  EntryId recovered_to_;
  Instant next_claim_;
  Instant next_hold_;
  int refusals_ = 0;  // in a row: no instance could be had
  Instant paused_until_;
  Counts counts_;
  Instant wake_at_ = Instant::max();
  std::vector<SourceAction> actions_;
};

}  // namespace thaw::messaging
