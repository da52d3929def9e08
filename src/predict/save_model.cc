#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/json.h"
#include "predict/features.h"
#include "predict/saved_model.h"

namespace thaw::predict {
namespace {

std::string_view mode_name(TermMode mode) {
  return mode == TermMode::kAdditive ? "additive" : "multiplicative";
}

/// As pandas writes dates in JSON.
std::string iso(Timestamp at) {
  std::string text = format_timestamp(at, ClockPart::kAlways);
  text[10] = 'T';
  if (text.find('.') == std::string::npos) return text + ".000";
  return text.ends_with("000") ? text.substr(0, text.size() - 3) : text;  // of six digits
}

/// A pandas series of dates, as the text of JSON that model_to_json nests.
Json date_series(const std::vector<Timestamp>& dates) {
  Json index = Json::array(), data = Json::array();
  for (size_t i = 0; i < dates.size(); ++i) {
    index.push_back(static_cast<int64_t>(i));
    data.push_back(iso(dates[i]));
  }
  return Json::object({{"name", "ds"}, {"index", std::move(index)}, {"data", std::move(data)}})
      .dump();
}

using Fields = std::vector<std::pair<std::string, const char*>>;

/// A pandas table (orient='table') of these rows. pandas reads the columns that `fields` names.
Json table(const Fields& fields, Json rows) {
  Json types = Json::array();
  for (const auto& [name, type] : fields) {
    types.push_back(Json::object({{"name", name}, {"type", type}}));
  }
  Json schema = Json::object({{"fields", std::move(types)}, {"pandas_version", "1.4.0"}});
  return Json::object({{"schema", std::move(schema)}, {"data", std::move(rows)}}).dump();
}

Json matrix(std::initializer_list<double> values) {
  Json row = Json::array(), rows = Json::array();
  for (double it : values) row.push_back(it);
  rows.push_back(std::move(row));
  return rows;
}

Json matrix(const std::vector<double>& values) {
  Json row = Json::array(), rows = Json::array();
  for (double it : values) row.push_back(it);
  rows.push_back(std::move(row));
  return rows;
}

Json history_table(const Model& model, const Series& history) {
  const std::vector<size_t> order = order_by_date(history, RowsOf::kWithValue);
  std::vector<const SeriesColumn*> used;
  for (const std::string& name : needed_columns(model)) {
    const SeriesColumn* column = history.column(name);
    if (column && std::find(used.begin(), used.end(), column) == used.end()) {
      used.push_back(column);  // once, also where two seasonalities have one condition
    }
  }
  const SeriesColumn* floors = model.has_floor_column ? history.column("floor") : nullptr;
  const SeriesColumn* caps = history.column("cap");
  const bool logistic = model.options.growth == Growth::kLogistic;
  Fields fields = {{"ds", "datetime"}, {"y", "number"}};
  for (const SeriesColumn* it : used) fields.emplace_back(it->name, "number");
  fields.emplace_back("floor", "number");
  if (logistic) fields.insert(fields.end(), {{"cap", "number"}, {"cap_scaled", "number"}});
  fields.insert(fields.end(), {{"t", "number"}, {"y_scaled", "number"}});
  double floor = floors                   ? model.options.floor.value_or(0)
                 : model.has_floor_column ? model.last_floor
                                          : model.floor;
  double cap = caps ? model.options.cap.value_or(NAN) : model.last_cap;
  const auto go_on = [](double& value, const SeriesColumn* column, size_t row) {
    if (column && !std::isnan(column->values[row])) value = column->values[row];
  };
  Json rows = Json::array();
  for (size_t i : order) {
    go_on(floor, floors, i);
    go_on(cap, caps, i);
    Json row = Json::object({{"ds", iso(history.ds[i])}, {"y", history.y[i]}});
    for (const SeriesColumn* it : used) row.set(it->name, it->values[i]);
    row.set("floor", floor);
    if (logistic) {
      row.set("cap", cap);
      row.set("cap_scaled", (cap - floor) / model.y_scale);
    }
    row.set("t", seconds_between(model.start, history.ds[i]) / model.t_scale_s);
    row.set("y_scaled", (history.y[i] - floor) / model.y_scale);
    rows.push_back(std::move(row));
  }
  return table(fields, std::move(rows));
}

/// The holidays that the model has: of a country only those in years of the history.
std::vector<HolidayOption> kept_holidays(const Model& model) {
  std::vector<HolidayOption> kept;
  for (const HolidayOption& it : model.options.holidays) {
    const auto is_it = [&](const HolidayFeature& feature) { return feature.holiday == it.name; };
    if (std::any_of(model.holidays.begin(), model.holidays.end(), is_it)) kept.push_back(it);
  }
  return kept;
}

Json holidays_table(const std::vector<HolidayOption>& holidays) {
  if (holidays.empty()) return nullptr;
  Json rows = Json::array();
  for (const HolidayOption& it : holidays) {
    Json row = Json::object({{"ds", iso(Timestamp(it.day))},
                             {"holiday", it.name},
                             {"lower_window", it.lower_window},
                             {"upper_window", it.upper_window}});
    row.set("prior_scale", it.prior_scale ? Json(*it.prior_scale) : Json());
    rows.push_back(std::move(row));
  }
  return table({{"ds", "datetime"},
                {"holiday", "string"},
                {"lower_window", "integer"},
                {"upper_window", "integer"},
                {"prior_scale", "number"}},
               std::move(rows));
}

Json holiday_names(const std::vector<HolidayOption>& holidays) {
  if (holidays.empty()) return nullptr;
  std::vector<std::string> names;
  for (const HolidayOption& it : holidays) {
    if (std::find(names.begin(), names.end(), it.name) == names.end()) names.push_back(it.name);
  }
  Json index = Json::array(), data = Json::array();
  for (size_t i = 0; i < names.size(); ++i) {
    index.push_back(static_cast<int64_t>(i));
    data.push_back(names[i]);
  }
  return Json::object({{"name", "holiday"}, {"index", std::move(index)}, {"data", std::move(data)}})
      .dump();
}

/// Which feature belongs to which component, and which components there are of each mode.
struct ComponentFacts {
  Json columns = Json::array();
  Json modes;
};

ComponentFacts component_facts(const Model& model) {
  std::vector<std::string> names = {"additive_terms", "multiplicative_terms"};
  Json additive = Json::array(), multiplicative = Json::array();
  const auto know = [&](const std::string& name, TermMode mode) {
    if (std::find(names.begin(), names.end(), name) != names.end()) return;
    names.push_back(name);
    (mode == TermMode::kAdditive ? additive : multiplicative).push_back(name);
  };
  struct Feature {
    std::vector<std::string> components;
  };
  std::vector<Feature> features;
  for (const Term& it : terms_of(model)) {
    const bool added = it.mode == TermMode::kAdditive;
    Feature feature{{added ? "additive_terms" : "multiplicative_terms", std::string(it.name)}};
    if (it.kind == Term::Kind::kHoliday) feature.components.emplace_back("holidays");
    if (it.kind == Term::Kind::kRegressor) {
      feature.components.emplace_back(added ? "extra_regressors_additive"
                                            : "extra_regressors_multiplicative");
    }
    for (const std::string& name : feature.components) know(name, it.mode);
    features.insert(features.end(), it.width, feature);
  }
  for (const char* name : {"additive_terms", "extra_regressors_additive"}) additive.push_back(name);
  for (const char* name : {"multiplicative_terms", "extra_regressors_multiplicative"}) {
    multiplicative.push_back(name);
  }
  if (features.empty()) features.push_back({{"additive_terms"}});  // a column of zeros
  ComponentFacts facts;
  for (const Feature& feature : features) {
    Json row = Json::object();
    for (const std::string& name : names) {
      row.set(name, static_cast<int>(
                        std::count(feature.components.begin(), feature.components.end(), name)));
    }
    facts.columns.push_back(std::move(row));
  }
  facts.modes = Json::object(
      {{"additive", std::move(additive)}, {"multiplicative", std::move(multiplicative)}});
  return facts;
}

Json component_table(Json rows) {
  Json types = Json::array();
  for (const auto& [name, value] : rows.as_array()[0].as_object()) {
    types.push_back(Json::object({{"name", name}, {"type", "integer"}}));
  }
  Json schema = Json::object({{"fields", std::move(types)}, {"pandas_version", "1.4.0"}});
  return Json::object({{"schema", std::move(schema)}, {"data", std::move(rows)}}).dump();
}

Json ordered(Json names, Json entries) {
  Json pair = Json::array();
  pair.push_back(std::move(names));
  pair.push_back(std::move(entries));
  return pair;
}

Json seasonalities_json(const Model& model) {
  Json names = Json::array(), entries = Json::object();
  for (const Seasonality& it : model.seasonalities) {
    names.push_back(it.name);
    entries.set(
        it.name,
        Json::object({{"period", it.period_days},
                      {"fourier_order", it.order},
                      {"prior_scale", it.prior_scale},
                      {"mode", mode_name(it.mode)},
                      {"condition_name", it.condition.empty() ? Json() : Json(it.condition)}}));
  }
  return ordered(std::move(names), std::move(entries));
}

Json regressors_json(const Model& model) {
  using Standardize = RegressorOption::Standardize;
  Json names = Json::array(), entries = Json::object();
  for (const Regressor& it : model.regressors) {
    names.push_back(it.name);
    const Json standardize = it.standardize == Standardize::kAuto
                                 ? Json("auto")
                                 : Json(it.standardize == Standardize::kYes);
    entries.set(it.name, Json::object({{"prior_scale", it.prior_scale},
                                       {"standardize", standardize},
                                       {"mu", it.mean},
                                       {"std", it.deviation},
                                       {"mode", mode_name(it.mode)}}));
  }
  return ordered(std::move(names), std::move(entries));
}

Json switch_json(const SeasonalitySwitch& it) {
  if (it.mode == SeasonalitySwitch::Mode::kAuto) return "auto";
  if (it.mode == SeasonalitySwitch::Mode::kOff) return false;
  return it.order ? Json(*it.order) : Json(true);
}

Json params_json(const Model& model) {
  const bool bends = !model.changepoints.empty();
  return Json::object({{"k", matrix({model.k})},
                       {"m", matrix({model.m})},
                       {"delta", bends ? matrix(model.delta) : matrix({0.0})},
                       {"sigma_obs", matrix({model.sigma})},
                       {"beta", model.beta.empty() ? matrix({0.0}) : matrix(model.beta)}});
}

}  // namespace

std::string save_model(const Model& model, const Series& history,
                       const IntervalOptions& intervals) {
  const ForecastOptions& options = model.options;
  ComponentFacts components = component_facts(model);
  const std::vector<HolidayOption> holidays = kept_holidays(model);
  const TermMode holidays_mode = options.holidays_mode.value_or(options.seasonality_mode);
  Json changepoints_t = Json::array();
  for (double it : model.changepoints_t) changepoints_t.push_back(it);
  if (model.changepoints_t.empty()) changepoints_t.push_back(0.0);
  Json root =
      Json::object({{"growth", growth_name(options.growth)},
                    {"n_changepoints", static_cast<int64_t>(model.changepoints.size())},
                    {"specified_changepoints", options.changepoints.has_value()},
                    {"changepoint_range", options.changepoint_range},
                    {"yearly_seasonality", switch_json(options.yearly)},
                    {"weekly_seasonality", switch_json(options.weekly)},
                    {"daily_seasonality", switch_json(options.daily)},
                    {"seasonality_mode", mode_name(options.seasonality_mode)},
                    {"seasonality_prior_scale", options.seasonality_prior_scale},
                    {"changepoint_prior_scale", options.changepoint_prior_scale},
                    {"holidays_prior_scale", options.holidays_prior_scale},
                    {"holidays_mode", mode_name(holidays_mode)},
                    {"mcmc_samples", 0},
                    {"interval_width", intervals.width},
                    {"uncertainty_samples", intervals.samples},
                    {"scaling", options.scaling == Scaling::kMinMax ? "minmax" : "absmax"},
                    {"y_scale", model.y_scale},
                    {"y_min", model.floor},
                    {"logistic_floor", model.has_floor_column},
                    {"country_holidays", nullptr},
                    {"component_modes", std::move(components.modes)},
                    {"changepoints", date_series(model.changepoints)},
                    {"history_dates", date_series(model.history_dates)},
                    {"train_holiday_names", holiday_names(holidays)},
                    {"start", seconds_between(Timestamp(), model.start)},
                    {"t_scale", model.t_scale_s},
                    {"holidays", holidays_table(holidays)},
                    {"history", history_table(model, history)},
                    {"train_component_cols", component_table(std::move(components.columns))},
                    {"changepoints_t", std::move(changepoints_t)},
                    {"seasonalities", seasonalities_json(model)},
                    {"extra_regressors", regressors_json(model)},
                    {"fit_kwargs", Json::object()},
                    {"params", params_json(model)},
                    {"__prophet_version", "1.1.6"}});
  return root.dump() + '\n';
}

}  // namespace thaw::predict
