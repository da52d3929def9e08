// KeepWarm: how many instances are worth having ready although no request needs them now.
//
// Works by levels: level k is in use while the load needs at least k instances. Each level has the
// history of its own gaps, so that the first instance of a service that is called every minute
// is held, and the twentieth, which only the noon's burst needs, is not, or is started before noon.
// A level's plan is made when its gap begins; a missing instance costs what a start takes, times
// `hold_per_wait`: what starts in 10 ms is hardly worth holding, what imports for a minute is.
// However many requests wait for the same start, they wait once.
//
// Policy only: serving/ starts and stops, within minimum and maximum.
// **Thread**: any, one at a time. **Owner**: a value. **Limits**: kLevels levels; instances beyond
// are not held.
#pragma once

#include <optional>
#include <vector>

#include "base/time.h"
#include "scaling/gap_history.h"

namespace thaw::scaling {

struct KeepWarmOptions {
  /// How many seconds an instance may be held idle to save one second of waiting. With 750 a start
  /// of 2 s is worth 25 minutes: as many calls wait for a start as with Cloud Run's 15 minutes for
  /// all, and instances are held for less time in sum (docs/decisions/0095).
  double hold_per_wait = 750;
  /// Likewise where idle instances rest in swap. With 100 fewer calls wait for a start than with
  /// Cloud Run's rule, and less memory is held than with Knative's.
  double hold_per_wait_resting = 100;
  Duration longest_hold = std::chrono::hours(1);
};

class KeepWarm {
 public:
  static constexpr int kLevels = 64;

  explicit KeepWarm(const KeepWarmOptions& options) : options_(options) {}

  /// The load needs `needed` instances from `now` on. `now` never goes back.
  void change(Instant now, int needed);
  /// One is there that no request asked for (the first of a deploy): its gap begins now, unless it
  /// was wanted.
  void came(Instant now);
  /// One has started: what starts take on average. Used by the plans made from now on, the first
  /// time by those that run too.
  void started(Duration start_time);

  /// What one costs while it is held and idle. Used by the plans made from now on.
  void rests(const Resting& resting) { resting_ = resting; }

  /// When the first of those that are idle is expected to be needed, from `now` on. Nothing: nobody
  /// knows.
  std::optional<Duration> expected_gap(Instant now) const;

  /// Instances that should be there at `now`, those in use included.
  int wanted(Instant now) const;
  /// When wanted() next changes by time alone; Instant::max(): never.
  Instant next_change(Instant now) const;

 private:
  struct Level {
    GapHistory gaps;
    Instant idle_since;
    HoldPlan plan;
  };
  void begin_gap(Level& level, Instant now);
  HoldPlan plan_for(const Level& level) const;

  KeepWarmOptions options_;
  Resting resting_;
  Duration start_time_{0};
  int needed_ = 0;
  std::vector<Level> levels_;  // of 1, 2, ...; those above needed_ are in a gap
};

}  // namespace thaw::scaling
