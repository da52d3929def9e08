// RequestQueue: the requests of one revision that wait for a place: callers in turn, each one's in
// order of arrival.
//
// A turn is one request. Who begins to wait gets the last turn of the round, who had theirs goes
// to its end: while a caller waits, no other one is served twice. With one caller it is first come,
// first served. It knows when a deadline passes too; when somebody is served, and how long they
// may wait, is RevisionCore's.
//
// **Thread**: the loop's. **Owner**: a value. **Limits**: none of its own: RevisionCore bounds it,
// and asks with take_displaced_by() who makes room. Callers are known only while they wait. Each
// call takes O(log n).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/time.h"
#include "serving/caller_id.h"

namespace thaw::serving {

/// Numbers grow with arrival; the handle is whatever the rim finds its request by.
struct RequestKey {
  uint64_t number = 0;
  uint32_t handle = 0;
};

class RequestQueue {
 public:
  struct Waiting {
    RequestKey key;
    Instant arrived;
    Instant deadline;
    CallerId caller;
  };

  bool empty() const { return waiting_.empty(); }
  int size() const { return static_cast<int>(waiting_.size()); }

  /// Precondition: its number is higher than that of all who wait.
  void push(const Waiting& request);
  /// Precondition of the three: not empty().
  const Waiting& oldest() const { return waiting_.begin()->second; }
  Waiting take_oldest() { return take(waiting_.begin()->first); }
  /// Whose turn it is.
  Waiting take_next();
  /// Takes the newest of the caller with most, so that the fewest wait for long; nobody if none has
  /// more than `newcomer` would have.
  std::optional<Waiting> take_displaced_by(CallerId newcomer);
  /// Somebody gave up; false when they do not wait any more.
  bool remove(uint64_t number);
  std::optional<Instant> earliest_deadline() const;
  /// Takes one whose deadline is not after `now`, or nobody.
  std::optional<Waiting> take_expired(Instant now);

 private:
  struct Line {
    std::set<uint64_t> numbers;  // not empty
    uint64_t turn = 0;
  };
  Waiting take(uint64_t number);

  std::map<uint64_t, Waiting> waiting_;  // by number
  std::set<std::pair<Instant, uint64_t>> deadlines_;
  std::map<CallerId, Line> lines_;
  std::map<uint64_t, CallerId> turns_;             // of each line; the lowest is next
  std::set<std::pair<size_t, CallerId>> lengths_;  // of each line
  uint64_t last_turn_ = 0;
};

}  // namespace thaw::serving
