#include <algorithm>
#include <vector>

#include "cli/command_tables.h"

namespace thaw::cli {
namespace {

constexpr Flag kGlobalFlags[] = {
    {.name = "help", .letter = 'h', .help = "What the command does and its flags."},
    {.name = "json", .help = "Machine-readable output; errors too, on standard error."},
    {.name = "quiet", .letter = 'q', .help = "No progress and no notes, only results and errors."},
    {.name = "api-address",
     .value = "HOST:PORT",
     .help = "The platform's API; else THAW_API_ADDRESS, else 127.0.0.1:8081."},
    {.name = "color",
     .value = "WHEN",
     .help = "auto (the default: on a terminal, unless NO_COLOR is set), always or never.",
     .choices = "auto|always|never"},
};

/// How many of `words` the name takes, or 0 when they do not begin with it.
size_t match(std::string_view name, std::span<const std::string_view> words) {
  size_t taken = 0;
  while (!name.empty()) {
    const size_t end = std::min(name.find(' '), name.size());
    if (taken == words.size() || words[taken] != name.substr(0, end)) return 0;
    ++taken;
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  return taken;
}

}  // namespace

std::span<const Command> commands() {
  static const std::vector<Command> kAll = [] {
    std::vector<Command> all;
    for (const auto group :
         {service_commands(), worker_commands(), storage_commands(), messaging_commands(),
          pipeline_commands(), jobs_commands(), account_commands(), domains_commands(),
          model_commands(), tool_commands()}) {
      all.insert(all.end(), group.begin(), group.end());
    }
    return all;
  }();
  return kAll;
}
std::span<const Flag> global_flags() { return kGlobalFlags; }

Found find_command(std::span<const std::string_view> words) {
  for (const Command& command : commands()) {
    if (const size_t taken = match(command.name, words); taken > 0) return {&command, taken};
  }
  return {};
}

bool is_group(std::string_view word) {
  return std::ranges::any_of(commands(), [&](const Command& command) {
    return command.name.size() > word.size() && command.name.starts_with(word) &&
           command.name[word.size()] == ' ';
  });
}

}  // namespace thaw::cli
