// Loop: one thread's turn-taking: its clock, its timers, and work handed to it.
//
// Objects belong to one loop; between loops only post() is used.
// Thread: all calls on the loop's own thread, but for post() and stop(): any.
#pragma once

#include <functional>

#include "io/clock.h"
#include "io/timers.h"

namespace thaw::io {

class Loop : public Clock, public Timers {
 public:
  /// Runs `work` in a later turn, in the order of posting.
  virtual void post(std::function<void()> work) = 0;
  /// Once this turn is over, descriptors are not looked at before `at_most` has passed, a timer is
  /// due or work was posted: what comes meanwhile is taken together, in one turn.
  virtual void rest(Duration at_most) = 0;
  /// Takes turns until stop() was called.
  virtual void run() = 0;
  virtual void stop() = 0;
};

}  // namespace thaw::io
