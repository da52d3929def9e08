#include "domains/renewal.h"

#include <algorithm>

namespace thaw::domains {
namespace {

constexpr Duration kFirstPause = std::chrono::minutes(3);
constexpr Duration kLongestPause = std::chrono::hours(12);
constexpr Duration kLongestAsked = std::chrono::hours(24 * 8);  // Retry-After of a rate limit

/// A share of `length`, from 0 up to it.
Duration share_of(Duration length, uint64_t random) {
  const double share = static_cast<double>(random >> 11) / static_cast<double>(1ULL << 53);
  return Duration(static_cast<Duration::rep>(static_cast<double>(length.count()) * share));
}

}  // namespace

void Renewal::on_certificate(Validity validity, uint64_t random) {
  validity_ = validity;
  const Duration life = validity.until - validity.from;
  renew_at_ = validity.from + life / 3 * 2 + share_of(life / 100, random);
  failures_ = 0;
  not_before_ = WallTime();
}

void Renewal::on_failure(WallTime now, std::optional<Duration> retry_after, uint64_t random) {
  Duration pause = kFirstPause * (1LL << std::min(failures_, 20));
  pause = std::min(pause, kLongestPause);
  pause = pause * 3 / 4 + share_of(pause / 2, random);
  if (retry_after) pause = std::max(pause, std::min(*retry_after, kLongestAsked));
  ++failures_;
  not_before_ = now + pause;
}

WallTime Renewal::due() const { return std::max(renew_at_, not_before_); }

}  // namespace thaw::domains
