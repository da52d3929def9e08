// Intervals around a forecast, by simulating how the trend could go on.
//
// Prophet's rule: after the history the slope changes at random times, as often as the model had
// changepoints and by Laplace-distributed amounts of the size seen; every row has normal noise.
// Thread: any. Owner: values.
#pragma once

#include <vector>

#include "predict/forecaster.h"

namespace thaw::predict {

/// What a forecast's rows are made of, one value per row, in scaled units but for the floor.
struct PathRows {
  std::vector<double> t;       // sorted
  std::vector<double> line;    // trend_line (features.h)
  std::vector<double> cap;     // logistic growth only
  std::vector<double> floor;   // in the units of y
  std::vector<double> factor;  // 1 + the multiplicative terms
};

/// Fills the four bounds of `forecast`, whose ds, yhat and trend are set and sorted, from
/// intervals.samples simulated paths; equal seeds give equal bounds. In the history the trend is
/// certain and the bounds of yhat are those of the noise alone, taken exactly. Quantiles are of
/// R's type 7. Time grows with rows after the history times samples; where more than
/// kMaxChangesPerRow changes of slope are expected between two rows, fewer and larger ones of
/// the same variance are drawn.
void simulate_bounds(const Model& model, const PathRows& rows, const IntervalOptions& intervals,
                     Forecast& forecast);

inline constexpr double kMaxChangesPerRow = 16;

}  // namespace thaw::predict
