// How values and their limits become the model's scaled units. Thread: any. Owner: values.
#pragma once

#include <vector>

#include "predict/forecaster.h"

namespace thaw::predict {

/// What values are divided by lies between these, so that forecasts stay finite.
inline constexpr double kSmallestScale = 1e-200, kLargestScale = 1e200;

struct ScaledRows {
  std::vector<double> y;    // (y - floor) / y_scale
  std::vector<double> cap;  // (cap - floor) / y_scale; logistic growth only, else empty
};

/// The limits of logistic growth, row by row, in the units of y: from the columns `cap` and
/// `floor`, else from the options, else, for rows after a history, from its last row.
struct Limits {
  std::vector<double> cap;    // empty unless growth is logistic
  std::vector<double> floor;  // the model's one floor in every row unless the rows have their own
};

/// Sets y_scale, floor, has_floor_column, last_cap and last_floor of the model from its history.
/// kInvalidArgument: logistic growth without a cap, a cap not over the floor, values that cannot
/// be scaled.
Result<ScaledRows> choose_scale(Model& model, const Series& rows);

/// The limits of rows to be forecast. kInvalidArgument as above.
Result<Limits> limits_of(const Model& model, const Series& rows);

}  // namespace thaw::predict
