#include "scaling/keep_warm.h"

#include <algorithm>

namespace thaw::scaling {

void KeepWarm::change(Instant now, int needed) {
  needed = std::clamp(needed, 0, kLevels);
  if (needed == needed_) return;
  const auto known = static_cast<int>(levels_.size());
  for (int level = needed_; level < std::min(needed, known); ++level) {
    levels_[static_cast<size_t>(level)].gaps.add(now -
                                                 levels_[static_cast<size_t>(level)].idle_since);
  }
  if (needed > known) levels_.resize(static_cast<size_t>(needed));
  for (int level = needed; level < needed_; ++level) {
    begin_gap(levels_[static_cast<size_t>(level)], now);
  }
  needed_ = needed;
}

void KeepWarm::came(Instant now) {
  if (wanted(now) > 0) return;
  if (levels_.empty()) levels_.resize(1);
  begin_gap(levels_[0], now);
}

void KeepWarm::started(Duration start_time) {
  const bool first = start_time_ == Duration(0);
  start_time_ = start_time;
  if (!first) return;
  for (size_t i = static_cast<size_t>(needed_); i < levels_.size(); ++i) {
    levels_[i].plan = plan_for(levels_[i]);
  }
}

void KeepWarm::begin_gap(Level& level, Instant now) {
  // Within one short pause after another the plan stays as it is.
  const bool same = level.plan.hold > Duration(0) && now - level.idle_since < GapHistory::kShortest;
  level.idle_since = now;
  if (!same) level.plan = plan_for(level);
}

HoldPlan KeepWarm::plan_for(const Level& level) const {
  const bool rests = resting_.after != Duration::max();
  return level.gaps.plan({
      .hold_per_wait = rests ? options_.hold_per_wait_resting : options_.hold_per_wait,
      .start_time = start_time_,
      .longest = options_.longest_hold,
      .resting = resting_,
  });
}

std::optional<Duration> KeepWarm::expected_gap(Instant now) const {
  if (needed_ >= static_cast<int>(levels_.size())) return std::nullopt;
  const Level& next = levels_[static_cast<size_t>(needed_)];
  return next.gaps.rest_of(now - next.idle_since);
}

int KeepWarm::wanted(Instant now) const {
  for (auto level = static_cast<int>(levels_.size()); level > needed_; --level) {
    const Level& it = levels_[static_cast<size_t>(level - 1)];
    if (it.plan.holds(now - it.idle_since)) return level;
  }
  return needed_;
}

Instant KeepWarm::next_change(Instant now) const {
  Instant next = Instant::max();
  for (size_t level = static_cast<size_t>(needed_); level < levels_.size(); ++level) {
    const Level& it = levels_[level];
    for (const Duration edge : {it.plan.hold, it.plan.warm_from, it.plan.warm_until}) {
      if (edge > Duration(0) && it.idle_since + edge > now)
        next = std::min(next, it.idle_since + edge);
    }
  }
  return next;
}

}  // namespace thaw::scaling
