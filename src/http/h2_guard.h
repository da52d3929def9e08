// H2Guard: decides when an HTTP/2 client costs more than it asks for. Pure.
//
// Each thing that is cheap to send and not to get is paid for from a budget: streams that are
// reset (CVE-2023-44487), frames that carry nothing (PING, SETTINGS, PRIORITY, RST_STREAM, empty
// DATA, WINDOW_UPDATE). Budgets fill with time, and with what is worth its bytes, so that a busy
// client's pings and window updates never run out.
// Thread: any. Owner: value. Limits: the constants below.
#pragma once

#include <algorithm>

#include "base/time.h"

namespace thaw::http {

class H2Guard {
 public:
  explicit H2Guard(Instant now) : filled_(now) {}

  /// Each false: the connection is to be ended.
  bool on_reset(Instant now) { return spend(resets_, 1, now); }
  bool on_idle_frame(Instant now) { return spend(frames_, 1, now); }

  /// A request, or content either way, which pays for the frames that go with it.
  void on_worth() { frames_ = std::min(frames_ + kFramesPerWorth, kFrames); }
  /// As much content as makes a frame worth its own header.
  static constexpr size_t kWorthBytes = 512;

 private:
  static constexpr double kResets = 500;
  static constexpr double kResetsPerSecond = 50;
  static constexpr double kFrames = 2000;
  static constexpr double kFramesPerSecond = 50;
  static constexpr double kFramesPerWorth = 8;

  bool spend(double& budget, double cost, Instant now) {
    const double passed = std::chrono::duration<double>(now - filled_).count();
    filled_ = now;
    resets_ = std::min(resets_ + passed * kResetsPerSecond, kResets);
    frames_ = std::min(frames_ + passed * kFramesPerSecond, kFrames);
    budget -= cost;
    return budget >= 0;
  }

  Instant filled_;
  double resets_ = kResets;
  double frames_ = kFrames;
};

}  // namespace thaw::http
