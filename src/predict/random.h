// Random: numbers from a seed, the same on every machine, for simulated uncertainty.
//
// xoshiro256++ (Blackman and Vigna, 2019) seeded through splitmix64. Not for secrets.
// Thread: one at a time. Owner: values.
#pragma once

#include <array>
#include <cstdint>

namespace thaw::predict {

class Random {
 public:
  explicit Random(uint64_t seed);

  uint64_t bits();
  /// Uniform on (0, 1), never an end.
  double uniform();
  /// Mean 0, standard deviation 1 (Marsaglia's polar method).
  double normal();
  /// Mean 1.
  double exponential();
  /// Mean 0, mean absolute value 1.
  double laplace();

 private:
  std::array<uint64_t, 4> state_;
  double spare_ = 0;
  bool has_spare_ = false;
};

/// The z with P(Z <= z) = `probability` for a standard normal Z, to rounding (Acklam's
/// approximation and one step of Halley). Precondition: 0 < probability < 1.
double normal_quantile(double probability);

}  // namespace thaw::predict
