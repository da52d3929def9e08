// `thaw instances list`, once or as it changes.
#include <fmt/format.h>

#include <map>

#include "cli/api.h"
#include "cli/handlers.h"
#include "cli/http_call.h"
#include "cli/table.h"

namespace thaw::cli {
namespace {

constexpr Duration kLookEvery = milliseconds(250);
constexpr std::string_view kToTop = "\x1b[H";
constexpr std::string_view kClearLine = "\x1b[K";
constexpr std::string_view kClearBelow = "\x1b[J";
constexpr std::string_view kClearAll = "\x1b[2J";

std::string short_seconds(const Json& instance, std::string_view key) {
  const Json& value = instance[key];
  return value.is_number() ? format_duration(seconds(value.as_double())) : "";
}

std::string memory_cell(const Json& instance) {
  const ByteCount used{instance.int_or("memoryBytes", 0)};
  const ByteCount limit{instance.int_or("memoryLimitBytes", 0)};
  const ByteCount swapped{instance.int_or("swappedBytes", 0)};
  std::string text = format_bytes(used);
  if (swapped.value > 0) text += fmt::format(" + {} swapped", format_bytes(swapped));
  return limit.value == 0 ? text : fmt::format("{} of {}", text, format_bytes(limit));
}

Outcome<Json> read_instances(Api& api, const Words& words) {
  ASSIGN_OR_RETURN(const Json answer, api.get(thaw_path("instances")));
  const Json& all = answer.is_object() ? answer["instances"] : answer;
  Json shown = Json::array();
  if (!all.is_array()) return shown;
  for (const Json& instance : all.as_array()) {
    const auto service = words.value("service");
    if (!service || instance.string_or("service") == *service) shown.push_back(instance);
  }
  return shown;
}

std::string table_of(const Context& context, const Json& instances) {
  Table table({{.title = "NAME"},
               {.title = "STATE"},
               {.title = "TEMPERATURE"},
               {.title = "START"},
               {.title = "REQUESTS", .align = Align::kRight},
               {.title = "AGE", .align = Align::kRight},
               {.title = "CPU USED", .align = Align::kRight},
               {.title = "MEMORY", .align = Align::kRight}});
  for (const Json& instance : instances.as_array()) {
    table.add_row({instance.string_or("name"), instance.string_or("state"),
                   instance.string_or("temperature"), instance.string_or("start"),
                   fmt::format("{}", instance.int_or("inFlight", 0)),
                   short_seconds(instance, "ageSeconds"), short_seconds(instance, "cpuSeconds"),
                   memory_cell(instance)});
  }
  return table.text(context.table_width(), context.out);
}

/// What a change is told for: not age, CPU time or memory, which change all the time.
std::string mark_of(const Json& instance) {
  return fmt::format("{} {} {}", instance.string_or("state"), instance.string_or("temperature"),
                     instance.int_or("inFlight", 0));
}

/// One line of JSON for each instance that is new, changed or gone since the last look.
Outcome<ExitCode> print_changes(Context& context, const Json& instances,
                                std::map<std::string, Json>& known) {
  std::map<std::string, Json> now;
  for (const Json& instance : instances.as_array()) now[instance.string_or("name")] = instance;
  for (const auto& [name, instance] : now) {
    const auto before = known.find(name);
    if (before != known.end() && mark_of(before->second) == mark_of(instance)) continue;
    RETURN_IF_ERROR(context.print(instance.dump() + "\n"));
  }
  for (auto& [name, instance] : known) {
    if (now.contains(name)) continue;
    instance.set("state", "gone");
    instance.set("temperature", "cold");
    instance.set("inFlight", 0);
    RETURN_IF_ERROR(context.print(instance.dump() + "\n"));
  }
  known = std::move(now);
  return ExitCode::kOk;
}

/// The table over the last one, line by line, so that it does not flicker.
std::string redrawn(std::string_view table) {
  std::string text(kToTop);
  for (const char c : table) {
    if (c == '\n') text += kClearLine;
    text += c;
  }
  return text + std::string(kClearBelow);
}

/// Until nobody reads, Ctrl-C, or the API is gone.
Outcome<ExitCode> watch(Context& context, Api& api, const Words& words) {
  std::map<std::string, Json> known;
  std::string last;
  const bool redraw = context.terminal.out_is_tty() && !context.json();
  if (redraw) RETURN_IF_ERROR(context.print(kClearAll));
  for (;;) {
    ASSIGN_OR_RETURN(const Json instances, read_instances(api, words));
    if (context.json()) {
      RETURN_IF_ERROR(print_changes(context, instances, known));
    } else {
      const std::string table = instances.as_array().empty()
                                    ? "No instances: everything is at zero.\n"
                                    : table_of(context, instances);
      if (table != last) RETURN_IF_ERROR(context.print(redraw ? redrawn(table) : table));
      last = table;
    }
    pause_for(context.ports, kLookEvery);
  }
}

}  // namespace

Outcome<ExitCode> instances_list_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Api api, Api::open(context));
  if (words.is_on("watch")) return watch(context, api, words);
  ASSIGN_OR_RETURN(const Json shown, read_instances(api, words));
  if (context.json()) return context.print_json(shown);
  if (shown.as_array().empty()) {
    context.note("No instances: everything is at zero.");
    return ExitCode::kOk;
  }
  return context.print(table_of(context, shown));
}

}  // namespace thaw::cli
