// ProbeWatch: when one liveness or readiness probe of one instance is to be tried, and what the
// tries add up to. Pure.
//
// The rules (contract 1.2): the first try initialDelaySeconds after the instance was ready, then
// one each periodSeconds, one at a time; the state changes after so many equal outcomes in a row.
// It begins as passing. While the instance stands still nothing is tried (decision 103): what is
// due then is due when it runs again.
//
// **Thread**: any. **Owner**: a value. **Limits**: none.
#pragma once

#include "base/time.h"
#include "serving/revision_config.h"

namespace thaw::serving {

class ProbeWatch {
 public:
  ProbeWatch(const Probe& probe, Instant ready)
      : period_(probe.period),
        failure_threshold_(probe.failure_threshold),
        success_threshold_(probe.success_threshold),
        next_(ready + probe.initial_delay) {}

  /// Of the next try; Instant::max() while one is under way.
  Instant due() const { return trying_ ? Instant::max() : next_; }
  bool trying() const { return trying_; }
  bool passes() const { return passes_; }
  /// It passes, and so did its last try: nothing has to be found out soon.
  bool is_calm() const { return passes_ && in_a_row_ == 0; }

  void begin(Instant now) {
    trying_ = true;
    next_ += period_;
    if (next_ <= now) next_ = now + period_;  // periods that were missed are not made up for
  }
  enum class Outcome { kPassed, kFailed };
  enum class Change { kNone, kFails, kPasses };
  Change ended(Outcome outcome) {
    trying_ = false;
    const bool agrees = (outcome == Outcome::kPassed) == passes_;
    if (agrees) {
      in_a_row_ = 0;
      return Change::kNone;
    }
    ++in_a_row_;
    if (in_a_row_ < (passes_ ? failure_threshold_ : success_threshold_)) return Change::kNone;
    in_a_row_ = 0;
    passes_ = !passes_;
    return passes_ ? Change::kPasses : Change::kFails;
  }

 private:
  Duration period_;
  int failure_threshold_;
  int success_threshold_;
  Instant next_;
  int in_a_row_ = 0;  // tries that contradict passes_
  bool passes_ = true;
  bool trying_ = false;
};

}  // namespace thaw::serving
