// TimerHeap: callbacks ordered by time, with O(log n) adding and removing and no clock.
//
// Callbacks of one instant run in the order in which they were added.
// Thread: one. Owner: value. Limits: 2^32 - 1 timers at once.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/time.h"

namespace thaw::io_linux {

class TimerHeap {
 public:
  /// The id is never 0 and is not used again for 2^32 timers of the same slot.
  uint64_t add(Instant when, std::function<void()> callback);
  /// Unknown ids are ignored.
  void remove(uint64_t id);
  std::optional<Instant> next() const;
  /// Grows with each timer that is added.
  uint64_t last_added() const { return order_; }
  /// Runs what is due at `now` of the timers that were there when last_added() was `up_to`.
  void run_due(Instant now, uint64_t up_to);
  void run_due(Instant now) { run_due(now, order_); }
  size_t size() const { return heap_.size(); }

 private:
  struct Slot {
    Instant when;
    uint64_t order = 0;
    std::function<void()> callback;
    uint32_t position = kFree;
    uint32_t generation = 1;
  };
  static constexpr uint32_t kFree = UINT32_MAX;  // not in the heap, not due
  static constexpr uint32_t kDue = kFree - 1;    // taken out of the heap, not run yet

  bool before(uint32_t a, uint32_t b) const;
  void push(uint32_t slot);
  void place(uint32_t position, uint32_t slot);
  void sift_up(uint32_t position);
  void sift_down(uint32_t position);
  void take_out(uint32_t position);
  void free_slot(uint32_t slot);

  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;
  std::vector<uint32_t> heap_;
  std::vector<uint64_t> due_;
  uint64_t order_ = 0;
};

}  // namespace thaw::io_linux
