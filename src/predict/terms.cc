// The linear terms of a model: seasonalities, holidays, regressors as columns of numbers.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "base/check.h"
#include "predict/features.h"
#include "predict/text.h"

namespace thaw::predict {
namespace {

using std::chrono::days;

constexpr double kLargestValue = 1e100;  // of a regressor, so that its square is finite

Error bad_row(const Series& rows, std::string_view column, size_t row, std::string_view what) {
  return Error(Code::kInvalidArgument,
               fmt::format("column {}: {} {}", quoted_value(column),
                           format_timestamp(rows.ds[row], ClockPart::kShortest), what));
}

int year_of(std::chrono::sys_days day) { return int(std::chrono::year_month_day(day).year()); }

Status check_condition(const Series& rows, std::string_view name) {
  ASSIGN_OR_RETURN(const SeriesColumn* column, numeric_column(rows, name));
  for (size_t i = 0; i < rows.size(); ++i) {
    const double value = column->values[i];
    if (value == 0 || value == 1) continue;
    if (std::isnan(value)) return bad_row(rows, name, i, "has no value: a condition needs one");
    return bad_row(rows, name, i,
                   fmt::format("has {}: a condition is 0 or 1, false or true", value));
  }
  return {};
}

Status check_regressor(const Series& rows, std::string_view name) {
  ASSIGN_OR_RETURN(const SeriesColumn* column, numeric_column(rows, name));
  for (size_t i = 0; i < rows.size(); ++i) {
    if (std::isnan(column->values[i])) {
      return bad_row(rows, name, i, "has no value: a regressor needs one in every row");
    }
    if (std::abs(column->values[i]) > kLargestValue) {
      return bad_row(
          rows, name, i,
          fmt::format("has {:g}: a regressor is at most {:g}", column->values[i], kLargestValue));
    }
  }
  return {};
}

void fill_seasonality(const Seasonality& it, const Series& rows, size_t begin, size_t end,
                      double* into) {
  const size_t width = 2 * static_cast<size_t>(it.order), height = end - begin;
  const SeriesColumn* condition = it.condition.empty() ? nullptr : rows.column(it.condition);
  std::vector<double> row(width);
  for (size_t i = 0; i < height; ++i) {
    if (condition && condition->values[begin + i] == 0) continue;
    fourier_features(rows.ds[begin + i], it, row.data());
    for (size_t c = 0; c < width; ++c) into[c * height + i] = row[c];
  }
}

void fill_holiday(const HolidayFeature& it, const Series& rows, size_t begin, size_t end,
                  double* into) {
  for (size_t i = begin; i < end; ++i) {
    const auto day = std::chrono::floor<days>(rows.ds[i]);
    if (std::binary_search(it.days.begin(), it.days.end(), day)) into[i - begin] = 1;
  }
}

/// The holidays of the chosen countries that fall into a year of the history.
std::set<std::string_view> names_in_history(const ForecastOptions& options,
                                            const std::vector<Timestamp>& sorted_ds) {
  std::set<int> years;
  for (Timestamp at : sorted_ds) years.insert(year_of(std::chrono::floor<days>(at)));
  const auto& wanted = options.country_holidays;
  std::set<std::string_view> names;
  for (const HolidayOption& it : options.holidays) {
    if (std::find(wanted.begin(), wanted.end(), it.country) == wanted.end()) continue;
    if (years.contains(year_of(it.day))) names.insert(it.name);
  }
  return names;
}

}  // namespace

std::vector<HolidayFeature> choose_holidays(const ForecastOptions& options,
                                            const std::vector<Timestamp>& sorted_ds) {
  const std::set<std::string_view> of_countries = names_in_history(options, sorted_ds);
  std::map<std::string, HolidayFeature> by_name;  // in byte order
  for (const HolidayOption& it : options.holidays) {
    if (!it.country.empty() && !of_countries.contains(it.name)) continue;
    for (int offset = it.lower_window; offset <= it.upper_window; ++offset) {
      const std::string name = fmt::format("{}_delim_{:+}", it.name, offset);
      HolidayFeature& feature = by_name[name];
      feature.holiday = it.name;
      feature.name = name;
      feature.offset = offset;
      feature.prior_scale = it.prior_scale.value_or(options.holidays_prior_scale);
      feature.days.push_back(it.day + days(offset));
    }
  }
  std::vector<HolidayFeature> features;
  for (auto& [name, feature] : by_name) {
    std::sort(feature.days.begin(), feature.days.end());
    features.push_back(std::move(feature));
  }
  return features;
}

std::vector<Term> terms_of(const Model& model) {
  std::vector<Term> terms;
  for (const Seasonality& it : model.seasonalities) {
    terms.push_back({Term::Kind::kSeasonality, it.name, 2 * static_cast<size_t>(it.order), it.mode,
                     it.prior_scale});
  }
  const ForecastOptions& options = model.options;
  const TermMode mode = options.holidays_mode.value_or(options.seasonality_mode);
  for (const HolidayFeature& it : model.holidays) {
    terms.push_back({Term::Kind::kHoliday, it.holiday, 1, mode, it.prior_scale});
  }
  for (const Regressor& it : model.regressors) {
    terms.push_back({Term::Kind::kRegressor, it.name, 1, it.mode, it.prior_scale});
  }
  return terms;
}

size_t feature_count(const Model& model) {
  size_t count = model.holidays.size() + model.regressors.size();
  for (const Seasonality& it : model.seasonalities) count += 2 * static_cast<size_t>(it.order);
  return count;
}

std::vector<RegressorCoefficient> regressor_coefficients(const Model& model) {
  std::vector<RegressorCoefficient> coefficients;
  size_t column = model.beta.size() - model.regressors.size();  // regressors are the last ones
  for (const Regressor& it : model.regressors) {
    const double unit = it.mode == TermMode::kAdditive ? model.y_scale : 1;
    const double coef = model.beta[column++] * unit / it.deviation;
    coefficients.push_back({it.name, it.mode, it.mean, coef});
  }
  return coefficients;
}

std::vector<std::string> needed_columns(const Model& model) {
  std::vector<std::string> names;
  for (const Seasonality& it : model.seasonalities) {
    if (!it.condition.empty()) names.push_back(it.condition);
  }
  for (const Regressor& it : model.regressors) names.push_back(it.name);
  return names;
}

Status check_features(const Model& model, const Series& rows) {
  for (const Seasonality& it : model.seasonalities) {
    if (!it.condition.empty()) RETURN_IF_ERROR(check_condition(rows, it.condition));
  }
  for (const Regressor& it : model.regressors) RETURN_IF_ERROR(check_regressor(rows, it.name));
  return {};
}

std::vector<double> features_of(const Model& model, const Series& rows, size_t begin, size_t end) {
  const size_t height = end - begin;
  std::vector<double> features(height * feature_count(model), 0);
  double* into = features.data();
  for (const Seasonality& it : model.seasonalities) {
    fill_seasonality(it, rows, begin, end, into);
    into += 2 * static_cast<size_t>(it.order) * height;
  }
  for (const HolidayFeature& it : model.holidays) {
    fill_holiday(it, rows, begin, end, into);
    into += height;
  }
  for (const Regressor& it : model.regressors) {
    const SeriesColumn* column = rows.column(it.name);
    CHECK(column != nullptr);
    for (size_t i = begin; i < end; ++i) {
      *into++ = (column->values[i] - it.mean) / it.deviation;
    }
  }
  return features;
}

}  // namespace thaw::predict
