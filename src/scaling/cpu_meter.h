// CpuMeter: how much CPU time a revision's instances used over the autoscaler's window.
//
// Fed with stretches of time and what was used in them, in CPU limits of one instance: 1.5 is what
// an instance and a half could use at most. Pure.
//
// **Thread**: any, one at a time. **Owner**: a value. **Limits**: a stretch longer than the window
// counts by its last part.
#pragma once

#include <optional>

#include "base/time.h"
#include "scaling/windows.h"

namespace thaw::scaling {

class CpuMeter {
 public:
  /// The time before `start` counts as 0 (contract 2.2: an average of one minute).
  CpuMeter(Duration window, Instant start);

  void add(Instant from, Instant to, double limits_used);
  double average(Instant now) const { return window_.average(now).value_or(0); }

 private:
  Duration length_;
  WindowAverage window_;
  Instant last_;  // end of the last stretch
};

}  // namespace thaw::scaling
