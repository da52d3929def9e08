#include "cli/service_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/deploy_wait.h"
#include "spec/settings.h"

namespace thaw::cli {
namespace {

constexpr size_t kLabelWidth = 13;
constexpr size_t kShownEvents = 8;

std::string safe(std::string_view text) { return escape_controls(text, Keep::kLinesAndTabs); }

/// "5 min", where format_duration says "5 min 0 s".
std::string short_duration(Duration length) {
  std::string text = format_duration(length);
  constexpr std::string_view kNoSeconds = " 0 s";
  if (text.ends_with(kNoSeconds)) text.resize(text.size() - kNoSeconds.size());
  return text;
}

std::string revision_text(const spec::ServiceStatus& status) {
  const std::string& created = status.latest_created_revision_name;
  const std::string& ready = status.latest_ready_revision_name;
  if (created.empty()) return "none yet";
  if (created == ready) return created + ", ready";
  return created + (ready.empty() ? ", not ready" : fmt::format(", not ready; {} is", ready));
}

std::string bounds_text(const spec::Service& service, const spec::RevisionSettings& settings,
                        const Json& instances) {
  std::string text = fmt::format("{} to {}", settings.min_instances, settings.max_instances);
  if (service.scaling.min_instances || service.scaling.max_instances) {
    text += fmt::format(" (of all revisions: {} to {})", service.scaling.min_instances.value_or(0),
                        service.scaling.max_instances
                            ? fmt::format("{}", *service.scaling.max_instances)
                            : std::string("any number"));
  }
  if (!instances.is_array()) return text;
  std::map<std::string, int> states;
  for (const Json& instance : instances.as_array()) ++states[instance.string_or("state")];
  text += fmt::format("; now {}", instances.as_array().size());
  std::string separator = " (";
  for (const auto& [state, number] : states) {
    text += fmt::format("{}{} {}", separator, number, safe(state));
    separator = ", ";
  }
  return states.empty() ? text : text + ")";
}

/// "from hibernated", "from a template", "cold".
std::string rung_words(std::string_view rung) {
  if (rung == "cold") return "cold";
  return rung == "templated" ? "from a template" : "from " + safe(rung);
}

/// The newest start by its time.
const Json* last_start(const Json& starts) {
  if (!starts.is_array()) return nullptr;
  const Json* newest = nullptr;
  for (const Json& start : starts.as_array()) {
    if (newest == nullptr || start.string_or("time") > newest->string_or("time")) newest = &start;
  }
  return newest;
}

std::string events_text(const std::vector<Json>& events, const PageFormat& format) {
  std::string text;
  const size_t first = events.size() > kShownEvents ? events.size() - kShownEvents : 0;
  for (size_t i = first; i < events.size(); ++i) {
    const std::string when = age_of(events[i].string_or("timestamp"), format.now);
    const size_t indent = 2 + 12;
    std::vector<std::string> lines =
        wrap_lines(safe(events[i].string_or("message")),
                   format.width > indent + 20 ? format.width - indent : 20);
    const std::string severity = events[i].string_or("severity");
    for (size_t line = 0; line < lines.size(); ++line) {
      const std::string shown = severity == "ERROR"     ? format.style.red(lines[line])
                                : severity == "WARNING" ? format.style.yellow(lines[line])
                                                        : lines[line];
      text += fmt::format("  {:<12}{}\n", line == 0 ? when : "", shown);
    }
  }
  return text;
}

std::string probe_action(const spec::ProbeSettings& probe) {
  return probe.kind == spec::ProbeKind::kHttp
             ? fmt::format("HTTP GET {} on port {}", probe.http_path, probe.port)
         : probe.kind == spec::ProbeKind::kGrpc
             ? fmt::format("gRPC {} on port {}", probe.grpc_service, probe.port)
             : fmt::format("TCP on port {}", probe.port);
}

std::string probe_text(const spec::ProbeSettings& probe) {
  return fmt::format("{}, within {}", probe_action(probe), short_duration(probe.deadline()));
}

std::string watch_text(const spec::ProbeSettings& probe) {
  return fmt::format("{} passes, every {}, {} failures in a row end that", probe_action(probe),
                     short_duration(probe.period), probe.failure_threshold);
}

}  // namespace

std::string labelled(std::string_view label, std::string_view text, const PageFormat& format) {
  std::string out;
  bool first = true;
  const size_t room = format.width > kLabelWidth + 20 ? format.width - kLabelWidth : 20;
  for (const std::string& line : wrap_lines(text, room)) {
    std::string head(first ? label : std::string_view());
    head.resize(kLabelWidth, ' ');
    out += (first ? format.style.bold(head) : head) + line + "\n";
    first = false;
  }
  return out;
}

std::string traffic_text(const spec::ServiceStatus& status) {
  std::string text;
  for (const spec::TrafficTarget& target : status.traffic) {
    std::string line = fmt::format("{:>3} %  {}{}", target.percent.value_or(0),
                                   target.revision_name, target.latest_revision ? " (latest)" : "");
    if (!target.tag.empty()) line += fmt::format(", tag {}: {}", target.tag, target.url);
    text += (text.empty() ? "" : "\n") + line;
  }
  return text.empty() ? "none yet" : text;
}

std::string condition_text(const spec::Condition* condition, const Style& style) {
  if (condition == nullptr) return "unknown";
  std::string text = condition->status == spec::ConditionStatus::kTrue    ? style.green("yes")
                     : condition->status == spec::ConditionStatus::kFalse ? style.red("no")
                                                                          : style.yellow("not yet");
  if (!condition->reason.empty()) text += fmt::format(": {}", safe(condition->reason));
  if (!condition->message.empty()) text += fmt::format("\n{}", safe(condition->message));
  return text;
}

std::string shell_word(std::string_view word) {
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._/=:,+@%";
  const bool is_plain = word.find_first_not_of(kPlain) == std::string_view::npos;
  if (is_plain && !word.empty()) return std::string(word);
  std::string quoted = "'";
  for (const char c : word) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  return quoted + '\'';
}

std::string shell_words(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    if (!line.empty()) line += ' ';
    line += shell_word(word);
  }
  return safe(line);
}

std::string usage_text(const Json& usage) {
  std::string text = fmt::format(
      "{:.3g} vCPU-s, {:.3g} GiB-s, {}", usage.double_or("vcpuSeconds", 0),
      usage.double_or("gibSeconds", 0), count_of(usage.int_or("requests", 0), "request"));
  const Json& cost = usage["costUsd"];
  if (cost.is_number()) text += fmt::format(", ${:.6f}", cost.as_double());
  return text;
}

std::string rungs_text(const Json& rungs) {
  if (!rungs.is_array()) return "";
  std::string text;
  for (const Json& rung : rungs.as_array()) {
    std::string line = fmt::format("{:<11}", safe(rung.string_or("rung")));
    if (rung["p50Ms"].is_number()) {
      line += fmt::format("{:>9} median, {} p99, {}", format_ms(rung.double_or("p50Ms", 0)),
                          format_ms(rung.double_or("p99Ms", 0)),
                          count_of(rung.int_or("wakes", 0), "time"));
    } else {
      line += "not woken from yet";
    }
    if (rung["memoryBytes"].is_number()) {
      line += fmt::format(", holds {}", format_bytes({rung.int_or("memoryBytes", 0)}));
    }
    text += (text.empty() ? "" : "\n") + line;
  }
  return text;
}

std::string age_of(std::string_view rfc3339, WallTime now) {
  const auto time = parse_rfc3339(rfc3339);
  if (!time) return safe(rfc3339);
  return format_age(to_seconds(now - *time));
}

std::string settings_lines(const spec::RevisionTemplate& revision, const PageFormat& format) {
  const spec::RevisionSettings settings = spec::settings_of(revision);
  const spec::Container& container = revision.spec.containers[0];
  std::string out = labelled("Image", safe(container.image), format);
  if (!settings.command.empty()) {
    out += labelled("Command", shell_words(settings.command), format);
  }
  if (!settings.args.empty()) out += labelled("Arguments", shell_words(settings.args), format);
  std::vector<std::string> names;
  for (const spec::EnvVar& each : settings.env) names.push_back(each.name);
  if (!names.empty()) {
    out += labelled("Environment", safe(fmt::format("{}", fmt::join(names, ", "))), format);
  }
  out += labelled("CPU",
                  fmt::format("{} vCPU, {}", settings.cpu.cores(),
                              settings.cpu_allocation == spec::CpuAllocation::kRequestBased
                                  ? "while a request is in flight"
                                  : "always"),
                  format);
  out += labelled("Memory", format_bytes(settings.memory), format);
  out += labelled("Requests",
                  fmt::format("{} at once per instance, at most {} each", settings.concurrency,
                              short_duration(settings.timeout)),
                  format);
  out += labelled("Starts", fmt::format("up when {}", probe_text(settings.startup_probe)), format);
  if (settings.liveness_probe) {
    out += labelled("Lives", fmt::format("while {}", watch_text(*settings.liveness_probe)), format);
  }
  if (settings.readiness_probe) {
    out +=
        labelled("Ready", fmt::format("while {}", watch_text(*settings.readiness_probe)), format);
  }
  return out;
}

std::string service_page(const ServiceFacts& facts, const PageFormat& format) {
  const spec::Service& service = facts.service;
  const spec::RevisionSettings settings = spec::settings_of(service.template_);
  std::string out = labelled("Service", service.metadata.name, format);
  if (!service.description.empty()) out += labelled("About", safe(service.description), format);
  out +=
      labelled("URL", service.status.url.empty() ? "none yet" : safe(service.status.url), format);
  out += labelled("Ready", condition_text(condition(service, "Ready"), format.style), format);
  out += labelled("Revision", revision_text(service.status), format);
  out += labelled("Traffic", traffic_text(service.status), format);
  out += settings_lines(service.template_, format);
  out += labelled("Instances", bounds_text(service, settings, facts.instances), format);
  if (facts.usage.is_object()) out += labelled("Used", usage_text(facts.usage), format);
  if (facts.prices.is_array()) {
    for (const Json& each : facts.prices.as_array()) {
      // Of the revision that the page is about.
      if (each.string_or("revision") != service.status.latest_ready_revision_name) continue;
      out += labelled("To first byte", rungs_text(each["rungs"]), format);
    }
  }
  if (const Json* json = last_start(facts.starts)) {
    const Start start = start_of(*json);
    const std::string from = json->string_or("from");
    out += fmt::format("\n{} {}{}{}\n{}", format.style.bold("Last start"), safe(start.instance),
                       from.empty() ? "" : ", " + rung_words(from),
                       start.time.empty() ? "" : ", " + age_of(start.time, format.now),
                       waterfall_text(start, format.width, format.style));
  }
  if (!facts.events.empty()) {
    out += fmt::format("\n{}\n{}", format.style.bold("Last events"),
                       events_text(facts.events, format));
  }
  return out;
}

}  // namespace thaw::cli
