// The forecasts of many series, and their one table.
//
// Thread: any; forecast_panel calls `run` once, from the caller's thread. Owner: values.
// Limits: kMaxForecastCells numbers in all forecasts together, and the draws and fits that the
// caller allows; more is an error.
#pragma once

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "base/result.h"
#include "predict/request.h"

namespace thaw::predict {

struct PanelForecast {
  std::string id;
  std::string error;      // then the rest is empty
  ForecastAnswer answer;  // its model: what forecasts tell of it, without history and holidays
};

/// Of all series of a request together.
struct PanelLimits {
  /// Rows to be forecast times uncertainty_samples, of all intervals.
  size_t most_draws = std::numeric_limits<size_t>::max();
  double most_fit_work = std::numeric_limits<double>::infinity();  // work.h
  /// Asked at each step of a fit.
  IsWanted is_wanted = nullptr;
};

/// Calls its task with 0..count-1, on as many threads as it likes, and returns when all are done;
/// or earlier where nobody wants the result any more, which must not be looked at then.
using RunTasks = std::function<void(size_t count, const std::function<void(size_t)>& task)>;
/// One after the other on the caller's thread.
void run_in_order(size_t count, const std::function<void(size_t)>& task);

/// One forecast for each member of request.panel, in its order. Future rows go to the series of
/// their id, or to every series if they have none. kInvalidArgument: an option out of range;
/// kOutOfRange: too much together, which would do in several requests.
Result<std::vector<PanelForecast>> forecast_panel(const ForecastRequest& request,
                                                  const RunTasks& run,
                                                  const PanelLimits& limits = {});

/// How many have an error.
size_t count_failed(const std::vector<PanelForecast>& forecasts);

/// As forecast_csv, forecast_json and forecast_table (render.h), with unique_id before ds. A column
/// that only some series have is empty (in JSON: absent) for the others. Of kJsonObject the series
/// with an error are {"failed": [{"unique_id", "error"}]}; the other forms leave them out.
std::string panel_csv(const std::vector<PanelForecast>& forecasts);
std::string panel_json(const std::vector<PanelForecast>& forecasts, BodyForm form);
std::string panel_table(const std::vector<PanelForecast>& forecasts);

}  // namespace thaw::predict
