// The series parser refuses or accepts any bytes; what it accepts is a sound series, and a short
// one can be forecast. CSV written from it reads back the same.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "predict/csv.h"
#include "predict/panel_forecast.h"
#include "predict/plot.h"
#include "predict/render.h"
#include "predict/request.h"

namespace {

using namespace thaw::predict;

void check_round_trip(const Series& series) {
  std::string text = "y,ds\r\n";
  for (size_t i = 0; i < series.size(); ++i) {
    const std::string y = std::isnan(series.y[i]) ? "" : fmt::format("{}", series.y[i]);
    text +=
        fmt::format("{},{}\r\n", y, csv_field(format_timestamp(series.ds[i], ClockPart::kAlways)));
  }
  const auto again = parse_series_csv(text);
  CHECK(again.has_value(), "what was written can be read");
  CHECK(again->ds == series.ds, "dates are kept");
  for (size_t i = 0; i < series.size(); ++i) {
    const double before = series.y[i], after = again->y[i];
    CHECK(before == after || (std::isnan(before) && std::isnan(after)), "values are kept");
    CHECK(!std::isinf(before), "values are finite or missing");
  }
}

/// Every row is in one series or its series has a fault; a short panel can be forecast.
void check_panel(ForecastRequest& request) {
  size_t rows = 0;
  for (const PanelMember& it : request.panel->members) {
    CHECK(!it.id.empty() && request.panel->find(it.id) == &it, "an id finds its series");
    rows += it.series.size();
  }
  request.intervals.samples = std::min(request.intervals.samples, 20);
  if (rows > 200 || request.horizon.periods > 50) return;
  const auto forecasts = forecast_panel(request, run_in_order);
  if (!forecasts) return;
  CHECK(forecasts->size() == request.panel->members.size());
  (void)panel_csv(*forecasts);
  (void)panel_table(*forecasts);
  (void)panel_json(*forecasts, BodyForm::kJsonObject);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CsvReader reader(text);
  for (int64_t line = 0;;) {
    const auto more = reader.next();
    CHECK(more || !more.error().message().empty(), "a refusal says why");
    if (!more || !*more) break;
    CHECK(reader.line() > line, "lines go up");
    CHECK(!reader.fields().empty() && reader.fields().size() <= CsvReader::kMaxFields);
    line = reader.line();
  }
  auto request = parse_request("", text);
  if (!request) {
    CHECK(!request.error().message().empty(), "a refusal says why");
    return 0;
  }
  if (request->panel) {
    check_panel(*request);
    return 0;
  }
  check_round_trip(request->history);
  constexpr size_t kFewRows = 200;
  constexpr int kFewPeriods = 50;
  if (request->history.size() > kFewRows || request->horizon.periods > kFewPeriods) return 0;
  request->intervals.samples = std::min(request->intervals.samples, 20);
  const auto answered = answer(*request);
  if (!answered) return 0;
  for (double yhat : answered->forecast.yhat) CHECK(!std::isnan(yhat), "forecasts are numbers");
  (void)forecast_csv(answered->forecast);
  (void)forecast_table(answered->forecast);
  (void)plot_forecast(request->history, answered->forecast, {});
  return 0;
}
