// Renewal: when a domain's certificate is asked for, and when again. Pure.
//
// At once when there is none; at two thirds of its life, plus up to a hundredth of it, so that not
// all come at once. After a failure later and later, as the server asks or by itself: 3 min, 6 min,
// ... 12 h, a quarter more or less. So five attempts fail in an hour at most, which is what Let's
// Encrypt allows a name.
// Thread: any. Owner: value. Limits: as said.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace thaw::domains {

struct Validity {
  WallTime from{};
  WallTime until{};
};

class Renewal {
 public:
  /// `random` is uniform; what it decides stays until the next event.
  void on_certificate(Validity validity, uint64_t random);
  void on_failure(WallTime now, std::optional<Duration> retry_after, uint64_t random);
  /// Failures count no more: the next attempt is made at once.
  void on_asked() {
    failures_ = 0;
    not_before_ = WallTime();
  }
  /// As it was before a restart.
  void restore(int failures, WallTime not_before) {
    failures_ = failures;
    not_before_ = not_before;
  }

  /// When the next attempt is due; in the past: now.
  WallTime due() const;
  bool has_certificate() const { return validity_.has_value(); }
  bool is_valid(WallTime now) const { return validity_ && now < validity_->until; }
  /// In a row.
  int failures() const { return failures_; }

 private:
  std::optional<Validity> validity_;
  WallTime renew_at_{};
  WallTime not_before_{};
  int failures_ = 0;
};

}  // namespace thaw::domains
