// PushPace: how many pushes of a subscription may be under way, and when none may.
//
// To an endpoint elsewhere, by Pub/Sub's page on push: slow start, growing with each success and
// halved by a failure, and after failures in a row a pause of 100 ms, doubled up to 60 s. To a
// service of this platform the number of its places is known, so nothing is found out by refusals
// and one message that fails slows no other: it rests by itself.
//
// **Thread**: any. **Owner**: values. **Limits**: kMost at once.
#pragma once

#include <algorithm>

#include "base/time.h"

namespace thaw::messaging {

class PushPace {
 public:
  static constexpr int kMost = 1000;
  static constexpr int kFirst = 3;  // slow start
  static constexpr Duration kShortestPause = milliseconds(100);
  static constexpr Duration kLongestPause = seconds(60);

  /// How many more may start. `places`: of a service of ours; 0: the endpoint is elsewhere.
  int room(Instant now, int under_way, int places) const {
    if (places > 0) return std::max(0, std::min(places, kMost) - under_way);
    if (now < paused_until_) return 0;
    return std::max(0, static_cast<int>(window_) - under_way);
  }
  void succeeded() {
    failures_in_a_row_ = 0;
    window_ = std::min<double>(window_ + 1, kMost);  // doubles with each window of successes
  }
  void failed(Instant now) {
    window_ = std::max(1.0, window_ / 2);
    const int doublings = std::min(failures_in_a_row_++, 10);
    paused_until_ = now + std::min(kShortestPause * (1 << doublings), kLongestPause);
  }
  /// Instant::min(): it never paused.
  Instant paused_until() const { return paused_until_; }

 private:
  double window_ = kFirst;
  int failures_in_a_row_ = 0;
  Instant paused_until_ = Instant::min();
};

}  // namespace thaw::messaging
