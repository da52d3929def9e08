#include <algorithm>

#include "base/check.h"
#include "predict/features.h"
#include "predict/forecaster.h"
#include "predict/uncertainty.h"

namespace thaw::predict {

Forecast predict(const Model& model, const std::vector<Timestamp>& dates,
                 const IntervalOptions& intervals) {
  CHECK(std::is_sorted(dates.begin(), dates.end()), "dates must be sorted");
  Forecast forecast;
  forecast.ds = dates;
  forecast.components.push_back({"additive_terms", std::vector<double>(dates.size(), 0)});
  for (const Seasonality& it : model.seasonalities) forecast.components.push_back({it.name, {}});
  std::vector<double> features(feature_count(model.seasonalities));
  std::vector<double> times;
  for (size_t row = 0; row < dates.size(); ++row) {
    times.push_back(seconds_between(model.start, dates[row]) / model.t_scale_s);
    const double trend = trend_at(model, times.back()) * model.y_scale + model.floor;
    double sum = 0;
    const double* beta = model.beta.data();
    for (size_t c = 0; c < model.seasonalities.size(); ++c) {
      const Seasonality& seasonality = model.seasonalities[c];
      fourier_features(dates[row], seasonality, features.data());
      double effect = 0;
      for (int j = 0; j < 2 * seasonality.order; ++j) {
        effect += *beta++ * features[static_cast<size_t>(j)];
      }
      forecast.components[c + 1].values.push_back(effect * model.y_scale);
      sum += effect * model.y_scale;
    }
    forecast.components[0].values[row] = sum;
    forecast.trend.push_back(trend);
    forecast.yhat.push_back(trend + sum);
    if (dates[row] <= model.history_dates.back()) forecast.history_rows = row + 1;
  }
  if (intervals.samples > 0) simulate_bounds(model, times, intervals, forecast);
  return forecast;
}

}  // namespace thaw::predict
