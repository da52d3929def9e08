// `help`, `version`.
#include <fmt/format.h>

#include <algorithm>

#include "base/nearest.h"
#include "cli/handlers.h"
#include "cli/help.h"

namespace thaw::cli {
Outcome<ExitCode> help_command(Context& context, const Words& words) {
  const auto& arguments = words.arguments();
  const auto width = static_cast<size_t>(std::clamp(context.terminal.width(), 60, 100));
  if (arguments.empty()) return context.print(overview_help(context.out));
  if (arguments[0] == "reference") return context.print(reference_page());
  for (const Topic& topic : help_topics()) {
    if (topic.name == arguments[0]) return context.print(topic_help(topic, width, context.out));
  }
  const Found found = find_command(arguments);
  if (found.command != nullptr && found.words == arguments.size()) {
    if (found.command->parsing == Command::Parsing::kRaw && found.command->main == up_command) {
      const std::string_view help = "--help";
      return static_cast<ExitCode>(context.programs.up(std::span(&help, 1)));
    }
    return context.print(command_help(*found.command, width, context.out));
  }
  if (arguments.size() == 1 && is_group(arguments[0])) {
    return context.print(group_help(arguments[0], context.out));
  }
  std::vector<std::string_view> known;
  for (const Command& command : commands()) known.push_back(command.name);
  const std::vector<Topic> topics = help_topics();
  for (const Topic& topic : topics) known.push_back(topic.name);
  const std::string asked = fmt::format("{}", fmt::join(arguments, " "));
  const auto near = nearest(asked, known);
  return usage_failure(
      fmt::format("no help on '{}'; {}", asked,
                  near ? fmt::format("did you mean 'thaw help {}'?", *near) : "see 'thaw help'"));
}

Outcome<ExitCode> version_command(Context& context, const Words&) {
  if (context.json()) {
    return context.print_json(Json::object({{"version", context.programs.version}}));
  }
  return context.print(fmt::format("thaw {}\n", context.programs.version));
}

}  // namespace thaw::cli
