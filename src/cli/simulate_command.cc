#include <fmt/format.h>

#include "cli/cli.h"
#include "cli/handlers.h"

namespace thaw::cli {
namespace {

struct Span {
  Duration lowest;
  Duration highest;
};

/// The flag's duration in its range, or what it is without it.
Outcome<Duration> within(const Words& words, std::string_view flag, Duration otherwise,
                         const Span& span) {
  ASSIGN_OR_RETURN(const auto given, words.duration(flag));
  if (!given) return otherwise;
  if (*given < span.lowest || *given > span.highest) {
    return usage_failure(fmt::format("--{} {}: it must be {} to {}", flag, *words.value(flag),
                                     format_duration(span.lowest), format_duration(span.highest)));
  }
  return *given;
}

}  // namespace

Outcome<ExitCode> simulate_command(Context& context, const Words& words) {
  constexpr auto kYear = std::chrono::hours(366 * 24);
  constexpr auto kDay = std::chrono::hours(24);
  SimulateOptions options;
  if (!words.arguments().empty()) options.service_file = words.arguments()[0];
  options.trace_file = words.value("trace").value_or("");
  options.pattern = words.value("pattern").value_or(options.pattern);
  if (!options.trace_file.empty()) {
    for (const char* flag :
         {"pattern", "services", "span", "shortest-gap", "longest-gap", "seed"}) {
      if (words.given(flag)) {
        return usage_failure(fmt::format("--{} is of made calls and --trace has its own", flag));
      }
    }
  }
  ASSIGN_OR_RETURN(const auto services, words.integer("services", {1, 100'000}));
  options.services = static_cast<int>(services.value_or(options.services));
  ASSIGN_OR_RETURN(options.span, within(words, "span", options.span, {seconds(60), kYear}));
  const Span gaps{milliseconds(1), kYear};
  ASSIGN_OR_RETURN(options.shortest_gap, within(words, "shortest-gap", options.shortest_gap, gaps));
  ASSIGN_OR_RETURN(
      options.longest_gap,
      within(words, "longest-gap", std::max(options.longest_gap, options.shortest_gap), gaps));
  if (options.longest_gap < options.shortest_gap) {
    return usage_failure("--longest-gap is shorter than --shortest-gap");
  }
  // What would not fit into memory is refused before it is made.
  constexpr double kMostCallsOfAService = 20e6;
  if (options.span / options.shortest_gap > kMostCallsOfAService) {
    return usage_failure("--shortest-gap: more than 20 million calls of a service in the span");
  }
  ASSIGN_OR_RETURN(options.service_time,
                   within(words, "service-time", options.service_time, {Duration(0), kDay}));
  ASSIGN_OR_RETURN(options.start_time,
                   within(words, "start-time", options.start_time, {milliseconds(1), kDay}));
  if (words.value("hibernate-after") == "off") {
    options.hibernate_after.reset();
  } else {
    ASSIGN_OR_RETURN(options.hibernate_after,
                     within(words, "hibernate-after", seconds(20), {Duration(0), kDay}));
  }
  ASSIGN_OR_RETURN(const auto percent, words.integer("hibernated-memory", {0, 100}));
  if (percent) options.hibernated_memory = static_cast<double>(*percent) / 100;
  ASSIGN_OR_RETURN(options.wake_time,
                   within(words, "wake-time", options.wake_time, {Duration(0), kDay}));
  ASSIGN_OR_RETURN(const auto seed, words.integer("seed", {0, INT64_MAX}));
  options.seed = static_cast<uint64_t>(seed.value_or(1));
  for (const std::string_view policy : words.values("policy"))
    options.policies.emplace_back(policy);
  options.plot_file = words.value("plot").value_or("");
  options.json = context.json();
  options.quiet = context.quiet();
  return static_cast<ExitCode>(context.programs.simulate(options));
}

}  // namespace thaw::cli
