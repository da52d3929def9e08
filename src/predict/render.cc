#include "predict/render.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

#include "base/json.h"
#include "predict/csv.h"
#include "predict/panel_forecast.h"
#include "predict/text.h"

namespace thaw::predict {
namespace {

/// The forecast of one series; without an id it is the only one.
struct Part {
  std::string_view id;
  const Forecast* forecast;
};
using Parts = std::vector<Part>;

struct Column {
  std::string_view name;
  std::vector<const std::vector<double>*> values;  // one a part; null where it has none
};

/// The columns that have values in some part, in the order of the CSV.
std::vector<Column> columns_of(const Parts& parts) {
  std::vector<Column> columns;
  std::map<std::string_view, size_t> places;
  const auto put = [&](size_t part, std::string_view name, const std::vector<double>& values) {
    if (values.size() != parts[part].forecast->ds.size()) return;
    const auto [place, is_new] = places.emplace(name, columns.size());
    if (is_new) columns.push_back({name, std::vector<const std::vector<double>*>(parts.size())});
    columns[place->second].values[part] = &values;
  };
  for (size_t i = 0; i < parts.size(); ++i) {
    const Forecast& it = *parts[i].forecast;
    put(i, "yhat", it.yhat);
    put(i, "yhat_lower", it.yhat_lower);
    put(i, "yhat_upper", it.yhat_upper);
    put(i, "trend", it.trend);
    put(i, "trend_lower", it.trend_lower);
    put(i, "trend_upper", it.trend_upper);
    put(i, "cap", it.cap);
    put(i, "floor", it.floor);
    for (const Component& component : it.components) put(i, component.name, component.values);
  }
  return columns;
}

ClockPart clock_of(const Parts& parts) {
  for (const Part& part : parts) {
    for (Timestamp at : part.forecast->ds) {
      if (std::chrono::floor<std::chrono::days>(at) != at) return ClockPart::kAlways;
    }
  }
  return ClockPart::kShortest;
}

/// Ten significant digits: more than any fit means, and no noise of rounding in the last ones.
std::string number_text(double value) { return fmt::format("{:.10g}", value + 0.0); }

double rounded(double value) { return std::strtod(number_text(value).c_str(), nullptr); }

/// The same digits as Json prints a rounded number: always with a point or an exponent.
void add_json_number(std::string& text, double value) {
  if (!std::isfinite(value)) {
    text += "null";
    return;
  }
  const size_t start = text.size();
  fmt::format_to(std::back_inserter(text), "{:.10g}", value + 0.0);
  const std::string_view added = std::string_view(text).substr(start);
  if (const size_t mark = added.find("e+1"); mark != std::string_view::npos) {
    // Up to 15 digits stand before the point.
    if (added.size() == mark + 4 && added[mark + 3] < '5') {
      text.resize(start);
      fmt::format_to(std::back_inserter(text), "{:.1f}", rounded(value));
    }
  } else if (added.find_first_of(".e") == std::string_view::npos) {
    text += ".0";
  }
}

/// The list of rows, as text at once: a tree of values would take many times the bytes.
std::string rows_json(const Parts& parts) {
  const std::vector<Column> columns = columns_of(parts);
  const ClockPart clock = clock_of(parts);
  std::vector<std::string> keys;  // ",\"yhat\":"
  for (const Column& it : columns) keys.push_back(',' + Json(it.name).dump() + ':');
  std::string text = "[";
  for (size_t p = 0; p < parts.size(); ++p) {
    const std::string id =
        parts[p].id.empty() ? "" : fmt::format("\"{}\":{},", kIdColumn, Json(parts[p].id).dump());
    for (size_t i = 0; i < parts[p].forecast->ds.size(); ++i) {
      if (text.size() > 1) text += ',';
      text += '{' + id + "\"ds\":\"" + format_timestamp(parts[p].forecast->ds[i], clock) + '"';
      for (size_t c = 0; c < columns.size(); ++c) {
        if (const auto* values = columns[c].values[p]) {
          text += keys[c];
          add_json_number(text, (*values)[i]);
        }
      }
      text += '}';
    }
  }
  return text + ']';
}

std::string_view end_name(FitFacts::End end) {
  switch (end) {
    case FitFacts::End::kOptimum:
      return "optimum";
    case FitFacts::End::kConstantSeries:
      return "constant series";
    case FitFacts::End::kExactData:
      return "exact data";
    case FitFacts::End::kImported:
      return "imported";
    case FitFacts::End::kStepLimit:
      break;
  }
  return "step limit";
}

Json coefficients_json(const Model& model) {
  Json list = Json::array();
  for (const RegressorCoefficient& it : regressor_coefficients(model)) {
    list.push_back(Json::object(
        {{"regressor", it.regressor},
         {"regressor_mode", it.mode == TermMode::kAdditive ? "additive" : "multiplicative"},
         {"center", rounded(it.center)},
         {"coef", rounded(it.coef)}}));
  }
  return list;
}

Json model_json(const ForecastAnswer& answer) {
  const Model& model = answer.model;
  Json names = Json::array();
  for (const Seasonality& it : model.seasonalities) names.push_back(it.name);
  Json facts = Json::object();
  facts.set("rows", static_cast<int64_t>(model.history_t.size()));
  facts.set("freq", frequency_name(answer.frequency));
  facts.set("growth", growth_name(model.options.growth));
  facts.set("seasonalities", std::move(names));
  facts.set("changepoints", static_cast<int64_t>(model.changepoints.size()));
  facts.set("changepoints_used",
            static_cast<int64_t>(std::count_if(model.delta.begin(), model.delta.end(),
                                               [](double delta) { return delta != 0; })));
  facts.set("noise", rounded(model.sigma * model.y_scale));
  if (!model.regressors.empty()) facts.set("regressor_coefficients", coefficients_json(model));
  facts.set("fit", end_name(model.facts.end));
  facts.set("log_posterior", rounded(model.facts.log_posterior));
  return facts;
}

bool is_zero(const Column& column) {
  return std::all_of(column.values.begin(), column.values.end(), [](const auto* values) {
    return !values ||
           std::all_of(values->begin(), values->end(), [](double it) { return it == 0; });
  });
}

/// So many decimals that the largest value shows four digits.
int decimals_for(const std::vector<Column>& columns) {
  double largest = 0;
  for (const Column& it : columns) {
    for (const auto* values : it.values) {
      if (!values) continue;
      for (double value : *values) largest = std::max(largest, std::abs(value));
    }
  }
  if (largest == 0 || !std::isfinite(largest)) return 0;
  return std::clamp(3 - static_cast<int>(std::floor(std::log10(largest))), 0, 9);
}

std::string cell_text(double value, int decimals) {
  if (std::abs(value) >= 1e15) return fmt::format("{:.4g}", value);
  std::string text = fmt::format("{:.{}f}", value, decimals);
  const bool zero = text.find_first_not_of("-0.") == std::string::npos;
  return zero && text[0] == '-' ? text.substr(1) : text;
}

std::string csv_of(const Parts& parts) {
  const std::vector<Column> columns = columns_of(parts);
  const ClockPart clock = clock_of(parts);
  const bool has_ids = !parts.empty() && !parts[0].id.empty();
  std::string text = has_ids ? std::string(kIdColumn) + ",ds" : "ds";
  for (const Column& it : columns) text += fmt::format(",{}", csv_field(it.name));
  text += '\n';
  for (size_t p = 0; p < parts.size(); ++p) {
    const std::string id = has_ids ? csv_field(parts[p].id) + ',' : "";
    for (size_t i = 0; i < parts[p].forecast->ds.size(); ++i) {
      text += id;
      text += format_timestamp(parts[p].forecast->ds[i], clock);
      for (const Column& it : columns) {
        text += ',';
        if (it.values[p]) {
          fmt::format_to(std::back_inserter(text), "{:.10g}", (*it.values[p])[i] + 0.0);
        }
      }
      text += '\n';
    }
  }
  return text;
}

/// The cells of a table, column after column, each with its header first.
std::vector<std::vector<std::string>> cells_of(const Parts& parts) {
  std::vector<Column> columns = columns_of(parts);
  std::erase_if(columns, [](const Column& c) {
    return c.name == "additive_terms" || c.name == "trend_lower" || c.name == "trend_upper" ||
           c.name == "cap" || c.name == "floor" || (c.name == "multiplicative_terms" && is_zero(c));
  });
  const int decimals = decimals_for(columns);
  const ClockPart clock = clock_of(parts);
  std::vector<std::vector<std::string>> cells;
  if (!parts.empty() && !parts[0].id.empty()) {
    cells.push_back({std::string(kIdColumn)});
    for (const Part& it : parts) {
      cells.back().insert(cells.back().end(), it.forecast->ds.size(), printable(it.id));
    }
  }
  cells.push_back({"ds"});
  for (const Part& part : parts) {
    for (Timestamp at : part.forecast->ds) cells.back().push_back(format_timestamp(at, clock));
  }
  for (const Column& it : columns) {
    cells.push_back({printable(it.name)});
    for (size_t p = 0; p < parts.size(); ++p) {
      const bool has_values = it.values[p] != nullptr;
      for (size_t i = 0; i < parts[p].forecast->ds.size(); ++i) {
        cells.back().push_back(has_values ? cell_text((*it.values[p])[i], decimals) : "");
      }
    }
  }
  return cells;
}

std::string table_of(const Parts& parts) {
  const auto cells = cells_of(parts);
  const size_t names = !parts.empty() && !parts[0].id.empty() ? 2 : 1;  // columns set to the left
  std::vector<size_t> widths;
  for (const auto& column : cells) {
    const auto longest = std::max_element(
        column.begin(), column.end(),
        [](const std::string& a, const std::string& b) { return a.size() < b.size(); });
    widths.push_back(longest->size());
  }
  std::string text;
  for (size_t row = 0; row < cells[0].size(); ++row) {
    for (size_t c = 0; c < cells.size(); ++c) {
      if (c > 0) text += "  ";
      text += c < names ? fmt::format("{:<{}}", cells[c][row], widths[c])
                        : fmt::format("{:>{}}", cells[c][row], widths[c]);
    }
    text += '\n';
  }
  return text;
}

Parts parts_of(const std::vector<PanelForecast>& forecasts) {
  Parts parts;
  for (const PanelForecast& it : forecasts) {
    if (it.error.empty()) parts.push_back({it.id, &it.answer.forecast});
  }
  return parts;
}

}  // namespace

std::string forecast_csv(const Forecast& forecast) { return csv_of({{"", &forecast}}); }

std::string forecast_table(const Forecast& forecast) { return table_of({{"", &forecast}}); }

std::string forecast_json(const ForecastAnswer& answer, BodyForm form) {
  const std::string rows = rows_json({{"", &answer.forecast}});
  if (form == BodyForm::kJsonList) return rows + '\n';
  return fmt::format("{{\"forecast\":{},\"model\":{}}}\n", rows, model_json(answer).dump());
}

std::string panel_csv(const std::vector<PanelForecast>& forecasts) {
  return csv_of(parts_of(forecasts));
}

std::string panel_table(const std::vector<PanelForecast>& forecasts) {
  return table_of(parts_of(forecasts));
}

std::string panel_json(const std::vector<PanelForecast>& forecasts, BodyForm form) {
  const std::string rows = rows_json(parts_of(forecasts));
  if (form == BodyForm::kJsonList) return rows + '\n';
  std::string models, failed;  // between commas
  const auto add = [](std::string& list, const Json& item) {
    list += (list.empty() ? "" : ",") + item.dump();
  };
  for (const PanelForecast& it : forecasts) {
    if (!it.error.empty()) {
      add(failed, Json::object({{std::string(kIdColumn), it.id}, {"error", it.error}}));
      continue;
    }
    Json facts = Json::object({{std::string(kIdColumn), it.id}});
    const Json model = model_json(it.answer);
    for (const auto& [key, value] : model.as_object()) facts.set(key, value);
    add(models, facts);
  }
  return fmt::format("{{\"forecast\":{},\"models\":[{}],\"failed\":[{}]}}\n", rows, models, failed);
}

}  // namespace thaw::predict
