#include "predict/saved_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "base/json.h"
#include "predict/features.h"
#include "predict/scaling.h"
#include "predict/text.h"

namespace thaw::predict {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kSmallestTimeScale = 1e-6,
                 kLargestTimeScale = 3.2e11;  // a microsecond, 9999 years
constexpr double kLargestParameter = 1e50;    // in scaled units; so that forecasts stay finite
constexpr size_t kMostChangepoints = 5000;    // each is looked at for each row

Error bad_key(std::string_view key, std::string_view what) {
  return Error(Code::kInvalidArgument, fmt::format("{}: {}", key, what));
}

Result<double> number_at(const Json& root, std::string_view key) {
  const Json& value = root[key];
  if (value.is_number() && std::isfinite(value.as_double())) return value.as_double();
  return bad_key(key, "is no number");
}

/// "2020-01-01T00:00:00.000Z" or milliseconds since 1970.
Result<Timestamp> read_date(const Json& value) {
  if (value.is_int()) {
    const Timestamp at{std::chrono::milliseconds(
        std::clamp<int64_t>(value.as_int(), -62'135'596'800'000, 253'402'300'799'999))};
    return at;
  }
  if (!value.is_string()) return Error(Code::kInvalidArgument, "a date is no text");
  std::string_view text = value.as_string();
  if (text.ends_with('Z')) text.remove_suffix(1);
  return parse_timestamp(text);
}

/// A pandas object inside the JSON is a text of JSON again, or null.
Result<Json> nested(const Json& root, std::string_view key) {
  const Json& value = root[key];
  if (value.is_null() || value.is_object()) return value;
  if (!value.is_string()) return bad_key(key, "is no text of JSON");
  auto parsed = Json::parse(value.as_string());
  if (!parsed) return std::move(parsed).error().with_context(key);
  return parsed;
}

Result<std::vector<Timestamp>> dates_at(const Json& root, std::string_view key) {
  ASSIGN_OR_RETURN(const Json series, nested(root, key));
  std::vector<Timestamp> dates;
  if (series.is_null()) return dates;
  const Json& data = series["data"];
  if (!data.is_array() || data.as_array().size() > kMaxSeriesRows) {
    return bad_key(key, "has no list 'data'");
  }
  for (const Json& it : data.as_array()) {
    auto at = read_date(it);
    if (!at) return std::move(at).error().with_context(key);
    dates.push_back(*at);
  }
  std::sort(dates.begin(), dates.end());  // given changepoints are kept as they were given
  return dates;
}

/// A list of numbers, or one in a list: [[1, 2]].
Result<std::vector<double>> numbers_at(const Json& root, std::string_view key) {
  const Json* list = root.find(key);
  if (list && list->is_array() && list->as_array().size() == 1 && list->as_array()[0].is_array()) {
    list = &list->as_array()[0];
  }
  std::vector<double> numbers;
  if (list && list->is_number()) {
    numbers.push_back(list->as_double());
  } else if (!list || !list->is_array()) {
    return bad_key(key, "is no list of numbers");
  } else {
    for (const Json& it : list->as_array()) {
      if (!it.is_number()) return bad_key(key, "is no list of numbers");
      numbers.push_back(it.as_double());
    }
  }
  for (double it : numbers) {
    if (!std::isfinite(it)) return bad_key(key, "has a number that is not finite");
  }
  return numbers;
}

Result<TermMode> mode_of(std::string_view key, const Json& value, TermMode otherwise) {
  if (value.is_null()) return otherwise;
  if (value.is_string() && value.as_string() == "additive") return TermMode::kAdditive;
  if (value.is_string() && value.as_string() == "multiplicative") return TermMode::kMultiplicative;
  return bad_key(
      key, fmt::format("{} is neither additive nor multiplicative", quoted_value(value.dump())));
}

/// [[names], {name: {...}}]: calls `read` for each in order.
template <class Read>
Status read_ordered(const Json& root, std::string_view key, Read read) {
  const Json& pair = root[key];
  if (pair.is_null()) return {};
  if (!pair.is_array() || pair.as_array().size() != 2 || !pair.as_array()[0].is_array() ||
      !pair.as_array()[1].is_object()) {
    return bad_key(key, "is no pair of a list of names and an object");
  }
  if (pair.as_array()[0].as_array().size() > kMaxTerms) return bad_key(key, "has too many terms");
  for (const Json& name : pair.as_array()[0].as_array()) {
    const Json* entry = name.is_string() ? pair.as_array()[1].find(name.as_string()) : nullptr;
    if (!entry || !entry->is_object()) {
      return bad_key(key, fmt::format("has no entry for {}", quoted_value(name.dump())));
    }
    Status status = read(name.as_string(), *entry);
    if (!status) {
      return std::move(status).error().with_context(fmt::format("{}.{}", key, name.as_string()));
    }
  }
  return {};
}

Status read_terms(const Json& root, ForecastOptions& options) {
  RETURN_IF_ERROR(
      read_ordered(root, "seasonalities", [&](const std::string& name, const Json& it) -> Status {
        SeasonalityOption season;
        season.name = name;
        ASSIGN_OR_RETURN(season.period_days, number_at(it, "period"));
        ASSIGN_OR_RETURN(const double order, number_at(it, "fourier_order"));
        season.order = static_cast<int>(std::clamp(order, -1.0, 1e6));
        ASSIGN_OR_RETURN(season.prior_scale, number_at(it, "prior_scale"));
        ASSIGN_OR_RETURN(season.mode, mode_of("mode", it["mode"], options.seasonality_mode));
        season.condition = it.string_or("condition_name");
        options.seasonalities.push_back(std::move(season));
        return Status();
      }));
  return read_ordered(
      root, "extra_regressors", [&](const std::string& name, const Json& it) -> Status {
        RegressorOption regressor;
        regressor.name = name;
        ASSIGN_OR_RETURN(regressor.prior_scale, number_at(it, "prior_scale"));
        ASSIGN_OR_RETURN(regressor.mode, mode_of("mode", it["mode"], options.seasonality_mode));
        const Json& standardize = it["standardize"];
        if (standardize.is_bool()) {
          regressor.standardize = standardize.as_bool() ? RegressorOption::Standardize::kYes
                                                        : RegressorOption::Standardize::kNo;
        }
        options.regressors.push_back(std::move(regressor));
        return Status();
      });
}

Status read_holidays(const Json& root, ForecastOptions& options) {
  if (!root["country_holidays"].is_null()) {
    return bad_key("country_holidays",
                   "the file does not have their days: give the model a table of holidays instead");
  }
  ASSIGN_OR_RETURN(const Json table, nested(root, "holidays"));
  if (table.is_null()) return {};
  const Json& data = table["data"];
  if (!data.is_array() || data.as_array().size() > kMaxHolidayRows) {
    return bad_key("holidays", "has no list 'data'");
  }
  for (const Json& row : data.as_array()) {
    HolidayOption holiday;
    holiday.name = row.string_or("holiday");
    auto at = read_date(row["ds"]);
    if (!at) return std::move(at).error().with_context("holidays");
    holiday.day = std::chrono::floor<std::chrono::days>(*at);
    const auto window = [&](const char* key) {
      return static_cast<int>(std::clamp(row.double_or(key, 0), -1000.0, 1000.0));
    };
    holiday.lower_window = window("lower_window");
    holiday.upper_window = window("upper_window");
    if (row["prior_scale"].is_number()) holiday.prior_scale = row["prior_scale"].as_double();
    options.holidays.push_back(std::move(holiday));
  }
  return {};
}

/// Columns that some term or limit is made of; a notebook's history may have any others.
std::set<std::string, std::less<>> used_columns(const ForecastOptions& options) {
  std::set<std::string, std::less<>> used = {"ds", "y", "cap", "floor"};
  for (const SeasonalityOption& it : options.seasonalities) used.insert(it.condition);
  for (const RegressorOption& it : options.regressors) used.insert(it.name);
  return used;
}

Result<Series> read_history(const Json& root, const ForecastOptions& options) {
  const auto used = used_columns(options);
  ASSIGN_OR_RETURN(const Json table, nested(root, "history"));
  const Json& data = table["data"];
  if (!data.is_array() || data.as_array().empty()) return bad_key("history", "has no rows");
  Json rows = Json::array();
  for (const Json& it : data.as_array()) {
    if (!it.is_object()) return bad_key("history", "a row is no object");
    Json row = Json::object();
    for (const auto& [key, value] : it.as_object()) {
      if (used.contains(key)) row.set(key, value);
    }
    auto at = read_date(it["ds"]);
    if (!at) return std::move(at).error().with_context("history");
    row.set("ds", format_timestamp(*at, ClockPart::kAlways));
    rows.push_back(std::move(row));
  }
  ASSIGN_OR_RETURN(Series history, parse_series_json(rows, "history"));
  if (!std::is_sorted(history.ds.begin(), history.ds.end())) {
    return bad_key("history", "is not sorted");
  }
  return history;
}

Status read_options(const Json& root, ForecastOptions& options) {
  const std::string growth = root.string_or("growth", "linear");
  if (growth == "logistic") {
    options.growth = Growth::kLogistic;
  } else if (growth == "flat") {
    options.growth = Growth::kFlat;
  } else if (growth != "linear") {
    return bad_key("growth", fmt::format("{} is not known", quoted_value(growth)));
  }
  if (root.string_or("scaling") == "minmax") options.scaling = Scaling::kMinMax;
  if (root.int_or("mcmc_samples", 0) != 0) {
    return bad_key("mcmc_samples", "a sampled model is not read: fit it with mcmc_samples=0");
  }
  ASSIGN_OR_RETURN(options.seasonality_mode,
                   mode_of("seasonality_mode", root["seasonality_mode"], TermMode::kAdditive));
  ASSIGN_OR_RETURN(options.holidays_mode,
                   mode_of("holidays_mode", root["holidays_mode"], options.seasonality_mode));
  options.changepoint_prior_scale = root.double_or("changepoint_prior_scale", 0.05);
  options.seasonality_prior_scale = root.double_or("seasonality_prior_scale", 10);
  options.holidays_prior_scale = root.double_or("holidays_prior_scale", 10);
  options.changepoint_range = root.double_or("changepoint_range", 0.8);
  for (SeasonalitySwitch* it : {&options.yearly, &options.weekly, &options.daily}) {
    it->mode = SeasonalitySwitch::Mode::kOff;  // those that are on are among the seasonalities
  }
  RETURN_IF_ERROR(read_terms(root, options));
  RETURN_IF_ERROR(read_holidays(root, options));
  return validate(options);
}

/// Of samples only as many as are ever drawn; false, which Prophet takes for 0, is none.
Status read_intervals(const Json& root, IntervalOptions& intervals) {
  if (const Json* width = root.find("interval_width"); width && !width->is_null()) {
    ASSIGN_OR_RETURN(intervals.width, number_at(root, "interval_width"));
  }
  const Json* samples = root.find("uncertainty_samples");
  if (samples && samples->is_bool()) {
    if (!samples->as_bool()) intervals.samples = 0;
  } else if (samples && !samples->is_null()) {
    ASSIGN_OR_RETURN(const double count, number_at(root, "uncertainty_samples"));
    if (!(count >= 0)) return bad_key("uncertainty_samples", "is negative");
    intervals.samples = static_cast<int>(std::min<double>(count, kMaxSamples));
  }
  return validate(intervals);
}

Status read_regressor_scales(const Json& root, Model& model) {
  for (Regressor& it : model.regressors) {
    const Json& entry = root["extra_regressors"].as_array()[1][it.name];
    it.mean = entry.double_or("mu", 0);
    it.deviation = entry.double_or("std", 1);
    if (!std::isfinite(it.mean) || !std::isfinite(it.deviation) || it.deviation == 0) {
      return bad_key("extra_regressors", fmt::format("{}: mu or std is no number", it.name));
    }
  }
  return {};
}

Status check_parameter(double value) {
  if (std::abs(value) <= kLargestParameter) return {};
  return bad_key("params", fmt::format("{:g} is over {:g}", value, kLargestParameter));
}

Status read_params(const Json& root, Model& model) {
  const Json& params = root["params"];
  for (const auto& [key, into] :
       {std::pair{"k", &model.k}, {"m", &model.m}, {"sigma_obs", &model.sigma}}) {
    ASSIGN_OR_RETURN(const auto values, numbers_at(params, key));
    if (values.size() != 1) return bad_key("params", fmt::format("{} is not one number", key));
    *into = values[0];
  }
  for (const double it : {model.k, model.m, model.sigma}) RETURN_IF_ERROR(check_parameter(it));
  if (!(model.sigma >= 0)) return bad_key("params", "sigma_obs is negative");
  ASSIGN_OR_RETURN(model.delta, numbers_at(params, "delta"));
  ASSIGN_OR_RETURN(model.beta, numbers_at(params, "beta"));
  for (const double it : model.delta) RETURN_IF_ERROR(check_parameter(it));
  for (const double it : model.beta) RETURN_IF_ERROR(check_parameter(it));
  if (model.changepoints.empty()) {
    model.changepoints_t.clear();
    model.delta.clear();
  }
  if (model.delta.size() != model.changepoints_t.size() ||
      model.changepoints.size() != model.changepoints_t.size()) {
    return bad_key("params", fmt::format("delta has {} values for {} changepoints",
                                         model.delta.size(), model.changepoints_t.size()));
  }
  const size_t wanted = feature_count(model);
  if (wanted == 0) model.beta.clear();  // a column of zeros stands for no terms
  if (model.beta.size() == wanted) return {};
  return bad_key("params", fmt::format("beta has {} values where the seasonalities, holidays and "
                                       "regressors have {} columns",
                                       model.beta.size(), wanted));
}

Status read_scale(const Json& root, const Series& history, Model& model) {
  ASSIGN_OR_RETURN(const double start, number_at(root, "start"));
  if (std::abs(start) > 2.5e11) return bad_key("start", "is no date");
  model.start = Timestamp(std::chrono::microseconds(std::llround(start * 1e6)));
  ASSIGN_OR_RETURN(model.t_scale_s, number_at(root, "t_scale"));
  ASSIGN_OR_RETURN(model.y_scale, number_at(root, "y_scale"));
  if (!(model.t_scale_s >= kSmallestTimeScale && model.t_scale_s <= kLargestTimeScale)) {
    return bad_key("t_scale", fmt::format("is not in {:g} to {:g} seconds", kSmallestTimeScale,
                                          kLargestTimeScale));
  }
  if (!(model.y_scale >= kSmallestScale && model.y_scale <= kLargestScale)) {
    return bad_key("y_scale", fmt::format("is not in {:g} to {:g}", kSmallestScale, kLargestScale));
  }
  const auto last = [&](const char* name) {
    const SeriesColumn* column = history.column(name);
    return column && !std::isnan(column->values.back()) ? column->values.back() : 0.0;
  };
  model.has_floor_column =
      model.options.growth == Growth::kLogistic && root.bool_or("logistic_floor", false);
  model.last_cap = last("cap");
  model.last_floor = last("floor");
  if (!model.has_floor_column) model.floor = model.last_floor;
  return {};
}

}  // namespace

Result<SavedModel> parse_saved_model(std::string_view text) {
  ASSIGN_OR_RETURN(Json root, Json::parse(text));
  if (root.is_string()) {
    const std::string inner = root.as_string();
    ASSIGN_OR_RETURN(root, Json::parse(inner));
  }
  if (!root.is_object() || !root.find("params")) {
    return Error(Code::kInvalidArgument,
                 "this is no fitted model: it has no 'params' (prophet.serialize.model_to_json "
                 "writes one)");
  }
  SavedModel saved;
  Model& model = saved.model;
  RETURN_IF_ERROR(read_options(root, model.options));
  RETURN_IF_ERROR(read_intervals(root, saved.intervals));
  ASSIGN_OR_RETURN(saved.history, read_history(root, model.options));
  RETURN_IF_ERROR(read_scale(root, saved.history, model));
  ASSIGN_OR_RETURN(model.history_dates, dates_at(root, "history_dates"));
  if (model.history_dates.empty()) model.history_dates = saved.history.ds;
  model.history_dates.erase(std::unique(model.history_dates.begin(), model.history_dates.end()),
                            model.history_dates.end());
  if (model.history_dates.size() < 2) return bad_key("history_dates", "has fewer than 2 dates");
  for (Timestamp at : saved.history.ds) {
    model.history_t.push_back(seconds_between(model.start, at) / model.t_scale_s);
  }
  ASSIGN_OR_RETURN(model.changepoints, dates_at(root, "changepoints"));
  ASSIGN_OR_RETURN(model.changepoints_t, numbers_at(root, "changepoints_t"));
  if (model.changepoints.size() > kMostChangepoints) {
    return bad_key("changepoints",
                   fmt::format("{} are over {}", model.changepoints.size(), kMostChangepoints));
  }
  model.seasonalities = choose_seasonalities(model.options, saved.history.ds);
  model.holidays = choose_holidays(model.options, saved.history.ds);
  for (const RegressorOption& it : model.options.regressors) {
    model.regressors.push_back({it.name, it.prior_scale.value_or(10),
                                it.mode.value_or(TermMode::kAdditive), it.standardize});
  }
  RETURN_IF_ERROR(read_regressor_scales(root, model));
  RETURN_IF_ERROR(read_params(root, model));
  model.facts.end = FitFacts::End::kImported;
  return saved;
}

}  // namespace thaw::predict
