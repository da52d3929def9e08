#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/json.h"
#include "predict/cross_validation.h"
#include "predict/docs.h"
#include "predict/error_response.h"
#include "predict/panel_forecast.h"
#include "predict/plot.h"
#include "predict/render.h"
#include "predict/request.h"
#include "predict/server.h"
#include "predict/text.h"
#include "predict/work.h"

namespace thaw::predict {
namespace {

constexpr std::string_view kUsage = R"(Thaw forecast server

  POST /predict         a series in, its forecast out: CSV with the columns ds,y, or JSON
                        {"history": [{"ds": "2024-01-01", "y": 1}, ...], "periods": 28}
  POST /cross_validate  how good forecasts from earlier days would have been:
                        ?horizon=30 days, also period, initial, cutoffs, rolling_window
  GET  /docs            a page to try it; /openapi.json describes every path
  GET  /health /ready   200 while the server runs
  GET  /metrics         counters for Prometheus

  curl --data-binary @series.csv -H 'Content-Type: text/csv' 'HOST/predict?periods=14'
  Accept: text/csv, application/json or text/plain chooses the form of the answer.

With a column unique_id the body is many series, and so is the answer.

Options, in the query or in the JSON: )";

constexpr int kGone = 499;  // nobody reads it

/// One after the other, for as long as somebody waits for the result.
RunTasks run_while(const IsWanted& is_wanted) {
  if (!is_wanted) return run_in_order;
  return [&is_wanted](size_t count, const std::function<void(size_t)>& task) {
    for (size_t i = 0; i < count && is_wanted(); ++i) task(i);
  };
}

http::Response gone() { return error_response(kGone, "CANCELLED", "the client has left"); }

/// Rows that all fits of one cross-validation may have together: some seconds.
constexpr size_t kMostValidatedRows = 2'000'000;

enum class Form { kCsv, kJson, kText };

/// The form that Accept likes best; nullopt when it does not care. (RFC 9110, 12.5.1; q only.)
std::optional<Form> accepted_form(std::string_view accept) {
  std::optional<Form> best;
  double best_weight = 0;
  while (!accept.empty()) {
    const size_t comma = std::min(accept.find(','), accept.size());
    const std::string range = lower_case(trim(accept.substr(0, comma)));
    accept.remove_prefix(std::min(comma + 1, accept.size()));
    const std::string_view type = trim(std::string_view(range).substr(0, range.find(';')));
    double weight = 1;
    if (const size_t q = range.find("q="); q != std::string::npos) {
      std::from_chars(range.data() + q + 2, range.data() + range.size(), weight);
    }
    if (weight <= best_weight) continue;
    const std::optional<Form> form = type == "text/csv"           ? std::optional(Form::kCsv)
                                     : type == "application/json" ? std::optional(Form::kJson)
                                     : type == "text/plain"       ? std::optional(Form::kText)
                                                                  : std::nullopt;
    if (!form && type != "*/*") continue;
    best = form;
    best_weight = weight;
  }
  return best;
}

Status apply_query(const http::Query& query, const CountryTable& countries,
                   ForecastRequest& request) {
  for (size_t i = 0; i < query.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (query[j].first == query[i].first) {
        return Error(Code::kInvalidArgument,
                     fmt::format("the option {} is given twice", quoted_value(query[i].first)));
      }
    }
    if (request.fitted && !is_forecast_option(query[i].first)) {
      return Error(Code::kInvalidArgument,
                   fmt::format("{}: the model is fitted already", quoted_value(query[i].first)));
    }
    RETURN_IF_ERROR(set_option(request, query[i].first, std::string_view(query[i].second)));
  }
  return request.fitted ? Status() : add_country_holidays(request.model, countries);
}

/// `accept`: a text in us-ascii is drawn with plain letters, where a browser's fonts have no others
/// of one width.
http::Response forecast_response(const ForecastRequest& request, const ForecastAnswer& answer,
                                 Form form, std::string_view accept) {
  if (form == Form::kJson) return http::Response::json(200, forecast_json(answer, request.form));
  if (form == Form::kText) {
    PlotOptions drawing;
    drawing.interval_width = request.intervals.width;
    if (lower_case(accept).find("charset=us-ascii") != std::string::npos) {
      drawing.charset = PlotOptions::Charset::kAscii;
    }
    const Series& history = request.fitted ? request.fitted->history : request.history;
    return http::Response::text(200, plot_forecast(history, answer.forecast, drawing) + '\n' +
                                         forecast_table(answer.forecast));
  }
  return {200, {{"content-type", "text/csv; charset=utf-8"}}, forecast_csv(answer.forecast)};
}

/// Series that cannot be forecast are left out of a CSV, named in a header and told in JSON; when
/// none can be, the answer is the first one's fault.
http::Response panel_response(const ForecastRequest& request, Form form,
                              const IsWanted& is_wanted) {
  const auto forecasts = forecast_panel(request, run_while(is_wanted),
                                        {.most_draws = kMostDrawsTogether,
                                         .most_fit_work = kMostFitWorkTogether,
                                         .is_wanted = is_wanted});
  if (!still(is_wanted)) return gone();
  if (!forecasts) {
    const Error& error = forecasts.error();
    const bool too_much = error.code() == Code::kOutOfRange;
    return too_much ? error_response(kTooMuch, code_name(error.code()), error.message())
                    : error_response(error);
  }
  const size_t failed = count_failed(*forecasts);
  if (failed == forecasts->size()) {
    const std::string why = failed == 0
                                ? "there are no rows"
                                : fmt::format("unique_id {}: {}", quoted_value((*forecasts)[0].id),
                                              (*forecasts)[0].error);
    return error_response(Error(Code::kInvalidArgument, why));
  }
  http::Response response =
      form == Form::kJson ? http::Response::json(200, panel_json(*forecasts, request.form))
      : form == Form::kText
          ? http::Response::text(200, panel_table(*forecasts))
          : http::Response{
                200, {{"content-type", "text/csv; charset=utf-8"}}, panel_csv(*forecasts)};
  response.headers.add("thaw-failed-series", std::to_string(failed));
  return response;
}

http::Response predict_response(const http::Request& http_request,
                                const std::shared_ptr<const SavedModel>& fitted,
                                const CountryTable& countries, const IsWanted& is_wanted) {
  const std::string_view type = http_request.headers.get("content-type");
  auto request = fitted ? parse_request(type, http_request.body, fitted)
                        : parse_request(type, http_request.body);
  if (!request) return error_response(request.error());
  const Status applied = apply_query(http_request.query, countries, *request);
  if (!applied) return error_response(applied.error());
  const Form own = request->form == BodyForm::kCsv ? Form::kCsv : Form::kJson;
  const std::string_view accept = http_request.headers.get("accept");
  const auto wanted = accepted_form(accept);
  if (request->panel) return panel_response(*request, wanted.value_or(own), is_wanted);
  auto answered = answer(*request, is_wanted);
  if (!still(is_wanted)) return gone();
  if (!answered) return error_response(answered.error());
  return forecast_response(*request, *answered, wanted.value_or(own), accept);
}

/// Takes the words of a cross-validation out of the query.
CrossValidationWords take_words(http::Query& query) {
  CrossValidationWords words;
  const std::pair<std::string_view, std::string*> names[] = {
      {"horizon", &words.horizon},
      {"period", &words.period},
      {"initial", &words.initial},
      {"cutoffs", &words.cutoffs},
      {"rolling_window", &words.rolling_window}};
  for (const auto& [name, word] : names) {
    const auto found = std::find_if(query.begin(), query.end(),
                                    [&, key = name](const auto& it) { return it.first == key; });
    if (found == query.end()) continue;
    *word = found->second;
    query.erase(found);
  }
  return words;
}

http::Response validation_response(const http::Request& http_request,
                                   const std::shared_ptr<const SavedModel>& fitted,
                                   const CountryTable& countries, const IsWanted& is_wanted) {
  const auto invalid = [](std::string text) {
    return error_response(Error(Code::kInvalidArgument, std::move(text)));
  };
  if (fitted) return invalid("the model is fitted already: a cross-validation fits many");
  auto request = parse_request(http_request.headers.get("content-type"), http_request.body);
  if (!request) return error_response(request.error());
  if (request->panel) return invalid("a cross-validation is of one series: leave out unique_id");
  http::Query query = http_request.query;
  auto options = read_validation(take_words(query));
  if (!options) return error_response(options.error());
  options->most_rows = kMostValidatedRows;
  options->most_draws = kMostDrawsTogether;
  options->most_fit_work = kMostFitWorkTogether;
  options->is_wanted = is_wanted;
  const Status applied = apply_query(query, countries, *request);
  if (!applied) return error_response(applied.error());
  const auto result = cross_validate(*request, *options, run_while(is_wanted));
  if (!still(is_wanted)) return gone();
  if (!result) return error_response(result.error());
  const Form own = request->form == BodyForm::kCsv ? Form::kCsv : Form::kJson;
  switch (accepted_form(http_request.headers.get("accept")).value_or(own)) {
    case Form::kJson:
      return http::Response::json(200, measures_json(*result));
    case Form::kText:
      return http::Response::text(200, measures_table(*result));
    case Form::kCsv:
      break;
  }
  return {200, {{"content-type", "text/csv; charset=utf-8"}}, measures_csv(*result)};
}

}  // namespace

http::Response respond(const http::Request& request,
                       const std::shared_ptr<const SavedModel>& fitted,
                       const CountryTable& countries, const IsWanted& is_wanted) {
  const bool reading = request.method == "GET" || request.method == "HEAD";
  if (request.path == "/predict") {
    return request.method == "POST" ? predict_response(request, fitted, countries, is_wanted)
                                    : wrong_method(request.method, "POST");
  }
  if (request.path == "/cross_validate") {
    return request.method == "POST" ? validation_response(request, fitted, countries, is_wanted)
                                    : wrong_method(request.method, "POST");
  }
  constexpr std::string_view kRead[] = {"/", "/health", "/ready", "/docs", "/openapi.json"};
  if (std::find(std::begin(kRead), std::end(kRead), request.path) == std::end(kRead)) {
    return error_response(
        404, "NOT_FOUND",
        fmt::format("no path {}: there are /predict, /cross_validate, /health, /ready, "
                    "/metrics, /docs and /",
                    quoted_value(request.path)));
  }
  if (!reading) return wrong_method(request.method, "GET, HEAD");
  if (request.path == "/health") return http::Response::json(200, "{\"status\":\"ok\"}\n");
  if (request.path == "/ready") return http::Response::json(200, "{\"status\":\"ready\"}\n");
  if (request.path == "/docs") return docs_page();
  if (request.path == "/openapi.json") {
    return http::Response::json(200,
                                forecast_openapi(fitted ? Serves::kFittedModel : Serves::kFits));
  }
  return http::Response::text(200, fmt::format("{}{}\n", kUsage, fmt::join(option_names(), ", ")));
}

}  // namespace thaw::predict
