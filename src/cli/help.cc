#include "cli/help.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/exit_code.h"

namespace thaw::cli {
namespace {

constexpr size_t kIndent = 2;

/// "  left    right" with the right side wrapped under itself.
std::string two_columns(const std::vector<std::pair<std::string, std::string>>& rows, size_t left,
                        size_t width) {
  std::string out;
  const size_t start = kIndent + left + 2;
  const size_t room = width > start + 20 ? width - start : 20;
  for (const auto& [name, text] : rows) {
    std::vector<std::string> lines = wrap_lines(text, room);
    std::string head = std::string(kIndent, ' ') + name;
    if (columns_of(name) > left) {
      out += head + "\n";
      head.clear();
    }
    for (const std::string& line : lines) {
      head.resize(std::max(head.size(), start), ' ');
      out += head + line + "\n";
      head.clear();
    }
  }
  return out;
}

/// Markdown's marks of code and weight taken away.
std::string plain(std::string_view markdown) {
  std::string text;
  for (const char c : markdown) {
    if (c != '`' && c != '*') text += c;
  }
  return text;
}

/// The cells of "| a | b |".
std::vector<std::string> cells_of(std::string_view row) {
  std::vector<std::string> cells;
  row.remove_prefix(2);
  while (!row.empty()) {
    const size_t end = std::min(row.find(" |"), row.size());
    cells.emplace_back(row.substr(0, end));
    row.remove_prefix(std::min(end + 3, row.size()));
  }
  return cells;
}

std::string command_lines(std::string_view group) {
  std::vector<std::pair<std::string, std::string>> rows;
  size_t widest = 0;
  for (const Command& command : commands()) {
    if (command.shown == Command::Shown::kHidden) continue;
    if (!group.empty() && !command.name.starts_with(group)) continue;
    rows.emplace_back(command.name, command.summary);
    widest = std::max(widest, command.name.size());
  }
  return two_columns(rows, widest, 100);
}

std::string flag_lines(std::span<const Flag> flags, size_t width) {
  std::vector<std::pair<std::string, std::string>> rows;
  for (const Flag& flag : flags) {
    if (flag.support == Flag::Support::kFull) rows.emplace_back(flag_usage(flag), flag.help);
  }
  constexpr size_t kLeft = 26;
  return two_columns(rows, kLeft, width);
}

std::string exit_code_text() {
  std::string text = "| code | meaning | what to do |\n|---|---|---|\n";
  for (const ExitCodeMeaning& each : exit_code_meanings()) {
    text += fmt::format("| {} | **{}**. {} | {} |\n", number(each.code), each.name, each.meaning,
                        each.what_to_do);
  }
  text +=
      "\nIn a script: 3 may be retried, 4 and 5 need another request, 6 another program or "
      "settings. `up`, `serve` and `forecast` use 0, 1, 2 and 5 in the same sense.\n";
  return text;
}

constexpr std::string_view kEnvironmentText =
    "| variable | meaning |\n|---|---|\n"
    "| `THAW_API_ADDRESS` | Where the platform's API is, as HOST:PORT; --api-address wins. |\n"
    "| `PORT` | Where `thaw serve` listens; --port wins. |\n"
    "| `THAW_COUNTRY_HOLIDAYS` | The folder of the tables of countries' holidays that `forecast` "
    "and "
    "`serve` read. |\n"
    "| `NO_COLOR` | Not empty: no colours, unless --color=always. |\n"
    "\nThe options of `thaw up` have variables of their own: `thaw up --help`.\n";

constexpr std::string_view kJsonText =
    "With `--json` standard output holds one JSON document and nothing else (`logs`: one document "
    "a line). Members may be added; those named here keep their names and types.\n\n"
    "| command | document |\n|---|---|\n"
    "| `services list` | array of Service objects of serving.knative.dev/v1, by name |\n"
    "| `services describe` | one Service object |\n"
    "| `services describe --details` | `{service, revisions, instances, starts, usage, prices, "
    "logs}` |\n"
    "| `revisions list`, `describe` | array of Revision objects of v1, newest first; one object, "
    "with "
    "`rungs`: what each rung of the ladder costs it |\n"
    "| `instances list` | array of `{name, service, revision, state, temperature, start, inFlight, "
    "ageSeconds, cpuSeconds, memoryBytes, swappedBytes, memoryPeakBytes, memoryLimitBytes}`; with "
    "--watch one object a line for each that is new, changed or gone |\n"
    "| `deploy` | the Service object after it became ready, after it failed, or with --async as "
    "stored |\n"
    "| `services update-traffic` | the Service object |\n"
    "| `services usage` | `{vcpuSeconds, gibSeconds, instanceSeconds, requests, costUsd, "
    "priceList}` |\n"
    "| `services delete`, `revisions delete` | `{\"deleted\": [NAME, ...]}` |\n"
    "| `logs` | lines `{timestamp, severity, message, service, revision, instance, stream}` |\n"
    "| `invoke` | `{status, headers, body}`; body as base64 in `bodyBase64` when it is no UTF-8; "
    "`start` with --waterfall |\n"
    "| `forecast` | as --output json |\n"
    "| `env` | object of variable names and values |\n"
    "| `doctor` | `{target, foundBy, command, findings, measured, notSeen}`; a finding is `{id, "
    "severity, what, evidence, fix, command}` |\n"
    "| `version` | `{\"version\": \"0.1.0\"}` |\n"
    "| an error, on standard error | `{error: {code, status, message, exitCode}}`, code and status "
    "as in Google's APIs |\n";

}  // namespace

std::string flag_usage(const Flag& flag) {
  std::string usage = flag.negation == Flag::Negation::kAllowed
                          ? fmt::format("--[no-]{}", flag.name)
                          : fmt::format("--{}", flag.name);
  if (flag.letter != 0) usage += fmt::format(", -{}", flag.letter);
  if (!flag.is_switch()) usage += fmt::format(" {}", flag.value);
  return usage;
}

std::string overview_help(const Style& style) {
  std::string out = fmt::format(
      "Thaw runs models and containers as services that cost nothing while nobody calls.\n\n"
      "{}\n  thaw COMMAND [ARGUMENTS] [FLAGS]\n\n{}\n{}\n{}\n{}\n",
      style.bold("Usage"), style.bold("Commands"), command_lines(""),
      style.bold("Flags of every command"), flag_lines(global_flags(), 100));
  out += fmt::format("{}\n  thaw help COMMAND\n", style.bold("More"));
  for (const Topic& topic : help_topics()) out += fmt::format("  thaw help {}\n", topic.name);
  return out;
}

std::string group_help(std::string_view group, const Style& style) {
  return fmt::format("{}\n{}", style.bold("Commands"), command_lines(group));
}

std::string command_help(const Command& command, size_t width, const Style& style) {
  std::string out =
      fmt::format("{}.\n\n{}\n  thaw {}{}{}{}\n", command.summary, style.bold("Usage"),
                  command.name, command.arguments.empty() ? "" : " ", command.arguments,
                  command.flags.empty() ? "" : " [FLAGS]");
  if (!command.description.empty()) {
    out += "\n";
    for (const std::string& line : wrap_lines(command.description, width)) out += line + "\n";
  }
  if (!command.flags.empty()) {
    out += fmt::format("\n{}\n{}", style.bold("Flags"), flag_lines(command.flags, width));
  }
  out += fmt::format("\n{}\n{}", style.bold("Flags of every command"),
                     flag_lines(global_flags(), width));
  if (!command.examples.empty()) {
    out += fmt::format("\n{}\n", style.bold("Examples"));
    for (const std::string& line : wrap_lines(command.examples, 1000)) {
      if (!line.empty()) out += fmt::format("  {}\n", line);
    }
  }
  return out;
}

std::string topic_help(const Topic& topic, size_t width, const Style& style) {
  std::string out = style.bold(topic.title) + "\n";
  constexpr size_t kLeft = 18;
  for (const std::string& line : wrap_lines(topic.text, 100'000)) {
    if (line.starts_with("|--")) continue;
    if (!line.starts_with("| ")) {
      for (const std::string& part : wrap_lines(plain(line), width)) out += part + "\n";
      continue;
    }
    const std::vector<std::string> cells = cells_of(line);
    std::string rest;
    for (size_t i = 1; i < cells.size(); ++i) {
      rest += (rest.empty() || cells[i].empty() ? "" : " ") + plain(cells[i]);
    }
    out += two_columns({{plain(cells[0]), rest}}, kLeft, width);
  }
  return out;
}

std::vector<Topic> help_topics() {
  return {{"exit-codes", "Exit codes", exit_code_text()},
          {"environment", "Environment variables", std::string(kEnvironmentText)},
          {"json", "JSON output", std::string(kJsonText)}};
}

}  // namespace thaw::cli
