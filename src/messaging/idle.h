// Idle: how long a subscription has been without use, and whether it expires. Pure.
//
// Only time in which the bus runs is counted, on the steady clock: neither a clock that is set nor
// a machine that was off takes a subscription away. Use is a pull, a stream, an acknowledgement, a
// changed deadline, a seek and a change of the subscription itself.
//
// Thread: any. Owner: a value. Limits: none.
// Source: Pub/Sub's "subscription expiration"; 31 days unless told otherwise, a day at least.
#pragma once

#include <optional>

#include "base/time.h"

namespace thaw::messaging {

class Idle {
 public:
  /// `before`: what was kept() when the bus stopped.
  explicit Idle(Duration before = Duration(0)) : length_(before), kept_(before) {}

  void used() { was_used_ = true; }
  /// `passed` since the last call; `in_use`: somebody waits for its messages.
  enum class Waits { kNobody, kSomebody };
  void tick(Duration passed, Waits waits) {
    if (was_used_ || waits == Waits::kSomebody) {
      length_ = Duration(0);
    } else {
      length_ += passed;
    }
    was_used_ = false;
  }

  Duration length() const { return was_used_ ? Duration(0) : length_; }
  bool is_over(std::optional<Duration> expires_after) const {
    return expires_after && length() >= *expires_after;
  }

  /// What is to be kept now: an hour more than was kept last, or that it was used.
  std::optional<Duration> to_keep() const {
    constexpr Duration kStep = std::chrono::hours(1);
    const bool is_due = length() < kept_ || length() - kept_ >= kStep;
    return is_due ? std::optional(length()) : std::nullopt;
  }
  void kept(Duration length) { kept_ = length; }

 private:
  Duration length_;
  Duration kept_;
  bool was_used_ = false;
};

}  // namespace thaw::messaging
