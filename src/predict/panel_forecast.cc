#include "predict/panel_forecast.h"

#include <fmt/format.h>

#include <algorithm>

namespace thaw::predict {
namespace {

/// Bounds the memory of all forecasts before any is made.
Status check_cells(const ForecastRequest& request) {
  constexpr size_t kColumnsOfForecast = 12;
  size_t rows = 0;
  for (const PanelMember& it : request.panel->members) {
    rows += static_cast<size_t>(request.horizon.periods);
    if (request.horizon.include_history) rows += it.series.size();
  }
  if (rows * kColumnsOfForecast <= kMaxPanelCells) return {};
  return Error(
      Code::kOutOfRange,
      fmt::format("{} series have {} rows to forecast, more than {}: divide the file or "
                  "lower periods",
                  request.panel->members.size(), rows, kMaxPanelCells / kColumnsOfForecast));
}

/// Bounds the time of all simulations together; each series has its own bound too.
Status check_draws(const ForecastRequest& request, size_t most) {
  size_t rows = 0;
  for (const PanelMember& it : request.panel->members) {
    if (!request.future_panel) {
      rows +=
          request.future ? request.future->size() : static_cast<size_t>(request.horizon.periods);
    } else if (const PanelMember* future = request.future_panel->find(it.id)) {
      rows += future->series.size();
    }
  }
  const auto samples = static_cast<size_t>(request.intervals.samples);
  if (samples == 0 || rows <= most / samples) return {};
  return Error(Code::kOutOfRange,
               fmt::format("{} rows to forecast of {} series times uncertainty_samples {} are over "
                           "{}: lower periods or uncertainty_samples, or divide the file",
                           rows, request.panel->members.size(), samples, most));
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

void forecast_member(const ForecastRequest& request, const PanelMember& member,
                     PanelForecast& into) {
  into.id = member.id;
  into.error = member.fault;
  const Series* future = future_of(request, member, into);
  if (!into.error.empty()) return;
  auto answered = answer(request, member.series, future);
  if (!answered) {
    into.error = answered.error().message();
    return;
  }
  into.answer = *std::move(answered);
  // Thousands of histories are not kept a second time.
  into.answer.model.history_dates = {};
}

}  // namespace

void run_in_order(size_t count, const std::function<void(size_t)>& task) {
  for (size_t i = 0; i < count; ++i) task(i);
}

Result<std::vector<PanelForecast>> forecast_panel(const ForecastRequest& request,
                                                  const RunTasks& run, size_t most_draws) {
  RETURN_IF_ERROR(validate(request.model));
  RETURN_IF_ERROR(validate(request.horizon));
  RETURN_IF_ERROR(validate(request.intervals));
  RETURN_IF_ERROR(check_cells(request));
  RETURN_IF_ERROR(check_draws(request, most_draws));
  const auto& members = request.panel->members;
  std::vector<PanelForecast> forecasts(members.size());
  run(members.size(), [&](size_t i) { forecast_member(request, members[i], forecasts[i]); });
  return forecasts;
}

size_t count_failed(const std::vector<PanelForecast>& forecasts) {
  return static_cast<size_t>(std::count_if(forecasts.begin(), forecasts.end(),
                                           [](const auto& it) { return !it.error.empty(); }));
}

}  // namespace thaw::predict
