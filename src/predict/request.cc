#include "predict/request.h"

#include <fmt/format.h>

#include "base/json.h"
#include "predict/text.h"

namespace thaw::predict {
namespace {

/// The media type alone, in small letters.
std::string media_type(std::string_view content_type) {
  return lower_case(trimmed(content_type.substr(0, content_type.find(';'))));
}

Result<bool> is_json(std::string_view content_type, std::string_view body) {
  const std::string type = media_type(content_type);
  if (type == "application/json" || type.ends_with("+json") || type == "text/json") return true;
  if (type == "text/csv" || type == "application/csv") return false;
  if (type.empty() || type == "text/plain" || type == "application/octet-stream" ||
      type == "application/x-www-form-urlencoded") {
    const size_t first = body.find_first_not_of(" \t\r\n");
    return first != std::string_view::npos && (body[first] == '{' || body[first] == '[');
  }
  return Error(Code::kInvalidArgument,
               fmt::format("Content-Type {} is not read: send text/csv or application/json",
                           quoted_value(type)));
}

Result<ForecastRequest> parse_json_request(std::string_view body) {
  ASSIGN_OR_RETURN(const Json root, Json::parse(body));
  ForecastRequest request;
  if (root.is_array()) {
    request.form = BodyForm::kJsonList;
    ASSIGN_OR_RETURN(request.history, parse_series_json(root, "rows"));
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
  ASSIGN_OR_RETURN(request.history, parse_series_json(*history, "history"));
  for (const auto& [name, value] : root.as_object()) {
    if (name == "history" || value.is_null()) continue;
    RETURN_IF_ERROR(set_option(request, name, value));
  }
  return request;
}

/// Holds the simulation of intervals to some seconds.
Status check_work(const HorizonOptions& horizon, const IntervalOptions& intervals) {
  constexpr int64_t kMaxDraws = 20'000'000;
  if (int64_t{horizon.periods} * intervals.samples <= kMaxDraws) return {};
  return Error(Code::kInvalidArgument,
               fmt::format("periods {} times uncertainty_samples {} is over {}: lower one of them",
                           horizon.periods, intervals.samples, kMaxDraws));
}

}  // namespace

Result<ForecastRequest> parse_request(std::string_view content_type, std::string_view body) {
  ASSIGN_OR_RETURN(const bool json, is_json(content_type, body));
  if (json) return parse_json_request(body);
  ForecastRequest request;
  ASSIGN_OR_RETURN(request.history, parse_series_csv(body));
  return request;
}

Result<ForecastAnswer> answer(const ForecastRequest& request) {
  RETURN_IF_ERROR(validate(request.horizon));
  RETURN_IF_ERROR(validate(request.intervals));
  RETURN_IF_ERROR(check_work(request.horizon, request.intervals));
  ForecastAnswer answer;
  ASSIGN_OR_RETURN(answer.model, fit(request.history, request.model));
  ASSIGN_OR_RETURN(Horizon horizon, future_dates(answer.model, request.horizon));
  answer.frequency = horizon.frequency;
  answer.forecast = predict(answer.model, horizon.dates, request.intervals);
  return answer;
}

}  // namespace thaw::predict
