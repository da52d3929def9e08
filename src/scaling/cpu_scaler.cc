#include "scaling/cpu_scaler.h"

#include <algorithm>
#include <cmath>

namespace thaw::scaling {

int CpuScaler::step(Instant now, const CpuReading& reading) {
  used_.push_back({now, std::max(reading.used_limits, 0.0)});
  while (used_.front().at + target_.average < now) used_.pop_front();
  const int most = std::max(target_.min_instances, target_.max_instances);
  const int instances = std::clamp(wanted(reading), target_.min_instances, most);
  // The front is the most that was wanted within the window.
  while (!window_.empty() && window_.back().instances <= instances) window_.pop_back();
  window_.push_back({now, instances});
  while (window_.front().at + target_.window < now) window_.pop_front();
  return window_.front().instances;
}

int CpuScaler::wanted(const CpuReading& reading) const {
  constexpr double kTolerance = 0.1;
  constexpr double kMany = 1e6;
  double used = 0;
  for (const Used& one : used_) used += one.limits;
  used /= static_cast<double>(used_.size());
  const double full = std::min(used * 100 / std::max(target_.percent, 1), kMany);
  if (std::abs(full - reading.instances) <= kTolerance * reading.instances) {
    return reading.instances;
  }
  return static_cast<int>(std::ceil(full - 1e-9));
}

}  // namespace thaw::scaling
