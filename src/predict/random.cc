#include "predict/random.h"

#include <bit>
#include <cmath>
#include <numbers>

namespace thaw::predict {

Random::Random(uint64_t seed) {
  for (uint64_t& word : state_) {
    seed += 0x9e3779b97f4a7c15;
    uint64_t mixed = seed;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    word = mixed ^ (mixed >> 31);
  }
}

uint64_t Random::bits() {
  const uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
  const uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

double Random::uniform() { return (static_cast<double>(bits() >> 12) + 0.5) * 0x1p-52; }

double Random::normal() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  double u = 0, v = 0, square = 0;
  do {
    u = 2 * uniform() - 1;
    v = 2 * uniform() - 1;
    square = u * u + v * v;
  } while (square >= 1 || square == 0);
  const double factor = std::sqrt(-2 * std::log(square) / square);
  spare_ = v * factor;
  has_spare_ = true;
  return u * factor;
}

double Random::exponential() { return -std::log(uniform()); }

double Random::laplace() {
  const double size = exponential();
  return bits() >> 63 ? size : -size;
}

double normal_quantile(double probability) {
  constexpr double kTail = 0.02425;
  const double p = probability, q = std::min(p, 1 - p);
  double z = 0;
  if (q < kTail) {
    const double r = std::sqrt(-2 * std::log(q));
    z = (((((-7.784894002430293e-03 * r - 3.223964580411365e-01) * r - 2.400758277161838) * r -
           2.549732539343734) *
              r +
          4.374664141464968) *
             r +
         2.938163982698783) /
        ((((7.784695709041462e-03 * r + 3.224671290700398e-01) * r + 2.445134137142996) * r +
          3.754408661907416) *
             r +
         1);
  } else {
    const double d = q - 0.5, r = d * d;
    z = (((((-3.969683028665376e+01 * r + 2.209460984245205e+02) * r - 2.759285104469687e+02) * r +
           1.383577518672690e+02) *
              r -
          3.066479806614716e+01) *
             r +
         2.506628277459239) *
        d /
        (((((-5.447609879822406e+01 * r + 1.615858368580409e+02) * r - 1.556989798598866e+02) * r +
           6.680131188771972e+01) *
              r -
          1.328068155288572e+01) *
             r +
         1);
  }
  const double fault = 0.5 * std::erfc(-z / std::numbers::sqrt2) - q;
  const double step = fault * std::sqrt(2 * std::numbers::pi) * std::exp(z * z / 2);
  z -= step / (1 + z * step / 2);
  return p < 0.5 ? z : -z;
}

}  // namespace thaw::predict
