// Random: the one source of chance of a simulated world; the same seed, the same world.
//
// **Thread**: any, one at a time. **Owner**: a value. **Limits**: none.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "io/entropy.h"

namespace thaw::sim {

class Random final : public io::Entropy {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  /// splitmix64 (Steele, Lea, Flood 2014).
  uint64_t next() override {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// 0 .. count - 1.
  int below(int count) { return static_cast<int>(next() % static_cast<uint64_t>(count)); }
  bool chance(double probability) {
    return static_cast<double>(next() >> 11) * 0x1p-53 < probability;
  }
  Duration between(Duration from, Duration to) {
    const auto width = static_cast<uint64_t>((to - from).count() + 1);
    return from + Duration(static_cast<Duration::rep>(next() % width));
  }
  template <class T, size_t N>
  T one_of(const T (&choices)[N]) {
    return choices[next() % N];
  }

 private:
  uint64_t state_;
};

}  // namespace thaw::sim
