// Help: the texts of `thaw help`, made from the command table. Thread: any. Owner: values.
// Limits: none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "cli/text.h"

namespace thaw::cli {

/// All commands, one line each.
std::string overview_help(const Style& style);
/// One group's commands ("services").
std::string group_help(std::string_view group, const Style& style);
std::string command_help(const Command& command, size_t width, const Style& style);

/// A topic of `thaw help TOPIC` that is no command: its name, what it is and its text in Markdown.
struct Topic {
  std::string_view name;
  std::string_view title;
  std::string text;
};
std::vector<Topic> help_topics();
/// The topic for a terminal: its tables become a narrow and a wide column.
std::string topic_help(const Topic& topic, size_t width, const Style& style);

/// "--data, -d TEXT|@FILE|-" or "--[no-]plot": how a flag is shown.
std::string flag_usage(const Flag& flag);

/// docs/reference/cli.md, whole.
std::string reference_page();

}  // namespace thaw::cli
