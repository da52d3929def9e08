#include "cli/doctor_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace thaw::cli {
namespace {

using doctor::Facts;
using doctor::Finding;
using doctor::Severity;

using Rows = std::vector<std::pair<std::string, std::string>>;

std::string coloured(Severity severity, std::string_view text, const Style& style) {
  switch (severity) {
    case Severity::kError:
      return style.red(text);
    case Severity::kWarning:
      return style.yellow(text);
    case Severity::kInfo:
      break;
  }
  return style.dim(text);
}

std::string safe(std::string_view text) { return escape_controls(text, Keep::kNothing); }

/// `label` and then the text, its further lines below its first.
void put(std::string& page, std::string_view label, std::string_view text, size_t width) {
  const size_t room = width > label.size() + 20 ? width - label.size() : 20;
  bool first = true;
  for (const std::string& line : wrap_lines(text, room)) {
    page += first ? std::string(label) : std::string(columns_of(label), ' ');
    page += line + "\n";
    first = false;
  }
}

std::string address_list(const Facts& facts) {
  std::vector<std::string> all;
  for (const auto& l : facts.start.listening) {
    all.push_back(l.ip.find(':') == std::string::npos ? fmt::format("{}:{}", l.ip, l.port)
                                                      : fmt::format("[{}]:{}", l.ip, l.port));
  }
  return fmt::format("{}", fmt::join(all, ", "));
}

std::string stop_text(const doctor::StopFacts& stop) {
  using Signal = doctor::StopFacts::Signal;
  if (stop.term == Signal::kIgnored) return "ignored";
  if (stop.term == Signal::kDefault)
    return "not handled; nothing is lost when nothing is in flight";
  if (stop.ended) return "ended after " + format_duration(stop.after);
  const char* const why = stop.term_after == Signal::kDefault
                              ? ": the runtime leaves it to the kernel, which keeps it from a "
                                "container's first process"
                              : "";
  return fmt::format("still running after {}{}", format_duration(stop.after), why);
}

/// What was measured, whether or not it is a finding.
Rows measured(const Facts& facts) {
  Rows rows;
  if (!facts.start.listening.empty()) {
    rows.emplace_back("listens", fmt::format("on {} after {} ({} of CPU time)", address_list(facts),
                                             format_duration(facts.start.until_listening),
                                             format_duration(facts.start.cpu)));
  }
  if (facts.imports.measured) {
    rows.emplace_back(
        "imports", fmt::format("{} in {} modules, {} of them without byte code",
                               format_duration(facts.imports.total), facts.imports.modules.size(),
                               facts.imports.from_source));
  }
  if (facts.request.answered) {
    rows.emplace_back("answers",
                      fmt::format("GET {}: status {}, {}", safe(facts.target.request_path),
                                  facts.request.status, format_duration(facts.request.latency)));
  }
  if (facts.memory.peak.value > 0) {
    rows.emplace_back("memory",
                      fmt::format("{} after the start, {} after {} requests; limit {}, {} would do",
                                  format_bytes(facts.memory.idle), format_bytes(facts.memory.peak),
                                  facts.memory.requests, format_bytes(facts.target.instance.memory),
                                  format_bytes(doctor::recommended_memory(facts.memory.peak))));
  }
  if (facts.idle.measured) {
    rows.emplace_back("between requests",
                      fmt::format("{} of CPU time in {}", format_duration(facts.idle.cpu),
                                  format_duration(facts.idle.window)));
  }
  if (facts.stop.tried) rows.emplace_back("SIGTERM", stop_text(facts.stop));
  if (facts.weight.measured) {
    rows.emplace_back("folder", fmt::format("{} in {}", format_bytes(facts.weight.total),
                                            count_of(facts.weight.files, "file")));
  }
  return rows;
}

void put_finding(std::string& page, const Finding& finding, const DoctorPage& how) {
  page += fmt::format(
      "\n{}  {}\n", coloured(finding.severity, doctor::severity_name(finding.severity), how.style),
      how.style.bold(finding.id));
  put(page, "  ", safe(finding.what), how.width);
  for (const std::string& line : finding.evidence) put(page, "  - ", safe(line), how.width);
  put(page, "  fix: ", safe(finding.fix), how.width);
  std::string_view command = finding.command;
  while (!command.empty()) {
    const size_t end = std::min(command.find('\n'), command.size());
    page += "    " + how.style.green(safe(command.substr(0, end))) + "\n";
    command.remove_prefix(std::min(end + 1, command.size()));
  }
}

std::string verdict(const std::vector<Finding>& findings, const Style& style) {
  if (findings.empty()) return style.green("Nothing found that would go wrong on Cloud Run.");
  std::vector<std::string> parts;
  for (const auto& [severity, name] : {std::pair{Severity::kError, "error"},
                                       {Severity::kWarning, "warning"},
                                       {Severity::kInfo, "remark"}}) {
    const auto count = std::count_if(findings.begin(), findings.end(),
                                     [&](const Finding& f) { return f.severity == severity; });
    if (count > 0) parts.push_back(coloured(severity, count_of(count, name), style));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string command_text(const Facts& facts) {
  return safe(fmt::format("{}", fmt::join(facts.target.instance.argv, " ")));
}

Json strings(const std::vector<std::string>& values) {
  Json list = Json::array();
  for (const std::string& value : values) list.push_back(value);
  return list;
}

}  // namespace

std::string doctor_page(const Facts& facts, const std::vector<Finding>& findings,
                        const DoctorPage& how) {
  std::string page = how.style.bold(safe(facts.target.name)) + "  " + verdict(findings, how.style);
  page += "\n";
  put(page, "  runs: ",
      command_text(facts) +
          (facts.target.found_by.empty() ? "" : " (" + safe(facts.target.found_by) + ")"),
      how.width);
  for (const Finding& finding : findings) put_finding(page, finding, how);
  const Rows rows = measured(facts);
  if (!rows.empty()) page += "\n" + how.style.bold("Measured") + "\n";
  for (const auto& [name, value] : rows) {
    put(page, fmt::format("  {:<18}", name), value, how.width);
  }
  if (!facts.not_seen.empty()) page += "\n" + how.style.bold("Not seen") + "\n";
  for (const std::string& line : facts.not_seen) put(page, "  - ", safe(line), how.width);
  return page;
}

Json doctor_json(const Facts& facts, const std::vector<Finding>& findings) {
  Json list = Json::array();
  for (const Finding& finding : findings) {
    list.push_back(Json::object({{"id", finding.id},
                                 {"severity", doctor::severity_name(finding.severity)},
                                 {"what", finding.what},
                                 {"evidence", strings(finding.evidence)},
                                 {"fix", finding.fix},
                                 {"command", finding.command}}));
  }
  Json listening = Json::array();
  for (const auto& l : facts.start.listening) {
    listening.push_back(Json::object({{"ip", l.ip}, {"port", int64_t{l.port}}}));
  }
  Json numbers =
      Json::object({{"port", int64_t{facts.start.port}},
                    {"listening", std::move(listening)},
                    {"secondsToListen", to_seconds(facts.start.until_listening)},
                    {"startCpuSeconds", to_seconds(facts.start.cpu)},
                    {"importSeconds", to_seconds(facts.imports.total)},
                    {"importedModules", static_cast<int64_t>(facts.imports.modules.size())},
                    {"modulesWithoutByteCode", facts.imports.from_source},
                    {"compileCpuSeconds", to_seconds(facts.imports.compile_cpu)},
                    {"requestSeconds", to_seconds(facts.request.latency)},
                    {"status", facts.request.status},
                    {"memoryIdleBytes", facts.memory.idle.value},
                    {"memoryPeakBytes", facts.memory.peak.value},
                    {"memoryLimitBytes", facts.target.instance.memory.value},
                    {"idleCpuSeconds", to_seconds(facts.idle.cpu)},
                    {"idleWindowSeconds", to_seconds(facts.idle.window)},
                    {"frozenCpuSeconds", to_seconds(facts.idle.frozen_cpu)},
                    {"folderBytes", facts.weight.total.value}});
  if (facts.memory.peak.value > 0) {
    numbers.set("memoryRecommendedBytes", doctor::recommended_memory(facts.memory.peak).value);
  }
  if (facts.stop.tried) numbers.set("sigterm", stop_text(facts.stop));
  return Json::object({{"target", facts.target.name},
                       {"foundBy", facts.target.found_by},
                       {"command", strings(facts.target.instance.argv)},
                       {"findings", std::move(list)},
                       {"measured", std::move(numbers)},
                       {"notSeen", strings(facts.not_seen)}});
}

}  // namespace thaw::cli
