#include <fmt/format.h>

#include "cli/help.h"

namespace thaw::cli {
namespace {

/// `text` for a cell of a Markdown table.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

std::string flag_table(std::span<const Flag> flags) {
  std::string out = "| flag | meaning |\n|---|---|\n";
  for (const Flag& flag : flags) {
    if (flag.support != Flag::Support::kFull) continue;
    out += fmt::format("| `{}` | {} |\n", cell(flag_usage(flag)), cell(flag.help));
  }
  return out;
}

std::string foreign_flags(std::span<const Flag> flags) {
  std::string taken;
  std::string refused;
  for (const Flag& flag : flags) {
    if (flag.support == Flag::Support::kWithoutEffect) {
      taken += fmt::format("{}`--{}`", taken.empty() ? "" : ", ", flag.name);
    } else if (flag.support == Flag::Support::kRefused) {
      refused += fmt::format("| `--{}` | {} |\n", flag.name, cell(flag.help));
    }
  }
  std::string out;
  if (!taken.empty()) out += fmt::format("\nTaken for gcloud's sake, without effect: {}.\n", taken);
  if (!refused.empty()) {
    out += fmt::format(
        "\nRefused, because what they ask for would be missed:\n\n"
        "| flag | why |\n|---|---|\n{}",
        refused);
  }
  return out;
}

std::string command_section(const Command& command) {
  std::string out = fmt::format("\n### thaw {}\n{}.\n\n```\nthaw {}{}{}{}\n```\n", command.name,
                                command.summary, command.name, command.arguments.empty() ? "" : " ",
                                command.arguments, command.flags.empty() ? "" : " [FLAGS]");
  for (const std::string& paragraph : wrap_lines(command.description, 100000)) {
    if (!paragraph.empty()) out += "\n" + paragraph + "\n";
  }
  if (!command.flags.empty()) {
    out += "\n" + flag_table(command.flags) + foreign_flags(command.flags);
  }
  if (!command.examples.empty()) out += fmt::format("\n```\n{}```\n", command.examples);
  return out;
}

}  // namespace

std::string reference_page() {
  std::string out =
      "# The `thaw` command\n\n"
      "Made from the tables in src/cli/*_command_table.cc; after a change there, "
      "`thaw help reference > docs/reference/cli.md`.\n\n"
      "## Commands\n\n| command | what it does |\n|---|---|\n";
  for (const Command& command : commands()) {
    if (command.shown == Command::Shown::kHidden) continue;
    out += fmt::format("| [`thaw {}`](#thaw-", command.name);
    for (const char c : command.name) out += c == ' ' ? '-' : c;
    out += fmt::format(") | {} |\n", command.summary);
  }
  out += "\n## Flags of every command\n\n" + flag_table(global_flags());
  for (const Topic& topic : help_topics()) {
    out += fmt::format("\n## {}\n\n{}", topic.title, topic.text);
  }
  out += "\n## Each command\n";
  for (const Command& command : commands()) {
    if (command.shown == Command::Shown::kYes) out += command_section(command);
  }
  return out;
}

}  // namespace thaw::cli
