#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/json.h"
#include "base/nearest.h"
#include "predict/request.h"
#include "predict/term_options.h"
#include "predict/text.h"

namespace thaw::predict {
namespace {

Error bad_value(std::string_view value, std::string_view wanted) {
  return Error(Code::kInvalidArgument, fmt::format("{} is not {}", quoted_value(value), wanted));
}

/// As JSON's numbers may be written: 2.0 is a whole number too.
size_t whole_part(std::string_view text) {
  const size_t point = text.find('.');
  const bool whole = point != 0 && point + 1 < text.size() &&
                     text.find_first_not_of('0', point + 1) == std::string_view::npos;
  return point != std::string_view::npos && whole ? point : text.size();
}

template <class Number>
Status read_number(std::string_view text, std::string_view wanted, Number& into) {
  Number number{};
  if constexpr (std::is_integral_v<Number>) text = text.substr(0, whole_part(text));
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || fault != std::errc() || end != text.data() + text.size()) {
    return bad_value(text, wanted);
  }
  into = number;
  return {};
}

Status read_integer(std::string_view text, int& into) {
  return read_number(text, "a whole number", into);
}

Status read_real(std::string_view text, double& into) {
  RETURN_IF_ERROR(read_number(text, "a number", into));
  return std::isfinite(into) ? Status() : Status(bad_value(text, "a finite number"));
}

Status read_bool(std::string_view text, bool& into) {
  const std::string word = lower_case(text);
  if (word != "true" && word != "false" && word != "1" && word != "0") {
    return bad_value(text, "true or false");
  }
  into = word == "true" || word == "1";
  return {};
}

Status read_seasonality(std::string_view text, SeasonalitySwitch& into) {
  using Mode = SeasonalitySwitch::Mode;
  const std::string word = lower_case(text);
  into = {};
  if (word == "auto") return {};
  if (word == "true" || word == "false" || word == "0") {
    into.mode = word == "true" ? Mode::kOn : Mode::kOff;
    return {};
  }
  int order = 0;
  RETURN_IF_ERROR(read_number(text, "auto, true, false or a Fourier order", order));
  into = {Mode::kOn, order};
  return {};
}

Status read_changepoints(std::string_view text, std::optional<std::vector<Timestamp>>& into) {
  std::vector<Timestamp> dates;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    ASSIGN_OR_RETURN(const Timestamp at, parse_timestamp(text.substr(0, comma)));
    dates.push_back(at);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  into = std::move(dates);
  return {};
}

Status read_growth(std::string_view text, Growth& into) {
  const std::string word = lower_case(text);
  if (word != "linear" && word != "flat" && word != "logistic") {
    return bad_value(text, "linear, logistic or flat");
  }
  into = word == "flat" ? Growth::kFlat : word == "logistic" ? Growth::kLogistic : Growth::kLinear;
  return {};
}

Status read_scaling(std::string_view text, Scaling& into) {
  const std::string word = lower_case(text);
  if (word != "absmax" && word != "minmax") return bad_value(text, "absmax or minmax");
  into = word == "minmax" ? Scaling::kMinMax : Scaling::kAbsMax;
  return {};
}

template <class Mode>
Status read_mode(std::string_view text, Mode& into) {
  ASSIGN_OR_RETURN(into, parse_mode(text));
  return {};
}

Status read_limit(std::string_view text, std::optional<double>& into) {
  into = 0;
  return read_real(text, *into);
}

/// Prophet takes false for 0.
Status read_samples(std::string_view text, int& into) {
  return read_integer(lower_case(text) == "false" ? "0" : text, into);
}

Status read_countries(std::string_view text, std::vector<std::string>& into) {
  into.clear();
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view country = trim(text.substr(0, comma));
    if (!country.empty() && std::ranges::find(into, country) == into.end()) {
      if (into.size() == kMaxCountries) {
        return Error(Code::kInvalidArgument, fmt::format("more than {} countries", kMaxCountries));
      }
      into.emplace_back(country);
    }
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return {};
}

struct Option {
  std::string_view name;
  Status (*read)(std::string_view text, ForecastRequest& request);
};

using Text = std::string_view;
using Request = ForecastRequest;

constexpr Option kOptions[] = {
    {"periods", [](Text t, Request& r) { return read_integer(t, r.horizon.periods); }},
    {"freq",
     [](Text t, Request& r) -> Status {
       r.horizon.freq = std::string(t);
       auto parsed = parse_frequency(t);
       return parsed ? Status() : Status(std::move(parsed).error());
     }},
    {"include_history", [](Text t, Request& r) { return read_bool(t, r.horizon.include_history); }},
    {"interval_width", [](Text t, Request& r) { return read_real(t, r.intervals.width); }},
    {"uncertainty_samples",
     [](Text t, Request& r) { return read_samples(t, r.intervals.samples); }},
    {"seed",
     [](Text t, Request& r) {
       return read_number(t, "a whole number of 0 or more", r.intervals.seed);
     }},
    {"growth", [](Text t, Request& r) { return read_growth(t, r.model.growth); }},
    {"scaling", [](Text t, Request& r) { return read_scaling(t, r.model.scaling); }},
    {"changepoints", [](Text t, Request& r) { return read_changepoints(t, r.model.changepoints); }},
    {"n_changepoints", [](Text t, Request& r) { return read_integer(t, r.model.n_changepoints); }},
    {"changepoint_range",
     [](Text t, Request& r) { return read_real(t, r.model.changepoint_range); }},
    {"changepoint_prior_scale",
     [](Text t, Request& r) { return read_real(t, r.model.changepoint_prior_scale); }},
    {"yearly_seasonality", [](Text t, Request& r) { return read_seasonality(t, r.model.yearly); }},
    {"weekly_seasonality", [](Text t, Request& r) { return read_seasonality(t, r.model.weekly); }},
    {"daily_seasonality", [](Text t, Request& r) { return read_seasonality(t, r.model.daily); }},
    {"seasonality_mode", [](Text t, Request& r) { return read_mode(t, r.model.seasonality_mode); }},
    {"seasonality_prior_scale",
     [](Text t, Request& r) { return read_real(t, r.model.seasonality_prior_scale); }},
    {"seasonalities",
     [](Text t, Request& r) -> Status {
       ASSIGN_OR_RETURN(r.model.seasonalities, parse_seasonalities(t));
       return {};
     }},
    {"holidays",
     [](Text t, Request& r) -> Status {
       ASSIGN_OR_RETURN(r.model.holidays, parse_holidays(t));
       return {};
     }},
    {"country_holidays",
     [](Text t, Request& r) { return read_countries(t, r.model.country_holidays); }},
    {"holidays_mode", [](Text t, Request& r) { return read_mode(t, r.model.holidays_mode); }},
    {"holidays_prior_scale",
     [](Text t, Request& r) { return read_real(t, r.model.holidays_prior_scale); }},
    {"regressors",
     [](Text t, Request& r) -> Status {
       ASSIGN_OR_RETURN(r.model.regressors, parse_regressors(t));
       return {};
     }},
    {"cap", [](Text t, Request& r) { return read_limit(t, r.model.cap); }},
    {"floor", [](Text t, Request& r) { return read_limit(t, r.model.floor); }},
};

/// Only Prophet's default: no samples.
Status read_mcmc_samples(std::string_view text) {
  int samples = 0;
  RETURN_IF_ERROR(read_samples(text, samples));
  if (samples == 0) return {};
  return Error(Code::kUnimplemented,
               "mcmc_samples: the posterior is not sampled, its maximum is found: leave it out");
}

Error unknown_option(std::string_view name) {
  const std::vector<std::string_view> names = option_names();
  const auto near = nearest(name, names);
  if (near) {
    return Error(Code::kInvalidArgument,
                 fmt::format("no option {}: did you mean '{}'?", quoted_value(name), *near));
  }
  return Error(Code::kInvalidArgument, fmt::format("no option {}: there are {}", quoted_value(name),
                                                   fmt::join(names, ", ")));
}

/// Whether the option is a list of terms, which may be names alone.
bool is_list_of_terms(std::string_view name) {
  return name == "regressors" || name == "seasonalities" || name == "holidays";
}

Result<std::string> option_text(std::string_view name, const Json& value) {
  if (value.is_string()) return value.as_string();
  if (value.is_bool() || value.is_number()) return value.dump();
  if (!value.is_array()) return bad_value(value.dump(), "a text, number, true, false or list");
  if (is_list_of_terms(name)) return value.dump();
  std::string joined;
  for (const Json& item : value.as_array()) {
    if (!item.is_string()) return bad_value(item.dump(), "a text");
    joined += (joined.empty() ? "" : ",") + item.as_string();
  }
  return joined;
}

}  // namespace

std::vector<std::string_view> option_names() {
  std::vector<std::string_view> names;
  for (const Option& option : kOptions) names.push_back(option.name);
  return names;
}

Status set_option(ForecastRequest& request, std::string_view name, std::string_view value) {
  const auto named = [&](Status status) -> Status {
    if (status || status.error().message().starts_with(name)) return status;
    return std::move(status).error().with_context(name);
  };
  if (name == "mcmc_samples") return named(read_mcmc_samples(trim(value)));
  for (const Option& option : kOptions) {
    if (option.name == name) return named(option.read(trim(value), request));
  }
  return unknown_option(name);
}

Status set_option(ForecastRequest& request, std::string_view name, const Json& value) {
  auto text = option_text(name, value);
  if (!text) return std::move(text).error().with_context(name);
  return set_option(request, name, std::string_view(*text));
}

}  // namespace thaw::predict
