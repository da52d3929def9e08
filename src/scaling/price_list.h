// PriceList: what each rung of the ladder costs a revision: how long a request that wakes from it
// waits for its first byte, and how much memory an instance holds there.
//
// Prices are compared, so all are measured alike: from the request's arrival to the first byte of
// its answer; what a rung adds is its price less that of hot. The times are kept as counts in
// buckets that grow by a factor of 1.25, so that a quantile is right within 12 %.
//
// **Thread**: any. **Owner**: values. **Limits**: 80 buckets, 20 us to 15 min, what is beyond goes
// to the outer ones; when a rung has kMostCounted times all its counts are halved, so that old ones
// fade.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"

namespace thaw::scaling {

/// From the cheapest to keep to the quickest to answer.
enum class Rung { kCold, kTemplated, kHibernated, kFrozen, kHot };
inline constexpr std::array kRungs = {Rung::kCold, Rung::kTemplated, Rung::kHibernated,
                                      Rung::kFrozen, Rung::kHot};
/// "cold", "templated" and so on.
std::string_view name_of(Rung rung);

class WakeTimes {
 public:
  static constexpr size_t kBuckets = 80;
  static constexpr uint32_t kMostCounted = 1000;

  void add(Duration time);
  uint32_t count() const { return count_; }
  /// `share` in (0, 1]: 0.5 is the median. Zero when there is none.
  Duration quantile(double share) const;

 private:
  friend class PriceList;
  std::array<uint32_t, kBuckets> counts_{};
  uint32_t count_ = 0;
};

class PriceList {
 public:
  void add_wake(Rung rung, Duration time);
  void set_memory(Rung rung, ByteCount memory);

  struct Price {
    WakeTimes wakes;
    uint64_t wakes_ever = 0;
    std::optional<ByteCount> memory;  // the last one seen
  };
  const Price& of(Rung rung) const { return prices_[static_cast<size_t>(rung)]; }
  bool empty() const;

  /// One line: "v1 frozen 12 1048576 3:4,5:8 ..."; see docs/formats/state-database.md.
  std::string encode() const;
  /// Nothing when the text is malformed or of another version.
  static std::optional<PriceList> decode(std::string_view text);

 private:
  std::array<Price, kRungs.size()> prices_;
};

}  // namespace thaw::scaling
