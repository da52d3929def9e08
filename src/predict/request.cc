#include "predict/request.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "base/json_bounds.h"
#include "predict/text.h"
#include "predict/work.h"

namespace thaw::predict {
namespace {

/// The media type alone, in small letters.
std::string media_type(std::string_view content_type) {
  return lower_case(trim(content_type.substr(0, content_type.find(';'))));
}

Result<bool> is_json(std::string_view content_type, std::string_view body) {
  const std::string type = media_type(content_type);
  if (type == "application/json" || type.ends_with("+json") || type == "text/json") return true;
  if (type == "text/csv" || type == "application/csv") return false;
  if (type.empty() || type == "text/plain" || type == "application/octet-stream" ||
      type == "application/x-www-form-urlencoded") {
    if (body.starts_with("\xef\xbb\xbf")) body.remove_prefix(3);
    const size_t first = body.find_first_not_of(" \t\r\n");
    return first != std::string_view::npos && (body[first] == '{' || body[first] == '[');
  }
  return Error(Code::kInvalidArgument,
               fmt::format("Content-Type {} is not read: send text/csv or application/json",
                           quoted_value(type)));
}

Status set_history(ForecastRequest& request, const Json& rows, std::string_view where) {
  if (names_series(rows)) {
    ASSIGN_OR_RETURN(request.panel, parse_panel_json(rows, where));
  } else {
    ASSIGN_OR_RETURN(request.history, parse_series_json(rows, where));
  }
  return {};
}

Status check_future_ids(const ForecastRequest& request) {
  if (!request.future_panel || request.panel) return {};
  return Error(Code::kInvalidArgument,
               "the rows to be forecast have a unique_id and the history has none: give it one");
}

Status set_future(ForecastRequest& request, const Json& rows, std::string_view where) {
  if (names_series(rows)) {
    ASSIGN_OR_RETURN(request.future_panel, parse_panel_json(rows, where, SeriesKind::kFuture));
  } else {
    ASSIGN_OR_RETURN(request.future, parse_series_json(rows, where, SeriesKind::kFuture));
  }
  return check_future_ids(request);
}

/// A value of a row takes six bytes at least ("a":1,). A list of plain numbers, which is nothing
/// that is read here, would become twenty times its size.
Result<Json> parse_rows(std::string_view body) {
  constexpr size_t kBytesOfValue = 6, kFew = 1000;
  return parse_json(body, body.size() / kBytesOfValue + kFew);
}

Result<ForecastRequest> parse_json_request(std::string_view body) {
  ASSIGN_OR_RETURN(const Json root, parse_rows(body));
  ForecastRequest request;
  if (root.is_array()) {
    request.form = BodyForm::kJsonList;
    RETURN_IF_ERROR(set_history(request, root, "rows"));
    return request;
  }
  if (!root.is_object()) {
    return Error(Code::kInvalidArgument,
                 "the body is neither a list of rows nor an object with \"history\"");
  }
  request.form = BodyForm::kJsonObject;
  const Json* history = root.find("history");
  if (!history) {
    return Error(Code::kInvalidArgument,
                 "the body has no \"history\": write {\"history\": [{\"ds\": \"2024-01-01\", "
                 "\"y\": 1}, ...], \"periods\": 28}");
  }
  RETURN_IF_ERROR(set_history(request, *history, "history"));
  for (const auto& [name, value] : root.as_object()) {
    if (name == "history" || value.is_null()) continue;
    if (name == "future") {
      RETURN_IF_ERROR(set_future(request, value, name));
      continue;
    }
    RETURN_IF_ERROR(set_option(request, name, value));
  }
  return request;
}

/// Holds the simulation of intervals to some seconds, and memory.
Status check_work(const ForecastRequest& request, const Series& history, const Series* future) {
  const ForecastOptions& options = request.fitted ? request.fitted->model.options : request.model;
  const size_t rows = rows_to_forecast(options, request.horizon, history, future);
  const auto samples = static_cast<size_t>(request.intervals.samples);
  if (rows * samples > kMostDraws) {
    return Error(Code::kInvalidArgument,
                 fmt::format("{} rows to forecast (periods) times uncertainty_samples {} is over "
                             "{}: lower one of them",
                             rows, samples, kMostDraws));
  }
  const size_t all = rows + (request.horizon.include_history ? history.size() : 0);
  const size_t columns = forecast_columns(options);
  if (all * columns <= kMaxForecastCells) return {};
  return Error(Code::kInvalidArgument,
               fmt::format("{} rows to forecast with {} columns are over {} numbers: leave out "
                           "include_history, or use fewer holidays",
                           all, columns, kMaxForecastCells));
}

}  // namespace

Result<ForecastRequest> parse_request(std::string_view content_type, std::string_view body) {
  ASSIGN_OR_RETURN(const bool json, is_json(content_type, body));
  if (json) return parse_json_request(body);
  ForecastRequest request;
  if (names_series(body)) {
    ASSIGN_OR_RETURN(request.panel, parse_panel_csv(body));
  } else {
    ASSIGN_OR_RETURN(request.history, parse_series_csv(body));
  }
  return request;
}

bool is_forecast_option(std::string_view name) {
  static constexpr std::string_view kNames[] = {
      "periods", "freq", "include_history", "interval_width", "uncertainty_samples", "seed"};
  return std::find(std::begin(kNames), std::end(kNames), name) != std::end(kNames);
}

namespace {

/// The rows to be forecast with a fitted model.
template <class Rows>
Status check_one_series(const Rows& rows) {
  if (!names_series(rows)) return {};
  return Error(Code::kInvalidArgument, "unique_id: the model is of one series: leave it out");
}

Status set_fitted_future(ForecastRequest& request, const Json& rows, std::string_view where) {
  RETURN_IF_ERROR(check_one_series(rows));
  ASSIGN_OR_RETURN(request.future, parse_series_json(rows, where, SeriesKind::kFuture));
  return {};
}

}  // namespace

Result<ForecastRequest> parse_request(std::string_view content_type, std::string_view body,
                                      std::shared_ptr<const SavedModel> fitted) {
  ForecastRequest request;
  request.fitted = std::move(fitted);
  request.intervals = request.fitted->intervals;
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return request;
  ASSIGN_OR_RETURN(const bool json, is_json(content_type, body));
  if (!json) {
    RETURN_IF_ERROR(check_one_series(body));
    ASSIGN_OR_RETURN(request.future, parse_series_csv(body, SeriesKind::kFuture));
    return request;
  }
  ASSIGN_OR_RETURN(const Json root, parse_rows(body));
  request.form = root.is_array() ? BodyForm::kJsonList : BodyForm::kJsonObject;
  if (!root.is_object()) {
    RETURN_IF_ERROR(set_fitted_future(request, root, "rows"));
    return request;
  }
  for (const auto& [name, value] : root.as_object()) {
    if (value.is_null()) continue;
    if (name == "future") {
      RETURN_IF_ERROR(set_fitted_future(request, value, name));
    } else if (is_forecast_option(name)) {
      RETURN_IF_ERROR(set_option(request, name, value));
    } else {
      return Error(Code::kInvalidArgument,
                   fmt::format("{}: the model is fitted already: only future, periods, freq, "
                               "include_history, interval_width, uncertainty_samples and seed "
                               "can be given",
                               quoted_value(name)));
    }
  }
  return request;
}

std::vector<std::string> unused_columns(const ForecastRequest& request) {
  const ForecastOptions& options = request.model;
  std::vector<std::string> unused;
  const Series* series = &request.history;
  if (request.panel) {
    const auto& members = request.panel->members;
    const auto whole = std::ranges::find(members, std::string(), &PanelMember::fault);
    if (whole == members.end()) return unused;
    series = &whole->series;
  }
  for (const SeriesColumn& it : series->columns) {
    const auto has_name = [&](const auto& term) { return term.name == it.name; };
    const auto has_condition = [&](const auto& term) { return term.condition == it.name; };
    const auto& [seasonalities, regressors] = std::tie(options.seasonalities, options.regressors);
    const bool is_limit = it.name == "cap" || it.name == "floor";
    if ((is_limit && options.growth == Growth::kLogistic) ||
        std::any_of(regressors.begin(), regressors.end(), has_name) ||
        std::any_of(seasonalities.begin(), seasonalities.end(), has_condition)) {
      continue;
    }
    if (!it.name.empty()) unused.push_back(it.name);  // pandas and R write unnamed row numbers
  }
  return unused;
}

Status set_future(ForecastRequest& request, std::string_view text) {
  if (trim(text).starts_with('[')) {
    ASSIGN_OR_RETURN(const Json rows, parse_rows(text));
    return set_future(request, rows, "rows");
  }
  if (names_series(text)) {
    ASSIGN_OR_RETURN(request.future_panel, parse_panel_csv(text, SeriesKind::kFuture));
  } else {
    ASSIGN_OR_RETURN(request.future, parse_series_csv(text, SeriesKind::kFuture));
  }
  return check_future_ids(request);
}

Result<ForecastAnswer> answer(const ForecastRequest& request, const IsWanted& is_wanted) {
  RETURN_IF_ERROR(validate(request.horizon));
  RETURN_IF_ERROR(validate(request.intervals));
  ForecastOptions options = request.model;
  RETURN_IF_ERROR(keep_countries(options));
  if (!request.fitted) RETURN_IF_ERROR(validate(options));
  return answer_checked(request, options, request.history,
                        request.future ? &*request.future : nullptr, is_wanted);
}

Result<ForecastAnswer> answer_checked(const ForecastRequest& request,
                                      const ForecastOptions& options, const Series& history,
                                      const Series* future, const IsWanted& is_wanted) {
  const Series& past = request.fitted ? request.fitted->history : history;
  RETURN_IF_ERROR(check_work(request, past, future));
  ForecastAnswer answer;
  if (request.fitted) {
    answer.model = request.fitted->model;
  } else {
    ASSIGN_OR_RETURN(answer.model, fit_checked(history, options, is_wanted));
  }
  ASSIGN_OR_RETURN(FutureRows rows, future_rows(answer.model, past, future, request.horizon));
  answer.frequency = rows.frequency;
  ASSIGN_OR_RETURN(answer.forecast, predict(answer.model, rows.rows, request.intervals));
  return answer;
}

}  // namespace thaw::predict
