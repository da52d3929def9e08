#include "predict/uncertainty.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"
#include "predict/features.h"
#include "predict/random.h"

namespace thaw::predict {
namespace {

/// One simulated future: what the trend has gone astray by, and when its slope changes next.
struct Path {
  double shift = 0;
  double slope = 0;
  double at = 1;
  double next_change = std::numeric_limits<double>::infinity();
};

/// A Poisson process of slope changes after t = 1.
class TrendNoise {
 public:
  TrendNoise(const Model& model, double last_t, size_t rows) {
    if (model.options.growth == Growth::kFlat || model.delta.empty()) return;
    double sum = 0;
    for (double delta : model.delta) sum += std::abs(delta);
    const auto count = static_cast<double>(model.delta.size());
    constexpr double kSmallestChange = 1e-8;
    size_ = sum / count + kSmallestChange;
    const double most = kMaxChangesPerRow * static_cast<double>(rows) / (last_t - 1);
    rate_ = std::min(count, most);
    size_ *= std::sqrt(count / rate_);
  }
  void start(Path& path, Random& random) const {
    if (rate_ > 0) path.next_change = 1 + random.exponential() / rate_;
  }
  void advance(Path& path, double t, Random& random) const {
    while (path.next_change <= t) {
      path.shift += path.slope * (path.next_change - path.at);
      path.at = path.next_change;
      path.slope += size_ * random.laplace();
      path.next_change += random.exponential() / rate_;
    }
    path.shift += path.slope * (t - path.at);
    path.at = t;
  }

 private:
  double rate_ = 0;  // changes per unit of t
  double size_ = 0;  // mean absolute change
};

struct Bounds {
  double lower, upper;
};

/// The quantile `p` of values[from..], all of whose elements are at least those before `from`.
double quantile(std::vector<double>& values, size_t from, double p) {
  const double place = static_cast<double>(values.size() - 1) * p;
  const auto below = static_cast<size_t>(place);
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(below);
  std::nth_element(values.begin() + static_cast<std::ptrdiff_t>(from), at, values.end());
  if (below + 1 >= values.size()) return *at;
  const double above = *std::min_element(at + 1, values.end());
  return *at + (place - static_cast<double>(below)) * (above - *at);
}

Bounds bounds_of(std::vector<double>& values, double width) {
  const double tail = (1 - width) / 2;
  const double lower = quantile(values, 0, tail);
  const auto sorted = static_cast<size_t>(static_cast<double>(values.size() - 1) * tail);
  return {lower, quantile(values, sorted, 1 - tail)};
}

}  // namespace

void simulate_bounds(const Model& model, const PathRows& in, const IntervalOptions& intervals,
                     Forecast& forecast) {
  const std::vector<double>& t = in.t;
  const size_t rows = t.size();
  CHECK(forecast.yhat.size() == rows && forecast.trend.size() == rows && intervals.samples > 0);
  const double noise = model.sigma * model.y_scale;
  const double reach = -normal_quantile((1 - intervals.width) / 2) * noise;
  size_t first_future = 0;
  while (first_future < rows && t[first_future] <= 1) {
    const double yhat = forecast.yhat[first_future], trend = forecast.trend[first_future];
    forecast.yhat_lower.push_back(yhat - reach);
    forecast.yhat_upper.push_back(yhat + reach);
    forecast.trend_lower.push_back(trend);
    forecast.trend_upper.push_back(trend);
    ++first_future;
  }
  if (first_future == rows) return;
  const bool logistic = model.options.growth == Growth::kLogistic;
  Random random(intervals.seed);
  const TrendNoise changes(model, t.back(), rows - first_future);
  std::vector<Path> paths(static_cast<size_t>(intervals.samples));
  for (Path& path : paths) changes.start(path, random);
  std::vector<double> trends(paths.size()), values(paths.size());
  for (size_t i = first_future; i < rows; ++i) {
    const double certain = forecast.trend[i], rest = forecast.yhat[i] - certain * in.factor[i];
    for (size_t s = 0; s < paths.size(); ++s) {
      changes.advance(paths[s], t[i], random);
      trends[s] = logistic
                      ? trend_value(Growth::kLogistic, in.line[i] + paths[s].shift, in.cap[i]) *
                                model.y_scale +
                            in.floor[i]
                      : certain + paths[s].shift * model.y_scale;
      values[s] = trends[s] * in.factor[i] + rest + noise * random.normal();
    }
    const Bounds of_trend = bounds_of(trends, intervals.width);
    const Bounds of_value = bounds_of(values, intervals.width);
    forecast.trend_lower.push_back(of_trend.lower);
    forecast.trend_upper.push_back(of_trend.upper);
    forecast.yhat_lower.push_back(of_value.lower);
    forecast.yhat_upper.push_back(of_value.upper);
  }
}

}  // namespace thaw::predict
