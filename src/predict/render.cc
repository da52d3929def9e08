#include "predict/render.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "base/json.h"

namespace thaw::predict {
namespace {

struct Column {
  std::string_view name;
  const std::vector<double>* values;
};

/// The columns that have values, in the order of the CSV.
std::vector<Column> columns_of(const Forecast& forecast) {
  std::vector<Column> columns = {{"yhat", &forecast.yhat},
                                 {"yhat_lower", &forecast.yhat_lower},
                                 {"yhat_upper", &forecast.yhat_upper},
                                 {"trend", &forecast.trend},
                                 {"trend_lower", &forecast.trend_lower},
                                 {"trend_upper", &forecast.trend_upper}};
  for (const Component& it : forecast.components) columns.push_back({it.name, &it.values});
  std::erase_if(columns, [&](const Column& c) { return c.values->size() != forecast.ds.size(); });
  return columns;
}

ClockPart clock_of(const std::vector<Timestamp>& dates) {
  const bool all_midnight = std::all_of(dates.begin(), dates.end(), [](Timestamp at) {
    return std::chrono::floor<std::chrono::days>(at) == at;
  });
  return all_midnight ? ClockPart::kShortest : ClockPart::kAlways;
}

/// Ten significant digits: more than any fit means, and no noise of rounding in the last ones.
std::string number_text(double value) { return fmt::format("{:.10g}", value + 0.0); }

double rounded(double value) { return std::strtod(number_text(value).c_str(), nullptr); }

Json rows_json(const Forecast& forecast) {
  const std::vector<Column> columns = columns_of(forecast);
  const ClockPart clock = clock_of(forecast.ds);
  Json rows = Json::array();
  for (size_t i = 0; i < forecast.ds.size(); ++i) {
    Json::Object row;
    row.emplace_back("ds", format_timestamp(forecast.ds[i], clock));
    for (const Column& it : columns)
      row.emplace_back(std::string(it.name), rounded((*it.values)[i]));
    rows.push_back(Json(std::move(row)));
  }
  return rows;
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
  facts.set("fit", end_name(model.facts.end));
  facts.set("log_posterior", rounded(model.facts.log_posterior));
  return facts;
}

/// So many decimals that the largest value shows four digits.
int decimals_for(const std::vector<Column>& columns) {
  double largest = 0;
  for (const Column& it : columns) {
    for (double value : *it.values) largest = std::max(largest, std::abs(value));
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

}  // namespace

std::string forecast_csv(const Forecast& forecast) {
  const std::vector<Column> columns = columns_of(forecast);
  const ClockPart clock = clock_of(forecast.ds);
  std::string text = "ds";
  for (const Column& it : columns) text += fmt::format(",{}", it.name);
  text += '\n';
  for (size_t i = 0; i < forecast.ds.size(); ++i) {
    text += format_timestamp(forecast.ds[i], clock);
    for (const Column& it : columns) text += ',' + number_text((*it.values)[i]);
    text += '\n';
  }
  return text;
}

std::string forecast_json(const ForecastAnswer& answer, BodyForm form) {
  Json rows = rows_json(answer.forecast);
  if (form == BodyForm::kJsonList) return rows.dump() + '\n';
  Json root = Json::object();
  root.set("forecast", std::move(rows));
  root.set("model", model_json(answer));
  return root.dump() + '\n';
}

std::string forecast_table(const Forecast& forecast) {
  std::vector<Column> columns = columns_of(forecast);
  std::erase_if(columns, [](const Column& c) {
    return c.name == "additive_terms" || c.name == "trend_lower" || c.name == "trend_upper";
  });
  const int decimals = decimals_for(columns);
  const ClockPart clock = clock_of(forecast.ds);
  std::vector<std::vector<std::string>> cells(1 + columns.size());
  cells[0].push_back("ds");
  for (Timestamp at : forecast.ds) cells[0].push_back(format_timestamp(at, clock));
  for (size_t c = 0; c < columns.size(); ++c) {
    cells[c + 1].emplace_back(columns[c].name);
    for (double value : *columns[c].values) cells[c + 1].push_back(cell_text(value, decimals));
  }
  std::vector<size_t> widths;
  for (const auto& column : cells) {
    const auto longest = std::max_element(
        column.begin(), column.end(),
        [](const std::string& a, const std::string& b) { return a.size() < b.size(); });
    widths.push_back(longest->size());
  }
  std::string text;
  for (size_t row = 0; row <= forecast.ds.size(); ++row) {
    text += fmt::format("{:<{}}", cells[0][row], widths[0]);
    for (size_t c = 1; c < cells.size(); ++c) {
      text += fmt::format("  {:>{}}", cells[c][row], widths[c]);
    }
    text += '\n';
  }
  return text;
}

}  // namespace thaw::predict
