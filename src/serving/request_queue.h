// RequestQueue: the requests of one revision that wait for a place, first come, first served.
//
// Knows when a deadline passes; who is served, and how long they may wait, is RevisionCore's.
//
// **Thread**: the loop's. **Owner**: a value. **Limits**: none of its own: RevisionCore bounds it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/time.h"

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
  };

  bool empty() const { return waiting_.empty(); }
  int size() const { return static_cast<int>(waiting_.size()); }

  /// Precondition: its number is higher than that of all who wait.
  void push(const Waiting& request);
  /// Precondition of both: not empty().
  const Waiting& front() const { return waiting_.begin()->second; }
  Waiting pop();
  /// Somebody gave up; false when they do not wait any more.
  bool remove(uint64_t number);
  std::optional<Instant> earliest_deadline() const;
  /// Takes one whose deadline is not after `now`, or nobody.
  std::optional<Waiting> take_expired(Instant now);

 private:
  std::map<uint64_t, Waiting> waiting_;
  std::set<std::pair<Instant, uint64_t>> deadlines_;
};

}  // namespace thaw::serving
