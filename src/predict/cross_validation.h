// Cross-validation: how good forecasts from earlier days would have been, as Prophet's diagnostics
// do it.
//
// Cutoffs lie `period` apart, the last one `horizon` before the end of the history, the first at
// least `initial` after its begin. At each the model is fitted to what lay before, and forecasts
// what came within the horizon. The measures are means over rows in the order of their distance
// from the cutoff (horizon), over a rolling window of a share of all rows.
// Thread: any; cross_validate calls `run` once. Owner: values. Limits: kMaxCutoffs fits; more is an
// error.
#pragma once

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "predict/panel_forecast.h"
#include "predict/request.h"

namespace thaw::predict {

inline constexpr size_t kMaxCutoffs = 1000;

struct CrossValidationOptions {
  std::chrono::microseconds horizon{};
  std::optional<std::chrono::microseconds> period;   // unset: half a horizon
  std::optional<std::chrono::microseconds> initial;  // unset: three horizons
  std::vector<Timestamp> cutoffs;  // given: instead of period and initial; repeated ones count once
  double rolling_window = 0.1;     // -1..1, share of the rows; 0: each horizon alone; -1: each row
  size_t most_rows = std::numeric_limits<size_t>::max();   // the history's, times the cutoffs
  size_t most_draws = std::numeric_limits<size_t>::max();  // rows to forecast, times the samples
  double most_fit_work = std::numeric_limits<double>::infinity();  // of all fits, see work.h
  IsWanted is_wanted = nullptr;                                    // asked at each step of a fit
};

/// The options as flags and queries write them; "" for the default.
struct CrossValidationWords {
  std::string horizon, period, initial;  // lengths, as parse_duration takes them
  std::string cutoffs;                   // dates between commas
  std::string rolling_window;            // a share
};
/// kInvalidArgument names the word; also when there is no horizon.
Result<CrossValidationOptions> read_validation(const CrossValidationWords& words);

/// "365 days", "12 h", "30D", "2 weeks", "90 min": a number and a unit. kInvalidArgument.
Result<std::chrono::microseconds> parse_duration(std::string_view text);

/// One row that was forecast from a cutoff before it and has a value.
struct ValidatedRow {
  Timestamp ds, cutoff;
  double y = 0, yhat = 0;
  double yhat_lower = 0, yhat_upper = 0;  // NaN when no intervals were asked for
};

/// Measures of all rows whose distances from their cutoffs end at `horizon`. mape is NaN where any
/// y is nearly 0, mdape infinite or NaN where the middle one is, coverage NaN where there are no
/// intervals.
struct HorizonMeasures {
  std::chrono::microseconds horizon{};
  double mse = 0, rmse = 0, mae = 0, mape = 0, mdape = 0, smape = 0, coverage = 0;
};

struct CrossValidation {
  std::vector<Timestamp> cutoffs;
  std::vector<ValidatedRow> rows;  // cutoff after cutoff
  std::vector<HorizonMeasures> measures;
};

/// The cutoffs of a sorted history. kInvalidArgument: the history is too short for one.
Result<std::vector<Timestamp>> choose_cutoffs(const std::vector<Timestamp>& sorted_ds,
                                              const CrossValidationOptions& options);

/// kInvalidArgument: as above, a cutoff outside of the history, or a fit that fails (its cutoff is
/// named).
Result<CrossValidation> cross_validate(const ForecastRequest& request,
                                       const CrossValidationOptions& options, const RunTasks& run);

/// Rolling means as Prophet's performance_metrics gives them; of each row alone, without means,
/// where the window is negative (by at least one row).
std::vector<HorizonMeasures> measures_of(const std::vector<ValidatedRow>& rows,
                                         double rolling_window);

/// The measures, and the rows, as CSV; both as JSON {"metrics": [...], "rows": [...]}.
std::string measures_csv(const CrossValidation& result);
std::string rows_csv(const CrossValidation& result);
std::string measures_json(const CrossValidation& result);
std::string measures_table(const CrossValidation& result);

}  // namespace thaw::predict
