// Command: one entry of the static table from which parsing, help, completion and the reference
// page are made.
//
// Not for what a command does: its `main`. Thread: any. Owner: the table is constant data; views in
// it live as long as the program. Limits: none.
#pragma once

#include <span>
#include <string_view>

#include "cli/outcome.h"

namespace thaw::cli {

struct Context;
class Words;

/// What completion offers for a value.
enum class Completes { kNothing, kService, kRevision, kFile, kServiceOrFile, kCommand };

struct Flag {
  std::string_view name;          // without dashes
  char letter = 0;                // 'f' for -f; 0: none
  std::string_view value = "";    // the value's name in help; "": a switch
  std::string_view help = "";     // one or more sentences
  std::string_view choices = "";  // "a|b|c": nothing else is taken
  enum class Negation { kNone, kAllowed };
  Negation negation = Negation::kNone;  // whether --no-NAME exists, for a switch
  Completes completes = Completes::kNothing;
  /// gcloud's flags that change nothing here are taken; those that would be missed are refused,
  /// and `help` says why. Neither is shown in help.
  enum class Support { kFull, kWithoutEffect, kRefused };
  Support support = Support::kFull;

  bool is_switch() const { return value.empty(); }
};

struct Command {
  std::string_view name;         // "services list"
  std::string_view arguments;    // "NAME [PATH]"
  std::string_view summary;      // one line, no full stop
  std::string_view description;  // paragraphs; may be empty
  std::span<const Flag> flags;   // its own; the global ones are taken by every command
  size_t min_arguments = 0;
  size_t max_arguments = 0;
  Completes completes = Completes::kNothing;  // its first argument
  std::string_view examples;                  // lines "$ thaw ..." and "# ..."
  Outcome<ExitCode> (*main)(Context& context, const Words& words) = nullptr;
  /// kRaw: the words after the name are passed on as they are.
  enum class Parsing { kTable, kRaw };
  Parsing parsing = Parsing::kTable;
  enum class Shown { kYes, kHidden };
  Shown shown = Shown::kYes;
};

/// All commands, in the order help shows them.
std::span<const Command> commands();
/// --json, --api-address and the others that every command takes.
std::span<const Flag> global_flags();

/// What the first words name: a command (and how many words its name has), or nothing.
struct Found {
  const Command* command = nullptr;
  size_t words = 0;
};
Found find_command(std::span<const std::string_view> words);

/// Whether `word` begins longer commands ("services").
bool is_group(std::string_view word);

}  // namespace thaw::cli
