#include "predict/scaling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "predict/text.h"

namespace thaw::predict {
namespace {

/// A column, or one value for all rows. Values that are missing are those of the row before, and
/// before the first `otherwise`.
Result<std::vector<double>> limit_column(const Series& rows, std::string_view name,
                                         std::optional<double> option, double otherwise) {
  if (!rows.column(name)) return std::vector<double>(rows.size(), option.value_or(otherwise));
  ASSIGN_OR_RETURN(const SeriesColumn* column, numeric_column(rows, name));
  std::vector<double> values = column->values;
  double last = option.value_or(otherwise);
  for (double& value : values) {
    if (std::isnan(value)) value = last;
    last = value;
  }
  return values;
}

Status check_limits(const Series& rows, const Limits& limits, double y_scale) {
  constexpr double kMostCap = 1e9;  // beyond it the curve's digits are lost beside the cap's
  for (size_t i = 0; i < rows.size(); ++i) {
    const auto refused = [&](std::string_view what) {
      return Error(
          Code::kInvalidArgument,
          fmt::format("cap: {} {}", format_timestamp(rows.ds[i], ClockPart::kShortest), what));
    };
    if (std::isnan(limits.cap[i])) {
      return refused("has no value: logistic growth needs a cap in every row, or the option cap");
    }
    if (!(limits.cap[i] > limits.floor[i])) {
      return refused(fmt::format("has {:g}, which is not over the floor, {:g}", limits.cap[i],
                                 limits.floor[i]));
    }
    if (!((limits.cap[i] - limits.floor[i]) / y_scale <= kMostCap)) {
      return refused(
          fmt::format("has {:g}, over {:g} times the largest value of y: lower it, or "
                      "choose another growth",
                      limits.cap[i], kMostCap));
    }
  }
  return {};
}

Status check_scale(double y_scale, double low, double high) {
  if (y_scale > kSmallestScale && y_scale < kLargestScale) return {};
  return Error(
      Code::kInvalidArgument,
      fmt::format("the values of y, {} to {}, are too large or too small to be scaled", low, high));
}

/// Prophet's two ways of scaling, with and without a floor of the rows' own.
void set_scale(Model& model, const Series& rows, const Limits& limits) {
  const auto [low, high] = std::minmax_element(rows.y.begin(), rows.y.end());
  const bool by_range = model.options.scaling == Scaling::kMinMax;
  model.floor = by_range ? *low : 0;
  if (!model.has_floor_column) {
    model.y_scale = by_range ? *high - *low : std::max(std::abs(*low), std::abs(*high));
  } else if (by_range) {
    model.floor = *std::min_element(limits.floor.begin(), limits.floor.end());
    model.y_scale = *std::max_element(limits.cap.begin(), limits.cap.end()) - model.floor;
  } else {
    model.y_scale = 0;
    for (size_t i = 0; i < rows.size(); ++i) {
      model.y_scale = std::max(model.y_scale, std::abs(rows.y[i] - limits.floor[i]));
    }
  }
  if (model.y_scale == 0) model.y_scale = 1;
}

}  // namespace

Result<ScaledRows> choose_scale(Model& model, const Series& rows) {
  const ForecastOptions& options = model.options;
  const bool logistic = options.growth == Growth::kLogistic;
  model.has_floor_column = logistic && (rows.column("floor") || options.floor);
  Limits limits;
  if (logistic) {
    if (!rows.column("cap") && !options.cap) {
      return Error(Code::kInvalidArgument,
                   "cap: logistic growth needs it: add a column cap, or give the option cap");
    }
    ASSIGN_OR_RETURN(limits.cap, limit_column(rows, "cap", options.cap, NAN));
  }
  if (model.has_floor_column) {
    ASSIGN_OR_RETURN(limits.floor, limit_column(rows, "floor", options.floor, 0));
  }
  set_scale(model, rows, limits);
  const auto [low, high] = std::minmax_element(rows.y.begin(), rows.y.end());
  RETURN_IF_ERROR(check_scale(model.y_scale, *low, *high));
  if (!model.has_floor_column) limits.floor.assign(rows.size(), model.floor);
  if (logistic) RETURN_IF_ERROR(check_limits(rows, limits, model.y_scale));
  ScaledRows scaled;
  for (size_t i = 0; i < rows.size(); ++i) {
    scaled.y.push_back((rows.y[i] - limits.floor[i]) / model.y_scale);
    if (logistic) scaled.cap.push_back((limits.cap[i] - limits.floor[i]) / model.y_scale);
  }
  model.last_cap = logistic ? limits.cap.back() : 0;
  model.last_floor = limits.floor.back();
  return scaled;
}

Result<Limits> limits_of(const Model& model, const Series& rows) {
  Limits limits;
  const ForecastOptions& options = model.options;
  if (model.has_floor_column) {
    ASSIGN_OR_RETURN(limits.floor, limit_column(rows, "floor", options.floor, model.last_floor));
  } else {
    limits.floor.assign(rows.size(), model.floor);
  }
  if (options.growth != Growth::kLogistic) return limits;
  ASSIGN_OR_RETURN(limits.cap, limit_column(rows, "cap", options.cap, model.last_cap));
  RETURN_IF_ERROR(check_limits(rows, limits, model.y_scale));
  return limits;
}

}  // namespace thaw::predict
