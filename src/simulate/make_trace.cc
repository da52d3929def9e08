#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <random>

#include "simulate/trace.h"

namespace thaw::simulate {
namespace {

constexpr int kBurst = 20;
constexpr double kBurstSpread = 5;  // seconds, mean distance of a burst's calls from its beginning
constexpr double kDay = 86400;

/// Draws by inversion, so that a seed gives the same trace with every standard library.
class Draw {
 public:
  explicit Draw(uint64_t seed) : engine_(seed) {}
  double uniform() { return static_cast<double>(engine_() >> 11) * 0x1.0p-53; }
  double exponential(double mean) { return -mean * std::log1p(-uniform()); }

 private:
  std::mt19937_64 engine_;
};

/// From a tenth at midnight to 1 at noon.
double day_curve(double at) {
  const double hour = std::cos(2 * std::numbers::pi * (at / kDay - 0.5));
  return 0.55 + 0.45 * hour;
}

std::vector<double> times(const PatternOptions& options, double gap, Draw& draw) {
  std::vector<double> at;
  const double phase = draw.uniform();
  switch (options.pattern) {
    case Pattern::kSteady:
      for (double t = draw.exponential(gap); t < options.span; t += draw.exponential(gap)) {
        at.push_back(t);
      }
      break;
    case Pattern::kDiurnal: {
      const double densest = gap * 0.55;  // so that the day's mean gap is `gap`
      for (double t = draw.exponential(densest); t < options.span; t += draw.exponential(densest)) {
        if (draw.uniform() < day_curve(t)) at.push_back(t);
      }
      break;
    }
    case Pattern::kBursty:
      for (double t = draw.exponential(gap * kBurst); t < options.span;
           t += draw.exponential(gap * kBurst)) {
        for (int i = 0; i < kBurst; ++i) at.push_back(t + draw.exponential(kBurstSpread));
      }
      break;
    case Pattern::kSpiky:
      for (double t = gap * phase; t < options.span; t += gap) {
        at.push_back(t + gap * 0.01 * draw.uniform());
      }
      break;
  }
  std::sort(at.begin(), at.end());
  while (!at.empty() && at.back() >= options.span) at.pop_back();
  return at;
}

}  // namespace

ServiceTrace make_trace(const PatternOptions& options, uint32_t index) {
  Draw draw(options.seed * 1'000'003 + index);
  const double gap =
      options.shortest_gap * std::pow(options.longest_gap / options.shortest_gap, draw.uniform());
  ServiceTrace made;
  made.service = fmt::format("service-{:05}", index);
  for (const double at : times(options, gap, draw)) {
    made.calls.push_back({at, static_cast<float>(draw.exponential(options.takes))});
  }
  return made;
}

}  // namespace thaw::simulate
