#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/check.h"
#include "predict/features.h"
#include "predict/forecaster.h"
#include "predict/scaling.h"
#include "predict/uncertainty.h"

namespace thaw::predict {
namespace {

constexpr size_t kRowsAtOnce = 1024;  // so that the features of a long forecast need little memory

/// The components that a forecast has: sums first, then each term's own. Both sums are always
/// there, as in Prophet; that of multiplicative terms comes last where there are none.
class Components {
 public:
  Components(const Model& model, size_t rows) : terms_(terms_of(model)) {
    const bool any_multiplicative = std::any_of(terms_.begin(), terms_.end(), [](const Term& it) {
      return it.mode == TermMode::kMultiplicative;
    });
    additive_ = add("additive_terms", TermMode::kAdditive);
    if (any_multiplicative) {
      multiplicative_ = add("multiplicative_terms", TermMode::kMultiplicative);
    }
    for (const Term& it : terms_) into_.push_back(targets_of(it));
    multiplicative_ = add("multiplicative_terms", TermMode::kMultiplicative);
    for (Component& it : components_) it.values.assign(rows, 0);
  }

  /// Adds the effect of rows [begin, end); additive ones times `y_scale`.
  void add_rows(const Model& model, const Series& rows, size_t begin, size_t end) {
    const std::vector<double> features = features_of(model, rows, begin, end);
    const double* x = features.data();
    const double* beta = model.beta.data();
    std::vector<double> effect(end - begin);
    for (size_t t = 0; t < terms_.size(); ++t) {
      std::fill(effect.begin(), effect.end(), 0);
      for (size_t c = 0; c < terms_[t].width; ++c, ++beta) {
        for (double& value : effect) value += *beta * *x++;
      }
      const double unit = terms_[t].mode == TermMode::kAdditive ? model.y_scale : 1;
      for (size_t target : into_[t]) {
        for (size_t i = 0; i < effect.size(); ++i) {
          components_[target].values[begin + i] += effect[i] * unit;
        }
      }
    }
  }

  double additive(size_t row) const { return components_[additive_].values[row]; }
  double multiplicative(size_t row) const { return components_[multiplicative_].values[row]; }
  std::vector<Component> take() { return std::move(components_); }

 private:
  size_t add(std::string_view name, TermMode mode) {
    const auto [place, is_new] = index_.emplace(name, components_.size());
    if (is_new) components_.push_back({std::string(name), mode, {}});
    return place->second;
  }
  std::vector<size_t> targets_of(const Term& term) {
    const bool added = term.mode == TermMode::kAdditive;
    std::vector<size_t> targets = {added ? additive_ : multiplicative_};
    if (term.kind == Term::Kind::kHoliday) targets.push_back(add("holidays", term.mode));
    if (term.kind == Term::Kind::kRegressor) {
      targets.push_back(
          add(added ? "extra_regressors_additive" : "extra_regressors_multiplicative", term.mode));
    }
    targets.push_back(add(term.name, term.mode));
    return targets;
  }

  std::vector<Term> terms_;
  std::vector<Component> components_;
  std::map<std::string, size_t, std::less<>> index_;
  size_t additive_ = 0, multiplicative_ = 0;
  std::vector<std::vector<size_t>> into_;  // per term: the components that its effect is part of
};

/// Finite values are what drawing, sorting and printing stand on.
Status check_finite(const Forecast& forecast, const std::vector<double>& values) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i])) continue;
    return Error(Code::kInvalidArgument,
                 fmt::format("the forecast of {} is not finite: the values or the model's are too "
                             "large",
                             format_timestamp(forecast.ds[i], ClockPart::kShortest)));
  }
  return {};
}

}  // namespace

Result<Forecast> predict(const Model& model, const Series& rows, const IntervalOptions& intervals) {
  CHECK(std::is_sorted(rows.ds.begin(), rows.ds.end()), "rows must be sorted");
  RETURN_IF_ERROR(check_features(model, rows));
  ASSIGN_OR_RETURN(const Limits limits, limits_of(model, rows));
  const size_t count = rows.size();
  Forecast forecast;
  forecast.ds = rows.ds;
  Components components(model, count);
  for (size_t begin = 0; begin < count; begin += kRowsAtOnce) {
    components.add_rows(model, rows, begin, std::min(count, begin + kRowsAtOnce));
  }
  PathRows paths;
  const bool logistic = model.options.growth == Growth::kLogistic;
  for (size_t row = 0; row < count; ++row) {
    const double t = seconds_between(model.start, rows.ds[row]) / model.t_scale_s;
    const double line = trend_line(model, t), floor = limits.floor[row];
    const double cap = logistic ? (limits.cap[row] - floor) / model.y_scale : 0;
    const double trend = trend_value(model.options.growth, line, cap) * model.y_scale + floor;
    const double factor = 1 + components.multiplicative(row);
    forecast.trend.push_back(trend);
    forecast.yhat.push_back(trend * factor + components.additive(row));
    paths.t.push_back(t);
    paths.line.push_back(line);
    paths.cap.push_back(cap);
    paths.floor.push_back(floor);
    paths.factor.push_back(factor);
    if (logistic) forecast.cap.push_back(limits.cap[row]);
    if (logistic && model.has_floor_column) forecast.floor.push_back(floor);
    if (t <= 1) forecast.history_rows = row + 1;
  }
  forecast.components = components.take();
  for (const auto* values : {&forecast.trend, &forecast.yhat, &paths.factor}) {
    RETURN_IF_ERROR(check_finite(forecast, *values));
  }
  if (intervals.samples > 0) simulate_bounds(model, paths, intervals, forecast);
  for (const auto* values :
       {&forecast.trend_lower, &forecast.trend_upper, &forecast.yhat_lower, &forecast.yhat_upper}) {
    RETURN_IF_ERROR(check_finite(forecast, *values));
  }
  return forecast;
}

Forecast predict(const Model& model, const std::vector<Timestamp>& dates,
                 const IntervalOptions& intervals) {
  Series rows;
  rows.ds = dates;
  rows.y.assign(dates.size(), NAN);
  auto forecast = predict(model, rows, intervals);
  CHECK(forecast.has_value(), "the model needs columns, or is not finite");
  return *std::move(forecast);
}

}  // namespace thaw::predict
