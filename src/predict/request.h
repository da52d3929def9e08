// ForecastRequest: a series and what is wanted of it, as one body or a command line says it.
//
// The names of options are the same everywhere: query parameters, members of a JSON body, flags.
// Thread: any. Owner: values. Limits: those of Series and of forecast_options.h.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "predict/forecast_options.h"
#include "predict/forecaster.h"
#include "predict/future.h"
#include "predict/panel.h"
#include "predict/saved_model.h"
#include "predict/series.h"

namespace thaw {
class Json;
}

namespace thaw::predict {

/// How a series was written, and so how its forecast is.
enum class BodyForm {
  kCsv,
  kJsonObject,  // {"history": [...], "periods": 28, ...}  ->  {"forecast": [...], "model": {...}}
  kJsonList,    // [{"ds": ..., "y": ...}, ...]            ->  [{"ds": ..., "yhat": ...}, ...]
};

struct ForecastRequest {
  Series history;
  std::optional<Panel> panel;                // many series instead of `history`
  std::optional<Series> future;              // the rows to be forecast, where they are given
  std::optional<Panel> future_panel;         // the same with a unique_id
  std::shared_ptr<const SavedModel> fitted;  // then nothing is fitted; `history` is not looked at
  ForecastOptions model;
  HorizonOptions horizon;
  IntervalOptions intervals;
  BodyForm form = BodyForm::kCsv;
};

/// The names that set_option takes, in the order of the reference page.
std::vector<std::string_view> option_names();

/// Sets one option from text, e.g. ("periods", "28"), ("yearly_seasonality", "auto"),
/// ("changepoints", "2014-01-01,2014-06-01"); terms as term_options.h says. kInvalidArgument: an
/// unknown name (the nearest right one is named) or a wrong value; kUnimplemented: an option of
/// Prophet that is not there yet.
Status set_option(ForecastRequest& request, std::string_view name, std::string_view value);
/// The same from JSON: a text, number, boolean, list of texts or of objects.
Status set_option(ForecastRequest& request, std::string_view name, const Json& value);

/// Reads a body. `content_type` is the header's value: text/csv or application/json, parameters
/// ignored; when empty, text/plain or a browser's form or octet-stream type, a body that begins
/// with { or [ is JSON and any other CSV. kInvalidArgument: another type, or a fault in the body.
Result<ForecastRequest> parse_request(std::string_view content_type, std::string_view body);

/// A body for a model that is fitted already: nothing, rows to be forecast (CSV or a JSON list), or
/// an object with options and "future". kInvalidArgument: a history.
Result<ForecastRequest> parse_request(std::string_view content_type, std::string_view body,
                                      std::shared_ptr<const SavedModel> fitted);

/// Whether the option is about the dates and intervals of a forecast, and not about its fit.
bool is_forecast_option(std::string_view name);

struct ForecastAnswer {
  Model model;
  Frequency frequency;
  Forecast forecast;
};

/// Columns of the history that the options make no use of.
std::vector<std::string> unused_columns(const ForecastRequest& request);

/// Draws of one series' intervals: rows to be forecast times uncertainty_samples; some seconds.
inline constexpr size_t kMostDraws = 20'000'000;

/// Numbers that all forecasts of a request may have together.
inline constexpr size_t kMaxForecastCells = 100'000'000;

/// Fits and predicts. Bounded by the limits of the options: at most a few seconds. kCancelled:
/// nobody wants it any more. Precondition: no panel; panel_forecast.h has the answer for one.
Result<ForecastAnswer> answer(const ForecastRequest& request, const IsWanted& is_wanted = nullptr);
/// The same for another series, with the request's options but for those of the fit. Precondition:
/// validate() is content with the request's horizon and intervals, and with `options`, which are
/// the request's of the countries that it wants (keep_countries).
Result<ForecastAnswer> answer_checked(const ForecastRequest& request,
                                      const ForecastOptions& options, const Series& history,
                                      const Series* future, const IsWanted& is_wanted);

/// Reads the rows to be forecast, CSV or a JSON list. kInvalidArgument also when they have a
/// unique_id and the history has none.
Status set_future(ForecastRequest& request, std::string_view text);

}  // namespace thaw::predict
