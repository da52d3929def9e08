// Windows of one-second buckets: how many requests were in flight, on average.
//
// WindowAverage is the ring of buckets with the averages of contract 2.1 ("Windows");
// ConcurrencyMeter fills two of them from every change of a count, weighted by time; RateMeter from
// each request. All are values without a clock: callers pass the time, which must not go back.
//
// **Thread**: any, one at a time. **Owner**: values. **Limits**: a window of 1 s .. 1 h.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"

namespace thaw::scaling {

class WindowAverage {
 public:
  /// `window` in whole seconds, at least one.
  explicit WindowAverage(Duration window);

  /// Adds to the bucket of `at`; what is a window or more older than the last record is ignored.
  void record(Instant at, double value);
  /// Sum over the valid buckets, rounded to 6 decimals. Valid are those from the first record to
  /// the last within the window; ones without a record between them count 0. 0 when nothing was
  /// recorded for a whole window; nullopt before the first record.
  std::optional<double> average(Instant now) const;
  /// The same, but the newest second counts most and each older one less, by the coefficient
  /// max(0.2, 1 - 0.0001^(1/seconds)) (contract 2.1, the weighted-exponential algorithm).
  std::optional<double> weighted_average(Instant now) const;

 private:
  double& bucket(int64_t second) { return buckets_[index(second)]; }
  size_t index(int64_t second) const;
  int64_t length() const { return static_cast<int64_t>(buckets_.size()); }

  std::vector<double> buckets_;
  double total_ = 0;
  std::optional<int64_t> first_;  // second of the oldest record since the last reset
  int64_t last_ = 0;
};

/// How the seconds of a window become one number.
enum class Aggregation { kLinear, kWeightedExponential };

inline std::optional<double> average_of(const WindowAverage& window, Aggregation aggregation,
                                        Instant now) {
  return aggregation == Aggregation::kLinear ? window.average(now) : window.weighted_average(now);
}

/// What an average is taken over while there is less history than the window is long.
enum class History {
  kWhatExists,   // Knative
  kWholeWindow,  // the time before counts as 0: one long request is no load of a minute
};

/// Integrates a count over time and records each whole second's average into both windows.
class ConcurrencyMeter {
 public:
  ConcurrencyMeter(Duration stable_window, Duration panic_window, Instant start,
                   History history = History::kWhatExists);

  /// The count is `count` from `now` on. Cheap within one second.
  void change(Instant now, int count) {
    if (now >= second_end_) advance(now);
    area_ += static_cast<double>((now - since_).count()) * count_;
    since_ = now;
    count_ = count;
  }
  /// Records the seconds that are over at `now`; averages are of whole seconds.
  void settle(Instant now) { change(now, count_); }

  const WindowAverage& stable() const { return stable_; }
  const WindowAverage& panic() const { return panic_; }

 private:
  void advance(Instant now);

  WindowAverage stable_;
  WindowAverage panic_;
  Duration longest_;
  int count_ = 0;
  double area_ = 0;  // count x nanoseconds within the current second
  Instant since_;
  Instant second_end_;
};

/// Counts what came in each second; averages are a second's.
class RateMeter {
 public:
  RateMeter(Duration stable_window, Duration panic_window)
      : stable_(stable_window), panic_(panic_window) {}

  void add(Instant now) { record(now, 1); }
  /// Seconds without anything count too.
  void settle(Instant now) { record(now, 0); }

  const WindowAverage& stable() const { return stable_; }
  const WindowAverage& panic() const { return panic_; }

 private:
  void record(Instant now, double count) {
    stable_.record(now, count);
    panic_.record(now, count);
  }

  WindowAverage stable_;
  WindowAverage panic_;
};

}  // namespace thaw::scaling
