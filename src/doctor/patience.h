// Patience: waiting on the loop, one thing after another, for a program that does one examination.
//
// Not for what serves requests: that has callbacks. Thread: the loop's. Owner: the loop outlives
// it. Limits: looks every 5 ms.
#pragma once

#include <functional>
#include <utility>

#include "io/loop.h"

namespace thaw::doctor {

class Patience {
 public:
  explicit Patience(io::Loop& loop, std::function<bool()> given_up)
      : loop_(loop), given_up_(std::move(given_up)) {}

  io::Loop& loop() { return loop_; }
  Instant now() const { return loop_.now(); }
  bool given_up() const { return given_up_(); }

  /// Takes turns of the loop until `done`, at most `limit`; false when it was given up or is not.
  bool until(const std::function<bool()>& done, Duration limit) {
    const Instant end = now() + limit;
    while (!done()) {
      if (now() >= end || given_up()) return false;
      turn();
    }
    return !given_up();
  }
  void rest(Duration length) {
    (void)until([] { return false; }, length);
  }

 private:
  void turn() {
    const io::Timer timer = loop_.after(milliseconds(5), [this] { loop_.stop(); });
    loop_.run();
  }

  io::Loop& loop_;
  std::function<bool()> given_up_;
};

}  // namespace thaw::doctor
