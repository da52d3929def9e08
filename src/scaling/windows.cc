#include "scaling/windows.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace thaw::scaling {
namespace {

constexpr Duration kSecond = std::chrono::seconds(1);

int64_t second_of(Instant at) {
  return std::chrono::floor<std::chrono::seconds>(at.time_since_epoch()).count();
}

Instant start_of(int64_t second) { return Instant(kSecond * second); }

}  // namespace

WindowAverage::WindowAverage(Duration window) {
  CHECK(window >= kSecond && window <= std::chrono::hours(1));
  buckets_.assign(static_cast<size_t>(window / kSecond), 0.0);
}

size_t WindowAverage::index(int64_t second) const {
  const int64_t remainder = second % length();
  return static_cast<size_t>(remainder < 0 ? remainder + length() : remainder);
}

void WindowAverage::record(Instant at, double value) {
  const int64_t second = second_of(at);
  if (!first_ || second - last_ >= length()) {  // nothing yet, or nothing for a whole window
    std::fill(buckets_.begin(), buckets_.end(), 0.0);
    total_ = 0;
    first_ = last_ = second;
  } else if (second <= last_ - length()) {
    return;
  }
  for (; last_ < second; ++last_) {
    double& reused = bucket(last_ + 1);
    total_ -= reused;
    reused = 0;
  }
  first_ = std::min(*first_, second);
  bucket(second) += value;
  total_ += value;
}

std::optional<double> WindowAverage::average(Instant now) const {
  if (!first_) return std::nullopt;
  const int64_t gap = std::max<int64_t>(0, second_of(now) - last_);
  if (gap >= length()) return 0.0;
  double sum = total_;
  for (int64_t i = 1; i <= gap; ++i) sum -= buckets_[index(last_ + i)];
  const int64_t valid = std::min(last_ - *first_ + 1, length() - gap);
  return std::round(sum / static_cast<double>(valid) * 1e6) / 1e6;
}

std::optional<double> WindowAverage::weighted_average(Instant now) const {
  if (!first_) return std::nullopt;
  const int64_t gap = std::max<int64_t>(0, second_of(now) - last_);
  if (gap >= length()) return 0.0;
  constexpr double kLeastCoefficient = 0.2;
  constexpr double kLeft = 0.0001;  // of the weight, after the window
  const double coefficient =
      std::max(kLeastCoefficient, 1 - std::pow(kLeft, 1 / static_cast<double>(length())));
  double weight = coefficient * std::pow(1 - coefficient, static_cast<double>(gap));
  double sum = 0;
  for (int64_t i = 0; i < length() - gap; ++i) {
    sum += weight * buckets_[index(last_ - i)];
    weight *= 1 - coefficient;
  }
  return std::round(sum * 1e6) / 1e6;
}

ConcurrencyMeter::ConcurrencyMeter(Duration stable_window, Duration panic_window, Instant start,
                                   History history)
    : stable_(stable_window),
      panic_(panic_window),
      longest_(std::max(stable_window, panic_window)),
      since_(start),
      second_end_(start_of(second_of(start) + 1)) {
  if (history == History::kWhatExists) return;
  stable_.record(start - stable_window + kSecond, 0);
  panic_.record(start - panic_window + kSecond, 0);
}

void ConcurrencyMeter::advance(Instant now) {
  if (now - second_end_ > longest_ + kSecond) {
    // All that would be recorded until `longest_` ago has left every window.
    since_ = start_of(second_of(now - longest_));
    second_end_ = since_ + kSecond;
    area_ = 0;
  }
  while (now >= second_end_) {
    area_ += static_cast<double>((second_end_ - since_).count()) * count_;
    const double average = area_ / static_cast<double>(kSecond.count());
    stable_.record(second_end_ - kSecond, average);
    panic_.record(second_end_ - kSecond, average);
    area_ = 0;
    since_ = second_end_;
    second_end_ += kSecond;
  }
}

}  // namespace thaw::scaling
