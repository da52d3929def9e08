#include "scaling/cpu_meter.h"

#include <algorithm>

namespace thaw::scaling {
namespace {

constexpr Duration kSecond = std::chrono::seconds(1);

}  // namespace

CpuMeter::CpuMeter(Duration window, Instant start)
    : length_(window), window_(window), last_(start) {
  window_.record(start - window + kSecond, 0);
}

void CpuMeter::add(Instant from, Instant to, double limits_used) {
  from = std::max(from, to - length_ + kSecond);
  // After a silence of a whole window its seconds count again, as 0.
  if (from - last_ >= length_) window_.record(from - length_ + kSecond, 0);
  last_ = std::max(last_, to);
  const double used = std::max(limits_used, 0.0);
  for (Instant at = from; at < to;) {
    const Instant second(std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()));
    const Instant end = std::min(second + kSecond, to);
    window_.record(at, used * to_seconds(end - at));
    at = end;
  }
}

}  // namespace thaw::scaling
