#include "predict/cross_validation.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "predict/features.h"
#include "predict/text.h"
#include "predict/work.h"

namespace thaw::predict {
namespace {

using std::chrono::microseconds;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

/// The rows that are after `from` and not after `to`; precondition: sorted.
Series rows_between(const Series& sorted, Timestamp from, Timestamp to) {
  std::vector<size_t> indexes;
  const auto begin = std::upper_bound(sorted.ds.begin(), sorted.ds.end(), from);
  const auto end = std::upper_bound(begin, sorted.ds.end(), to);
  for (auto it = begin; it != end; ++it) {
    indexes.push_back(static_cast<size_t>(it - sorted.ds.begin()));
  }
  return rows_of(sorted, indexes);
}

/// The seasons that the whole history has, so that all cutoffs judge the same model.
void fix_seasonalities(ForecastOptions& options, const std::vector<Timestamp>& sorted_ds) {
  std::vector<SeasonalityOption> fixed;
  for (const Seasonality& it : choose_seasonalities(options, sorted_ds)) {
    fixed.push_back({it.name, it.period_days, it.order, it.prior_scale, it.mode, it.condition});
  }
  options.seasonalities = std::move(fixed);
  for (SeasonalitySwitch* it : {&options.yearly, &options.weekly, &options.daily}) {
    it->mode = SeasonalitySwitch::Mode::kOff;
  }
}

Result<std::vector<ValidatedRow>> validate_cutoff(const ForecastRequest& request,
                                                  const ForecastOptions& fixed,
                                                  const Series& sorted, Timestamp cutoff,
                                                  const CrossValidationOptions& how) {
  ForecastOptions options = fixed;
  const Series before = rows_between(sorted, earliest_timestamp() - kDay, cutoff);
  if (options.changepoints && before.size() > 0) {
    std::erase_if(*options.changepoints, [&](Timestamp at) { return at >= before.ds.back(); });
  }
  ASSIGN_OR_RETURN(const Model model, fit_checked(before, options, how.is_wanted));
  const Series after = rows_between(sorted, cutoff, cutoff + how.horizon);
  ASSIGN_OR_RETURN(const Forecast forecast, predict(model, after, request.intervals));
  std::vector<ValidatedRow> rows;
  const bool bounded = !forecast.yhat_lower.empty();
  for (size_t i = 0; i < after.size(); ++i) {
    rows.push_back({after.ds[i], cutoff, after.y[i], forecast.yhat[i],
                    bounded ? forecast.yhat_lower[i] : kNan,
                    bounded ? forecast.yhat_upper[i] : kNan});
  }
  return rows;
}

Status check_cutoffs(const std::vector<Timestamp>& cutoffs, const Series& sorted,
                     microseconds horizon) {
  for (Timestamp at : cutoffs) {
    if (at > sorted.ds.front() && at <= sorted.ds.back() - horizon) continue;
    return Error(Code::kInvalidArgument,
                 fmt::format("cutoffs: {} is not after the first date, {}, and a horizon before "
                             "the last, {}",
                             format_timestamp(at, ClockPart::kShortest),
                             format_timestamp(sorted.ds.front(), ClockPart::kShortest),
                             format_timestamp(sorted.ds.back(), ClockPart::kShortest)));
  }
  return {};
}

Status check(const CrossValidationOptions& options) {
  const auto too_small = [](const char* name) {
    return Error(Code::kInvalidArgument, fmt::format("{}: must be longer than nothing", name));
  };
  if (options.horizon.count() <= 0) return too_small("horizon");
  if (options.period && options.period->count() <= 0) return too_small("period");
  if (options.initial && options.initial->count() <= 0) return too_small("initial");
  if (options.rolling_window >= -1 && options.rolling_window <= 1) return {};
  return Error(Code::kInvalidArgument,
               fmt::format("rolling_window: {} is not in -1 to 1", options.rolling_window));
}

/// Holds the simulation of all intervals together to what the caller allows.
Status check_draws(const Series& sorted, const std::vector<Timestamp>& cutoffs,
                   const CrossValidationOptions& options, int samples) {
  size_t rows = 0;
  for (const Timestamp cutoff : cutoffs) {
    const auto begin = std::upper_bound(sorted.ds.begin(), sorted.ds.end(), cutoff);
    const auto end = std::upper_bound(begin, sorted.ds.end(), cutoff + options.horizon);
    rows += static_cast<size_t>(end - begin);
  }
  if (samples == 0 || rows <= options.most_draws / static_cast<size_t>(samples)) return {};
  return Error(Code::kInvalidArgument,
               fmt::format("{} rows to forecast from {} cutoffs times uncertainty_samples {} are "
                           "over {}: lower uncertainty_samples or make period longer",
                           rows, cutoffs.size(), samples, options.most_draws));
}

}  // namespace

Result<microseconds> parse_duration(std::string_view text) {
  struct Unit {
    std::string_view names;  // each between blanks
    double us;
  };
  static constexpr Unit kUnits[] = {{" w week weeks ", 7 * 86400e6},
                                    {" d day days ", 86400e6},
                                    {" h hr hour hours ", 3600e6},
                                    {" min t m minute minutes ", 60e6},
                                    {" s sec second seconds ", 1e6}};
  const auto refused = [&] {
    return Error(Code::kInvalidArgument,
                 fmt::format("{} is no length of time: write 30 days, 12 h, 90 min, 2 weeks",
                             quoted_value(text)));
  };
  const std::string low = lower_case(trim(text));
  double number = 0;
  const auto [end, fault] = std::from_chars(low.data(), low.data() + low.size(), number);
  if (fault != std::errc() || !(number >= 0)) return refused();
  const auto used = static_cast<size_t>(end - low.data());
  const std::string unit = fmt::format(" {} ", trim(std::string_view(low).substr(used)));
  if (unit.size() < 3) return refused();
  for (const Unit& it : kUnits) {
    if (it.names.find(unit) == std::string_view::npos) continue;
    const double us = number * it.us;
    if (us > 9e15) return refused();  // 285 years
    return microseconds(std::llround(us));
  }
  return refused();
}

Result<std::vector<Timestamp>> choose_cutoffs(const std::vector<Timestamp>& sorted_ds,
                                              const CrossValidationOptions& options) {
  const microseconds period = options.period.value_or(options.horizon / 2);
  const microseconds initial = options.initial.value_or(options.horizon * 3);
  const Timestamp first = sorted_ds.front();
  Timestamp cutoff = sorted_ds.back() - options.horizon;
  std::vector<Timestamp> cutoffs;
  while (cutoff >= first + initial) {
    cutoffs.push_back(cutoff);
    if (cutoffs.size() > kMaxCutoffs) {
      return Error(
          Code::kInvalidArgument,
          fmt::format("period: there would be over {} cutoffs: make it longer", kMaxCutoffs));
    }
    cutoff -= period;
    const auto after = std::upper_bound(sorted_ds.begin(), sorted_ds.end(), cutoff);
    // A gap of the data is passed over: the last date before it is a horizon after the cutoff.
    const bool has_data = after != sorted_ds.end() && *after <= cutoff + options.horizon;
    if (!has_data && after != sorted_ds.begin()) cutoff = *(after - 1) - options.horizon;
  }
  if (cutoffs.empty()) {
    return Error(Code::kInvalidArgument,
                 "the history is too short to have a horizon after the initial span: make horizon "
                 "or initial shorter");
  }
  std::reverse(cutoffs.begin(), cutoffs.end());
  return cutoffs;
}

Result<CrossValidationOptions> read_validation(const CrossValidationWords& words) {
  CrossValidationOptions options;
  const auto read = [](const char* name, const std::string& text, auto& into) -> Status {
    if (text.empty()) return {};
    auto length = parse_duration(text);
    if (!length) return std::move(length).error().with_context(name);
    into = *length;
    return {};
  };
  RETURN_IF_ERROR(read("horizon", words.horizon, options.horizon));
  RETURN_IF_ERROR(read("period", words.period, options.period));
  RETURN_IF_ERROR(read("initial", words.initial, options.initial));
  if (options.horizon.count() == 0) {
    return Error(Code::kInvalidArgument, "horizon: how far to look is missing: e.g. 30 days");
  }
  ForecastRequest dates;
  RETURN_IF_ERROR(set_option(dates, "changepoints", std::string_view(words.cutoffs)));
  if (dates.model.changepoints) options.cutoffs = *dates.model.changepoints;
  if (!words.rolling_window.empty()) {
    char* end = nullptr;
    options.rolling_window = std::strtod(words.rolling_window.c_str(), &end);
    if (*end != 0) {
      return Error(Code::kInvalidArgument, fmt::format("rolling_window: {} is no number",
                                                       quoted_value(words.rolling_window)));
    }
  }
  return options;
}

Result<CrossValidation> cross_validate(const ForecastRequest& request,
                                       const CrossValidationOptions& given, const RunTasks& run) {
  RETURN_IF_ERROR(check(given));
  RETURN_IF_ERROR(validate(request.model));
  RETURN_IF_ERROR(validate(request.intervals));
  const Series sorted =
      rows_of(request.history, order_by_date(request.history, RowsOf::kWithValue));
  if (sorted.size() < 2) {
    return Error(Code::kInvalidArgument, "the history has fewer than 2 rows with a value of y");
  }
  CrossValidationOptions options = given;
  ForecastOptions fixed = request.model;
  RETURN_IF_ERROR(keep_countries(fixed));
  fix_seasonalities(fixed, sorted.ds);
  if (!options.initial) {
    options.initial = options.horizon * 3;
    for (const SeasonalityOption& it : fixed.seasonalities) {
      const microseconds season(std::llround(it.period_days * 86400e6));
      options.initial = std::max(*options.initial, season);
    }
  }
  CrossValidation result;
  result.cutoffs = options.cutoffs;
  std::sort(result.cutoffs.begin(), result.cutoffs.end());
  result.cutoffs.erase(std::unique(result.cutoffs.begin(), result.cutoffs.end()),
                       result.cutoffs.end());
  if (result.cutoffs.size() > kMaxCutoffs) {
    return Error(Code::kInvalidArgument,
                 fmt::format("cutoffs: {} dates are given, and {} is the most",
                             result.cutoffs.size(), kMaxCutoffs));
  }
  if (result.cutoffs.empty()) {
    ASSIGN_OR_RETURN(result.cutoffs, choose_cutoffs(sorted.ds, options));
  }
  RETURN_IF_ERROR(check_cutoffs(result.cutoffs, sorted, options.horizon));
  const size_t count = result.cutoffs.size();
  if (sorted.size() * count > options.most_rows) {
    return Error(Code::kInvalidArgument,
                 fmt::format("{} cutoffs of {} rows are over {} rows together: make period longer",
                             count, sorted.size(), options.most_rows));
  }
  RETURN_IF_ERROR(check_draws(sorted, result.cutoffs, options, request.intervals.samples));
  const double work = FitWork(fixed).of(sorted) * static_cast<double>(count);
  if (work > options.most_fit_work) {
    return Error(
        Code::kInvalidArgument,
        fmt::format("the fits of {} cutoffs are {:.1f} times too much work for one request: "
                    "make period longer, or use fewer holidays, regressors or changepoints "
                    "or lower Fourier orders",
                    count, work / options.most_fit_work));
  }
  std::vector<Result<std::vector<ValidatedRow>>> parts(
      count, Result<std::vector<ValidatedRow>>(std::vector<ValidatedRow>()));
  run(count, [&](size_t i) {
    parts[i] = validate_cutoff(request, fixed, sorted, result.cutoffs[i], options);
  });
  for (size_t i = 0; i < count; ++i) {
    if (!parts[i]) {
      return std::move(parts[i]).error().with_context(
          "cutoff " + format_timestamp(result.cutoffs[i], ClockPart::kShortest));
    }
    result.rows.insert(result.rows.end(), parts[i]->begin(), parts[i]->end());
  }
  result.measures = measures_of(result.rows, options.rolling_window);
  return result;
}

}  // namespace thaw::predict
