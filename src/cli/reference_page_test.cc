#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "cli/help.h"

namespace thaw::cli {
namespace {

std::string file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST(ReferencePage, IsCurrent) {
  const auto made = wrap_lines(reference_page(), 100'000);
  const auto kept = wrap_lines(file(THAW_SOURCE_DIR "/docs/reference/cli.md"), 100'000);
  // The first line that differs says enough.
  const auto [ours, theirs] = std::mismatch(made.begin(), made.end(), kept.begin(), kept.end());
  EXPECT_TRUE(ours == made.end() && theirs == kept.end())
      << "line " << ours - made.begin() + 1 << " should be: " << (ours == made.end() ? "" : *ours)
      << "\nrun: thaw help reference > docs/reference/cli.md";
}

TEST(CommandTable, EveryCommandCanBeFoundByItsNameAndExplainsItself) {
  for (const Command& command : commands()) {
    std::vector<std::string_view> words;
    std::string_view name = command.name;
    while (!name.empty()) {
      words.push_back(name.substr(0, name.find(' ')));
      name.remove_prefix(std::min(name.size(), words.back().size() + 1));
    }
    EXPECT_EQ(find_command(words).command, &command) << command.name;
    EXPECT_NE(command.main, nullptr);
    if (command.shown == Command::Shown::kHidden) continue;
    EXPECT_FALSE(command.summary.empty() || command.summary.ends_with(".")) << command.name;
  }
}

TEST(CommandTable, NoFlagStandsTwiceForACommand) {
  for (const Command& command : commands()) {
    std::set<std::string> names;
    std::set<char> letters;
    const auto check = [&](std::span<const Flag> flags) {
      for (const Flag& flag : flags) {
        EXPECT_TRUE(names.insert(std::string(flag.name)).second) << command.name << flag.name;
        if (flag.letter != 0) {
          EXPECT_TRUE(letters.insert(flag.letter).second) << command.name << flag.letter;
        }
        const bool explained = flag.support == Flag::Support::kWithoutEffect || !flag.help.empty();
        EXPECT_TRUE(explained) << command.name << " --" << flag.name;
        EXPECT_TRUE(flag.is_switch() || flag.negation == Flag::Negation::kNone) << flag.name;
      }
    };
    check(command.flags);
    check(global_flags());
  }
}

TEST(Help, LinesFitTheTerminal) {
  for (const Command& command : commands()) {
    const std::string text = command_help(command, 80, Style(Style::Colour::kOff));
    for (const std::string& line : wrap_lines(text, 100000)) {
      if (line.starts_with("  $")) continue;  // examples stand as they are typed
      EXPECT_LE(columns_of(line), 100u) << line;
    }
  }
}

}  // namespace
}  // namespace thaw::cli
