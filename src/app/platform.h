// Platform: all rooms of `thaw up` put together on one loop and one data directory.
//
// It makes the rooms in the order in which they need each other, brings back what was deployed,
// opens the doors last, and closes them first. No logic: what one room observes and another wants
// to know goes through the Switchboard.
//
// **Thread**: the main one, which becomes the loop's. **Owner**: the caller.
// **Limits**: those of UpOptions.
#pragma once

#include <memory>

#include "app/options.h"
#include "base/result.h"

namespace thaw::app {

class Platform {
 public:
  explicit Platform(UpOptions options);
  ~Platform();

  /// Serves until SIGTERM or SIGINT, then drains: no new requests, those in flight finish within
  /// options.drain_timeout, instances are stopped, the meter is written. A second signal cuts the
  /// drain short. Errors of starting up name what failed and what to do; nothing runs then.
  Status run();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace thaw::app
