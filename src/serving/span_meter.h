// SpanMeter: the stretches of time in which one instance is billed (contract 1.3, 5.1).
//
// Billed while at least one reason holds: it starts, a request is in flight, it stops; or, with
// instance-based CPU, that it lives. Overlapping reasons count once.
//
// **Thread**: the loop's. **Owner**: a value. **Limits**: a stretch under way is handed out in
// pieces of kLongest (a multiple of the 100 ms that bills are rounded to), so that no bill is late.
#pragma once

#include <optional>
#include <utility>

#include "base/check.h"
#include "base/time.h"

namespace thaw::serving {

class SpanMeter {
 public:
  static constexpr Duration kLongest = std::chrono::seconds(10);
  struct Span {
    Instant from;
    Instant to;
  };

  void enter(Instant now) {
    if (reasons_++ == 0) from_ = now;
  }
  /// The stretch that ended with this reason, unless another still holds or it was empty.
  std::optional<Span> leave(Instant now) {
    CHECK(reasons_ > 0);
    if (--reasons_ > 0 || from_ == now) return std::nullopt;
    return Span{from_, now};
  }
  /// All reasons end: the instance is gone.
  std::optional<Span> end(Instant now) {
    if (reasons_ == 0) return std::nullopt;
    reasons_ = 1;
    return leave(now);
  }
  /// The stretch under way so far; it goes on as another one.
  std::optional<Span> split(Instant now) {
    if (reasons_ == 0 || from_ == now) return std::nullopt;
    return Span{std::exchange(from_, now), now};
  }
  /// The whole pieces of a stretch under way.
  std::optional<Span> cut(Instant now) {
    if (reasons_ == 0 || now - from_ < kLongest) return std::nullopt;
    const Span span{from_, from_ + (now - from_) / kLongest * kLongest};
    from_ = span.to;
    return span;
  }
  /// When the stretch under way is due to be cut.
  std::optional<Instant> next_cut() const {
    if (reasons_ == 0) return std::nullopt;
    return from_ + kLongest;
  }

 private:
  int reasons_ = 0;
  Instant from_;
};

}  // namespace thaw::serving
