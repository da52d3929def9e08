// GapHistory: how long a thing stays unused between two uses, learned from its own past.
//
// Keeps the last gaps. Their density is taken to reach from each gap to its neighbours on either
// side, so that what comes by the clock is sharp and what comes by chance is broad; what is not
// known yet is a gap of any order between 1 s and 24 h, with the weight of two gaps. So a plan is
// defined from the first use on, and a few gaps are enough to change it.
//
// Idea: M. Shahrad and others, "Serverless in the Wild", USENIX ATC 2020 (from each application's
// own idle times, when to release it and when to start it ahead). Instead of that paper's fixed
// percentiles plan() weighs the time held against the waits saved.
//
// **Thread**: any, one at a time. **Owner**: a value. **Limits**: the last 48 gaps; those under 1 s
// are no gaps; longer ones than 24 h count as 24 h.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace thaw::scaling {

/// Which stretches of a gap an instance is held through, counted from the gap's beginning.
struct HoldPlan {
  Duration hold{0};        // from 0 to here
  Duration warm_from{-1};  // and from here, negative: never again
  Duration warm_until{-1};

  bool holds(Duration gone) const {
    return gone < hold || (warm_from >= Duration(0) && gone >= warm_from && gone < warm_until);
  }
};

/// What an idle instance gives back while it is held: after some time its memory goes to swap.
struct Resting {
  Duration after = Duration::max();  // held so long; max: never
  double share = 1;                  // of its memory that it holds from then on
  Duration wake{0};                  // what a request waits for it then
};

struct HoldPrice {
  double hold_per_wait = 0;  // seconds that one instance may be held, to save one second of waiting
  Duration start_time{0};    // what they wait, and how much sooner one is started than expected
  Duration longest = std::chrono::hours(1);  // of either stretch
  Resting resting;
};

class GapHistory {
 public:
  static constexpr Duration kShortest = std::chrono::seconds(1);
  static constexpr Duration kLongest = std::chrono::hours(24);

  /// Ignores what is shorter than kShortest.
  void add(Duration gap);

  /// The best plan: holds through [0, hold) and perhaps one later stretch, such that the waits
  /// saved, by their worth, exceed the time held by the most. A second in which the instance rests
  /// counts as the share of its memory that it holds.
  HoldPlan plan(const HoldPrice& price) const;
  /// How much longer a gap lasts, on average, that has lasted for `gone`: of the known ones that
  /// were longer. Nothing: none was.
  std::optional<Duration> rest_of(Duration gone) const;

 private:
  std::array<float, 48> last_;  // seconds; a ring
  uint32_t seen_ = 0;
};

}  // namespace thaw::scaling
