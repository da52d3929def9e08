#include "scaling/lag_scaler.h"

#include <algorithm>

namespace thaw::scaling {

int instances_for(const LagReading& reading, const LagTarget& target) {
  constexpr int64_t kMany = int64_t{1} << 60;
  const int64_t per = std::max<int64_t>(target.entries_per_instance, 1);
  const int64_t waiting =
      std::clamp<int64_t>(reading.lag, 0, kMany) + std::clamp<int64_t>(reading.pending, 0, kMany);
  const int64_t wanted = waiting / per + (waiting % per != 0 ? 1 : 0);
  const int64_t bounded = std::clamp<int64_t>(wanted, target.min_instances,
                                              std::max(target.min_instances, target.max_instances));
  return static_cast<int>(bounded);
}

LagScaler::Decision LagScaler::step(Instant now, const std::optional<LagReading>& reading) {
  using Basis = Decision::Basis;
  if (!reading) {
    if (now - last_reading_ < target_.hold)
      return {std::max(last_, target_.min_instances), Basis::kHeld};
    window_.clear();
    last_ = target_.min_instances;
    return {last_, Basis::kMinimum};
  }
  last_reading_ = now;
  const int wanted = instances_for(*reading, target_);
  // The front is the most that was wanted within the window.
  while (!window_.empty() && window_.back().instances <= wanted) window_.pop_back();
  window_.push_back({now, wanted});
  while (window_.front().at + target_.window < now) window_.pop_front();
  last_ = window_.front().instances;
  return {last_, Basis::kReading};
}

}  // namespace thaw::scaling
