// LagScaler: how many instances a stream's backlog asks for, as KEDA's Redis-stream trigger counts.
//
// Pure. Up at once, also from zero; down to what the last `window` never exceeded. Without a
// reading the last number stays for `hold`, then the minimum holds.
// **Thread**: any. **Owner**: a value. **Limits**: readings of one window are kept, at most one a
// second.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "base/time.h"

namespace thaw::scaling {

struct LagReading {
  int64_t lag = 0;      // entries that nobody has read
  int64_t pending = 0;  // read, not acknowledged
};

struct LagTarget {
  int64_t entries_per_instance = 100;  // at least 1
  int min_instances = 0;
  int max_instances = 100;
  Duration window = seconds(30);
  Duration hold = seconds(60);
};

/// ceil((lag + pending) / entries_per_instance), within the bounds.
int instances_for(const LagReading& reading, const LagTarget& target);

class LagScaler {
 public:
  LagScaler(const LagTarget& target, Instant now) : target_(target), last_reading_(now) {}

  struct Decision {
    int instances = 0;
    enum class Basis {
      kReading,  // of now
      kHeld,     // there is no reading: the last number stays
      kMinimum,  // there was none for `hold`
    } basis = Basis::kReading;
  };
  /// `now` never goes back.
  Decision step(Instant now, const std::optional<LagReading>& reading);

 private:
  struct Wanted {
    Instant at;
    int instances;
  };
  LagTarget target_;
  std::deque<Wanted> window_;  // instances fall towards the back
  Instant last_reading_;
  int last_ = 0;
};

}  // namespace thaw::scaling
