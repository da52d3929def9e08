// `up`, `serve`, `forecast`: words into options; the programs themselves are given by the caller.
#include <fmt/format.h>

#include <algorithm>

#include "cli/handlers.h"

namespace thaw::cli {
namespace {

constexpr int64_t kMostPeriods = 100'000;
constexpr int64_t kMostChangepoints = 10'000;
constexpr int64_t kMostFourierTerms = 1000;
constexpr int64_t kHighestPort = 65535;

/// The programs return the process's exit code themselves.
ExitCode as_exit_code(int code) { return static_cast<ExitCode>(code); }

Outcome<uint16_t> serve_port(const Context& context, const Words& words) {
  constexpr IntRange kPorts{0, kHighestPort};
  ASSIGN_OR_RETURN(const auto flag, words.integer("port", kPorts));
  if (flag) return static_cast<uint16_t>(*flag);
  const auto variable = context.terminal.env("PORT");
  if (!variable || variable->empty()) return ServeOptions{}.port;
  const auto number = parse_integer(*variable);
  if (!number || *number < kPorts.lowest || *number > kPorts.highest) {
    return usage_failure(
        fmt::format("environment variable PORT: '{}' is no whole number from 0 "
                    "to 65535",
                    *variable));
  }
  return static_cast<uint16_t>(*number);
}

/// "NAME=DIR", or "DIR" whose last part is the name.
Outcome<std::pair<std::string, std::string>> served_model(std::string_view text) {
  const size_t equals = text.find('=');
  std::string_view folder = equals == std::string_view::npos ? text : text.substr(equals + 1);
  while (folder.size() > 1 && folder.ends_with('/')) folder.remove_suffix(1);
  std::string_view name = folder.substr(folder.rfind('/') + 1);
  if (equals != std::string_view::npos) name = text.substr(0, equals);
  const bool is_plain = name.find_first_of("/?#% ") == std::string_view::npos;
  if (folder.empty() || name.empty() || name == "." || name == ".." || !is_plain) {
    return usage_failure(fmt::format(
        "--model: '{}' must be DIR or NAME=DIR, the name without /, ?, #, % and blanks", text));
  }
  return std::pair(std::string(name), std::string(folder));
}

struct Bounds {
  double above;                 // the value must be greater than this, or with `lower` not less
  std::optional<double> up_to;  // and at most, or with `upper` open less than, this
  enum class Edge { kIncluded, kOpen };
  Edge upper = Edge::kIncluded;
  Edge lower = Edge::kOpen;
};

Outcome<std::optional<double>> bounded(const Words& words, std::string_view flag, Bounds bounds) {
  ASSIGN_OR_RETURN(const auto value, words.real(flag));
  if (!value) return value;
  const bool open = bounds.upper == Bounds::Edge::kOpen;
  const bool too_high =
      bounds.up_to && (*value > *bounds.up_to || (open && *value == *bounds.up_to));
  const bool from_edge = bounds.lower == Bounds::Edge::kIncluded;
  const bool high_enough = *value > bounds.above || (from_edge && *value == bounds.above);
  if (high_enough && !too_high) return value;
  std::string range = fmt::format("{} {}", from_edge ? "at least" : "more than", bounds.above);
  if (bounds.up_to)
    range += fmt::format(" and {} {}", open ? "less than" : "at most", *bounds.up_to);
  return usage_failure(fmt::format("--{}: {} must be {}", flag, *words.value(flag), range));
}

Outcome<std::optional<SeasonalityOption>> seasonality(const Words& words, std::string_view flag) {
  using Kind = SeasonalityOption::Kind;
  const auto text = words.value(flag);
  if (!text) return std::optional<SeasonalityOption>();
  if (*text == "auto") return std::optional(SeasonalityOption{Kind::kAuto});
  if (*text == "true") return std::optional(SeasonalityOption{Kind::kOn});
  if (*text == "false") return std::optional(SeasonalityOption{Kind::kOff});
  const auto order = parse_integer(*text);
  if (!order || *order < 0 || *order > kMostFourierTerms) {
    return usage_failure(
        fmt::format("--{}: '{}' is none of auto, true, false, or a number of "
                    "Fourier terms from 0 to {}",
                    flag, *text, kMostFourierTerms));
  }
  if (*order == 0) return std::optional(SeasonalityOption{Kind::kOff});
  return std::optional(SeasonalityOption{Kind::kOrder, static_cast<int>(*order)});
}

template <class T>
std::optional<T> narrowed(std::optional<int64_t> value) {
  if (!value) return std::nullopt;
  return static_cast<T>(*value);
}

void set_output(const Context& context, const Words& words, ForecastOptions& options) {
  using Output = ForecastOptions::Output;
  const bool tty = context.terminal.out_is_tty();
  const std::string_view asked = words.value("output").value_or(context.json() ? "json"
                                                                : tty          ? "table"
                                                                               : "csv");
  options.output = asked == "json" ? Output::kJson : asked == "csv" ? Output::kCsv : Output::kTable;
  options.draw = words.setting("draw").value_or(tty && options.output == Output::kTable);
  options.width = context.terminal.width();
  options.colour = context.out.on();
  options.quiet = context.quiet();
}

/// Flags whose values the forecaster itself checks, under its names for them.
void set_others(const Words& words, ForecastOptions& options) {
  constexpr std::pair<const char*, const char*> kNames[] = {
      {"uncertainty-samples", "uncertainty_samples"},
      {"cap", "cap"},
      {"floor", "floor"},
      {"seasonality-mode", "seasonality_mode"},
      {"country-holidays", "country_holidays"},
      {"holidays-mode", "holidays_mode"},
      {"holidays-prior-scale", "holidays_prior_scale"},
  };
  for (const auto& [flag, name] : kNames) {
    if (const auto value = words.value(flag)) options.others.emplace_back(name, *value);
  }
  for (const auto& [flag, name] :
       {std::pair{"add-seasonality", "seasonalities"}, {"add-regressor", "regressors"}}) {
    const auto values = words.values(flag);
    if (!values.empty())
      options.others.emplace_back(name, fmt::format("{}", fmt::join(values, ";")));
  }
  if (words.is_on("include-history")) options.others.emplace_back("include_history", "true");
  options.holidays_file = words.value("holidays").value_or("");
  options.future_file = words.value("future").value_or("");
  options.plot_file = words.value("plot").value_or("");
  options.components_plot_file = words.value("plot-components").value_or("");
  options.plot_changepoints = words.is_on("plot-changepoints");
}

/// What the pictures show is asked for only where there is one.
Outcome<bool> check_pictures(const ForecastOptions& options) {
  if (options.plot_changepoints && options.plot_file.empty()) {
    return usage_failure("--plot-changepoints goes with --plot FILE only");
  }
  return true;
}

Outcome<bool> set_validation(const Words& words, ForecastOptions& options) {
  options.cross_validate = words.is_on("cross-validate");
  const std::pair<const char*, std::string*> kFlags[] = {
      {"horizon", &options.horizon},
      {"initial", &options.initial},
      {"period", &options.period},
      {"cutoffs", &options.cutoffs},
      {"rolling-window", &options.rolling_window},
      {"cross-validation-rows", &options.validation_rows_file}};
  for (const auto& [flag, into] : kFlags) {
    const auto value = words.value(flag);
    if (value && !options.cross_validate) {
      return usage_failure(fmt::format("--{} goes with --cross-validate only", flag));
    }
    *into = value.value_or("");
  }
  if (options.cross_validate && options.horizon.empty()) {
    return usage_failure("--horizon is missing: --cross-validate --horizon '30 days'");
  }
  for (const char* flag : {"plot", "plot-components", "save-model", "future"}) {
    if (options.cross_validate && words.value(flag)) {
      return usage_failure(fmt::format(
          "--{} goes with a forecast only: --cross-validate makes measures instead of one", flag));
    }
  }
  if (options.cross_validate && words.is_on("draw")) {
    return usage_failure("--draw goes with a forecast only, not with --cross-validate");
  }
  return true;
}

Outcome<ForecastOptions> forecast_options(const Context& context, const Words& words) {
  ForecastOptions options;
  options.model_file = words.value("model").value_or("");
  options.save_model_file = words.value("save-model").value_or("");
  if (words.arguments().empty() == options.model_file.empty()) {
    return usage_failure("give either FILE or --model FILE.json");
  }
  if (options.model_file.empty()) options.file = words.arguments()[0];
  ASSIGN_OR_RETURN(const bool checked, set_validation(words, options));
  static_cast<void>(checked);
  set_output(context, words, options);
  if (options.draw && options.output != ForecastOptions::Output::kTable) {
    return usage_failure("--draw goes with --output table only");
  }
  ASSIGN_OR_RETURN(const auto periods, words.integer("periods", {1, kMostPeriods}));
  options.periods = narrowed<int>(periods);
  options.freq = words.value("freq").value_or("");
  ASSIGN_OR_RETURN(options.interval_width,
                   bounded(words, "interval-width", {0, 1, Bounds::Edge::kOpen}));
  ASSIGN_OR_RETURN(const auto seed, words.integer("seed", {0, INT64_MAX}));
  options.seed = narrowed<uint64_t>(seed);
  options.growth = words.value("growth").value_or("");
  for (const std::string_view date : split(words.value("changepoints").value_or(""), ',')) {
    if (!date.empty()) options.changepoints.emplace_back(date);
  }
  ASSIGN_OR_RETURN(const auto points, words.integer("n-changepoints", {0, kMostChangepoints}));
  options.n_changepoints = narrowed<int>(points);
  if (points && !options.changepoints.empty()) {
    return usage_failure("--n-changepoints and --changepoints cannot be given together");
  }
  ASSIGN_OR_RETURN(options.changepoint_range,
                   bounded(words, "changepoint-range",
                           {0, 1, Bounds::Edge::kIncluded, Bounds::Edge::kIncluded}));
  ASSIGN_OR_RETURN(options.changepoint_prior_scale,
                   bounded(words, "changepoint-prior-scale", {0, std::nullopt}));
  ASSIGN_OR_RETURN(options.seasonality_prior_scale,
                   bounded(words, "seasonality-prior-scale", {0, std::nullopt}));
  ASSIGN_OR_RETURN(options.yearly, seasonality(words, "yearly-seasonality"));
  ASSIGN_OR_RETURN(options.weekly, seasonality(words, "weekly-seasonality"));
  ASSIGN_OR_RETURN(options.daily, seasonality(words, "daily-seasonality"));
  options.scaling = words.value("scaling").value_or("");
  set_others(words, options);
  ASSIGN_OR_RETURN(const bool drawn, check_pictures(options));
  static_cast<void>(drawn);
  return options;
}

void choose_panel_folders(Context& context, const Words& words, ServeOptions& options) {
  if (const auto folder = words.value("cache-dir")) {
    if (*folder != "none") options.panel_folders.emplace_back(*folder);
    return;
  }
  options.keeps_panels_beside = true;
  const auto caches = context.terminal.env("XDG_CACHE_HOME"), home = context.terminal.env("HOME");
  if (caches && caches->starts_with('/')) {
    options.panel_folders.push_back(*caches + "/thaw");
  } else if (home && home->starts_with('/')) {
    options.panel_folders.push_back(*home + "/.cache/thaw");
  }
}

}  // namespace

Outcome<ExitCode> up_command(Context& context, const Words& words) {
  return as_exit_code(context.programs.up(words.arguments()));
}

Outcome<ExitCode> serve_command(Context& context, const Words& words) {
  ServeOptions options;
  options.task = words.value("task").value_or("");
  for (const std::string_view each : words.values("model")) {
    ASSIGN_OR_RETURN(auto model, served_model(each));
    for (const auto& [name, folder] : options.models) {
      if (name == model.first) {
        return usage_failure(
            fmt::format("--model {}: there is a model '{}' already: name it, --model NAME={}", each,
                        name, folder));
      }
    }
    options.models.push_back(std::move(model));
  }
  const bool forecasts = options.task == "forecast";
  if (options.models.empty() && !forecasts) {
    return usage_failure("--model is missing: thaw serve --model DIR, or --task forecast");
  }
  if (options.models.size() > 1 && forecasts) {
    return usage_failure("--task forecast takes one --model FILE.json");
  }
  for (const char* flag : {"threads", "dtype", "cache-dir"}) {
    if (forecasts && words.value(flag)) {
      return usage_failure(fmt::format("--{} goes with --model DIR, not with forecasts", flag));
    }
  }
  ASSIGN_OR_RETURN(const auto threads, words.integer("threads", {1, 256}));
  options.threads = static_cast<int>(threads.value_or(0));
  options.dtype = words.value("dtype").value_or("");
  choose_panel_folders(context, words, options);
  options.output_bucket = words.value("output-bucket").value_or("");
  if (!options.output_bucket.empty() && !forecasts) {
    return usage_failure("--output-bucket goes with --task forecast");
  }
  options.object_store = context.terminal.env("STORAGE_EMULATOR_HOST").value_or("");
  options.host = words.value("host").value_or(options.host);
  ASSIGN_OR_RETURN(options.port, serve_port(context, words));
  return as_exit_code(context.programs.serve(options));
}

Outcome<ExitCode> forecast_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(const ForecastOptions options, forecast_options(context, words));
  return context.programs.forecast(options);
}

}  // namespace thaw::cli
