// CrashBackoff: how long to leave a failing container alone before it is started again.
//
// 1 s after the first failed start, doubled by each that follows, 5 min at most. One that crashes
// after it was ready gets a start at once, and pauses only when it happens again. Healthy for a
// minute, or stopped by us in good order: all is forgotten. (Contract 1.2 and 1.3 say that
// restarts are rate-limited, not how.)
//
// **Thread**: any. **Owner**: a value. **Limits**: none.
#pragma once

#include <algorithm>
#include <optional>

#include "base/time.h"

namespace thaw::serving {

class CrashBackoff {
 public:
  static constexpr Duration kFirst = std::chrono::seconds(1);
  static constexpr Duration kLongest = std::chrono::minutes(5);
  /// Ready for so long, an instance counts as healthy.
  static constexpr Duration kHealthy = std::chrono::minutes(1);

  enum class Failure { kAtStart, kWhenReady };
  /// `ready_for`: how long the instance, or another that still is, had been ready.
  void failed(Instant now, Failure failure, Duration ready_for) {
    if (ready_for >= kHealthy) in_a_row_ = 0;
    ++in_a_row_;
    const int pauses = failure == Failure::kAtStart ? in_a_row_ : in_a_row_ - 1;
    if (pauses == 0) return;
    const Duration pause = kFirst * (int64_t{1} << std::min(pauses - 1, 10));
    until_ = now + std::min(pause, kLongest);
  }
  void went_well() {
    in_a_row_ = 0;
    until_.reset();
  }

  bool pausing(Instant now) const { return until_ && now < *until_; }
  /// When the pause ends, also when that is past; nullopt: there is none.
  std::optional<Instant> until() const { return until_; }

 private:
  int in_a_row_ = 0;
  std::optional<Instant> until_;
};

}  // namespace thaw::serving
