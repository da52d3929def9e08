// LazyTimer: a deadline that is moved often and rarely reached.
//
// Moving it later costs a store; the timer behind it looks again when its old time comes.
// Thread: the loop's. Owner: the loop outlives it. Limits: none.
#pragma once

#include <functional>
#include <utility>

#include "io/loop.h"

namespace thaw::http {

class LazyTimer {
 public:
  /// `on_expiry` may destroy the LazyTimer.
  LazyTimer(io::Loop& loop, std::function<void()> on_expiry)
      : loop_(loop), on_expiry_(std::move(on_expiry)) {}

  void set(Instant deadline) {
    deadline_ = deadline;
    if (deadline_ < armed_) arm();
  }
  void set_after(Duration delay) { set(loop_.now() + delay); }
  void clear() { deadline_ = Instant::max(); }
  Instant deadline() const { return deadline_; }

 private:
  void arm() {
    armed_ = deadline_;
    timer_ = loop_.at(armed_, [this] { look(); });
  }
  void look() {
    armed_ = Instant::max();
    if (deadline_ == Instant::max()) return;
    if (loop_.now() < deadline_) return arm();
    deadline_ = Instant::max();
    const auto on_expiry = on_expiry_;  // a copy: it may destroy this
    on_expiry();
  }

  io::Loop& loop_;
  std::function<void()> on_expiry_;
  Instant deadline_ = Instant::max();
  Instant armed_ = Instant::max();
  io::Timer timer_;
};

}  // namespace thaw::http
