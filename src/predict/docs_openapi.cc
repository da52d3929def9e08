#include <fmt/format.h>

#include "base/json.h"
#include "predict/docs.h"
#include "predict/request.h"

namespace thaw::predict {
namespace {

/// Some weeks of daily values that have a week and a trend.
std::string example_csv() {
  std::string text = "ds,y\n";
  const Timestamp first = std::chrono::sys_days(std::chrono::year(2024) / std::chrono::January / 1);
  constexpr int kDays = 56, kWeek[] = {3, 1, 0, 1, 4, 9, 8};
  for (int day = 0; day < kDays; ++day) {
    text += fmt::format("{},{}\n", format_timestamp(first + day * kDay, ClockPart::kShortest),
                        100 + day / 2 + kWeek[day % 7]);
  }
  return text;
}

Json rows_of_example() {
  Json::Array rows;
  const Series series = parse_series_csv(example_csv()).value();
  for (size_t i = 0; i < series.size(); ++i) {
    rows.push_back(Json::object(
        {{"ds", format_timestamp(series.ds[i], ClockPart::kShortest)}, {"y", series.y[i]}}));
  }
  return rows;
}

Json parameter(std::string_view name) {
  return Json::object(
      {{"name", name}, {"in", "query"}, {"schema", Json::object({{"type", "string"}})}});
}

Json media(Json example, std::string_view accept = "") {
  Json json = Json::object({{"example", std::move(example)}});
  if (!accept.empty()) json.set("x-accept", accept);
  return json;
}

Json responses() {
  const auto means = [](const char* text) { return Json::object({{"description", text}}); };
  return Json::object(
      {{"200", means("the forecast: CSV, JSON or text as Accept says")},
       {"400", means("a fault in the rows or options, with its place")},
       {"413", means("the body is over 32 MiB, or many series are too much together")},
       {"429", means("too many forecasts wait; Retry-After says how long")}});
}

Json post(std::string_view summary, Json content, std::string_view query,
          const std::vector<std::string_view>& names) {
  Json::Array parameters;
  for (std::string_view name : names) parameters.push_back(parameter(name));
  const Json body = Json::object({{"required", true}, {"content", std::move(content)}});
  return Json::object({{"post", Json::object({{"summary", summary},
                                              {"parameters", std::move(parameters)},
                                              {"x-example-query", query},
                                              {"requestBody", body},
                                              {"responses", responses()}})}});
}

Json get(std::string_view summary) {
  const Json ok = Json::object({{"200", Json::object({{"description", "as it says"}})}});
  return Json::object({{"get", Json::object({{"summary", summary}, {"responses", ok}})}});
}

Json fitting_paths() {
  const auto names = option_names();
  Json paths = Json::object();
  const Json history = rows_of_example();
  paths.set("/predict",
            post("forecast a history",
                 Json::object({{"text/csv", media(example_csv(), "text/plain;charset=us-ascii")},
                               {"application/json", media(Json::object({{"history", history}}))}}),
                 "periods=14", names));
  std::vector<std::string_view> validation = {"horizon", "period", "initial", "cutoffs",
                                              "rolling_window"};
  validation.insert(validation.end(), names.begin(), names.end());
  paths.set("/cross_validate",
            post("how good earlier forecasts would have been",
                 Json::object({{"text/csv", media(example_csv(), "text/plain")}}), "horizon=7 days",
                 validation));
  return paths;
}

Json fitted_paths() {
  std::vector<std::string_view> names;
  for (std::string_view name : option_names()) {
    if (is_forecast_option(name)) names.push_back(name);
  }
  const Json content = Json::object({{"application/json", media(Json::object({{"periods", 14}}))}});
  return Json::object({{"/predict", post("forecast with the fitted model", content, "", names)}});
}

}  // namespace

std::string forecast_openapi(Serves serves) {
  Json paths = serves == Serves::kFits ? fitting_paths() : fitted_paths();
  paths.set("/health", get("200 while the server runs"));
  paths.set("/ready", get("200 while the server takes requests"));
  paths.set("/metrics", get("counters for Prometheus"));
  return Json::object(
             {{"openapi", "3.0.3"},
              {"info", Json::object({{"title", "Thaw forecast server"}, {"version", "1"}})},
              {"paths", std::move(paths)}})
             .dump(Json::Style::kIndented) +
         "\n";
}

}  // namespace thaw::predict
