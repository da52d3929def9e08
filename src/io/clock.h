// Clock: where points in time come from. Policy code gets `now` as an argument instead.
//
// Thread: the loop's. Owner: the loop outlives all who hold it.
#pragma once

#include "base/time.h"

namespace thaw::io {

class Clock {
 public:
  virtual ~Clock() = default;
  /// Steady time. May be read once a turn of the loop: it never goes back and stands still
  /// within one callback.
  virtual Instant now() const = 0;
  virtual WallTime wall_now() const = 0;
};

}  // namespace thaw::io
