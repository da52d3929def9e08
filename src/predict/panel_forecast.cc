#include "predict/panel_forecast.h"

#include <fmt/format.h>

#include <algorithm>

#include "predict/work.h"

namespace thaw::predict {
namespace {

const ForecastOptions& options_of(const ForecastRequest& request) {
  return request.fitted ? request.fitted->model.options : request.model;
}

/// The rows after the history of one series; none where its future rows are not there.
size_t rows_of_member(const ForecastRequest& request, const PanelMember& member) {
  const PanelMember* own = request.future_panel ? request.future_panel->find(member.id) : nullptr;
  if (request.future_panel && !own) return 0;
  const Series* future = own ? &own->series : request.future ? &*request.future : nullptr;
  return rows_to_forecast(options_of(request), request.horizon, member.series, future);
}

/// Bounds the memory of all forecasts before any is made.
Status check_cells(const ForecastRequest& request, size_t columns) {
  size_t rows = 0;
  for (const PanelMember& it : request.panel->members) {
    rows += rows_of_member(request, it);
    if (request.horizon.include_history) rows += it.series.size();
  }
  if (rows * columns <= kMaxForecastCells) return {};
  return Error(Code::kOutOfRange,
               fmt::format("{} series have {} rows to forecast, more than {}: divide the file or "
                           "lower periods",
                           request.panel->members.size(), rows, kMaxForecastCells / columns));
}

/// Bounds the time of all simulations together; each series has its own bound too.
Status check_draws(const ForecastRequest& request, size_t most) {
  size_t rows = 0;
  for (const PanelMember& it : request.panel->members) rows += rows_of_member(request, it);
  const auto samples = static_cast<size_t>(request.intervals.samples);
  if (samples == 0 || rows <= most / samples) return {};
  return Error(Code::kOutOfRange,
               fmt::format("{} rows to forecast of {} series times uncertainty_samples {} are over "
                           "{}: lower periods or uncertainty_samples, or divide the file",
                           rows, request.panel->members.size(), samples, most));
}

/// Bounds the time of all fits together.
Status check_fits(const ForecastRequest& request, const ForecastOptions& options, double most) {
  const FitWork work(options);
  double sum = 0;
  for (const PanelMember& it : request.panel->members) {
    if (it.fault.empty()) sum += work.of(it.series);
  }
  if (sum <= most) return {};
  return Error(Code::kOutOfRange,
               fmt::format("the fits of {} series are {:.1f} times too much work for one request: "
                           "divide the file, or use fewer holidays, regressors or changepoints or "
                           "lower Fourier orders",
                           request.panel->members.size(), sum / most));
}

const Series* future_of(const ForecastRequest& request, const PanelMember& member,
                        PanelForecast& into) {
  if (!request.future_panel) return request.future ? &*request.future : nullptr;
  const PanelMember* future = request.future_panel->find(member.id);
  if (!future) {
    into.error = "the future rows have none of this unique_id";
  } else if (!future->fault.empty()) {
    into.error = "future rows: " + future->fault;
  }
  return future ? &future->series : nullptr;
}

/// What is told of a model is kept; thousands of histories and tables of holidays are not.
void keep_told(Model& model) {
  model.history_dates = {};
  model.holidays = {};
  model.options.holidays = {};
  model.options.country_holidays = {};
}

void forecast_member(const ForecastRequest& request, const ForecastOptions& options,
                     const PanelMember& member, const IsWanted& is_wanted, PanelForecast& into) {
  into.id = member.id;
  into.error = member.fault;
  const Series* future = future_of(request, member, into);
  if (!into.error.empty()) return;
  auto answered = answer_checked(request, options, member.series, future, is_wanted);
  if (!answered) {
    into.error = answered.error().message();
    return;
  }
  into.answer = *std::move(answered);
  keep_told(into.answer.model);
}

}  // namespace

void run_in_order(size_t count, const std::function<void(size_t)>& task) {
  for (size_t i = 0; i < count; ++i) task(i);
}

Result<std::vector<PanelForecast>> forecast_panel(const ForecastRequest& request,
                                                  const RunTasks& run, const PanelLimits& limits) {
  RETURN_IF_ERROR(validate(request.horizon));
  RETURN_IF_ERROR(validate(request.intervals));
  ForecastOptions options = request.model;
  RETURN_IF_ERROR(keep_countries(options));
  RETURN_IF_ERROR(validate(options));
  RETURN_IF_ERROR(check_cells(request, forecast_columns(options_of(request))));
  RETURN_IF_ERROR(check_draws(request, limits.most_draws));
  if (!request.fitted) RETURN_IF_ERROR(check_fits(request, options, limits.most_fit_work));
  const auto& members = request.panel->members;
  std::vector<PanelForecast> forecasts(members.size());
  run(members.size(), [&](size_t i) {
    forecast_member(request, options, members[i], limits.is_wanted, forecasts[i]);
  });
  return forecasts;
}

size_t count_failed(const std::vector<PanelForecast>& forecasts) {
  return static_cast<size_t>(std::count_if(forecasts.begin(), forecasts.end(),
                                           [](const auto& it) { return !it.error.empty(); }));
}

}  // namespace thaw::predict
