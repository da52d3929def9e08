// CpuScaler: how many instances the CPU time that is used asks for, as Kubernetes' horizontal
// autoscaler counts: what all use, divided by what one is to use.
//
// Pure. What is used is averaged over `average`; within a tenth of the target nothing changes. Up
// at once, down to what the last `window` never exceeded. No instance uses no CPU: the first is
// started by something else, a minimum or a backlog.
// **Thread**: any. **Owner**: a value. **Limits**: readings of one window are kept, at most one a
// second.
#pragma once

#include <deque>

#include "base/time.h"

namespace thaw::scaling {

struct CpuReading {
  int instances = 0;       // that run
  double used_limits = 0;  // CPU time used per time, in CPU limits of one instance: 0..instances
};

struct CpuTarget {
  int percent = 60;  // of its limit, that each is to use; 1..100
  int min_instances = 0;
  int max_instances = 100;
  Duration window = seconds(30);
  Duration average = seconds(5);
};

class CpuScaler {
 public:
  explicit CpuScaler(const CpuTarget& target) : target_(target) {}
  /// `now` never goes back.
  int step(Instant now, const CpuReading& reading);

 private:
  struct Used {
    Instant at;
    double limits;
  };
  struct Wanted {
    Instant at;
    int instances;
  };
  int wanted(const CpuReading& reading) const;

  CpuTarget target_;
  std::deque<Used> used_;
  std::deque<Wanted> window_;  // instances fall towards the back
};

}  // namespace thaw::scaling
