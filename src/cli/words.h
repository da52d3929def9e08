// Words: what was typed after a command's name, sorted into flags and arguments by its table entry.
//
// --flag VALUE, --flag=VALUE, --switch, --no-switch, -f, -fVALUE; "--" ends the flags; "-" is an
// argument. Of a flag given twice the last counts. (CLI11 would cost 80 us a start and 7 s a
// compile for the same, and the messages would still be ours.)
// Thread: any. Owner: the words and the command outlive it; no text is copied.
// Limits: what the system's argument list holds.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "cli/command.h"

namespace thaw::cli {

struct IntRange {
  int64_t lowest;
  int64_t highest;
};

class Words {
 public:
  /// kUsage: an unknown flag (with the nearest known one), a missing or unwanted value, a value
  /// that is none of the choices, too few or too many arguments.
  static Outcome<Words> parse(const Command& command, std::span<const std::string_view> words);

  /// All words as arguments, for a command of Command::Parsing::kRaw.
  static Words unparsed(const Command& command, std::span<const std::string_view> words);

  const Command& command() const { return *command_; }
  const std::vector<std::string_view>& arguments() const { return arguments_; }
  /// Whether "--" stood in front of the first argument: what follows is somebody else's.
  bool are_foreign() const { return are_foreign_; }

  /// Precondition of all: the flag is in the command's table or a global one.
  std::optional<std::string_view> value(std::string_view flag) const;  // the last one
  std::vector<std::string_view> values(std::string_view flag) const;
  /// The switch's last setting; nullopt when it was not given.
  std::optional<bool> setting(std::string_view flag) const;
  bool is_on(std::string_view flag) const { return setting(flag).value_or(false); }
  bool given(std::string_view flag) const;
  /// The flags that were given, but for global ones, as typed ("--no-traffic").
  std::vector<std::string> given_own_flags() const;

  /// kUsage names the flag, the value and the range.
  Outcome<std::optional<int64_t>> integer(std::string_view flag, IntRange range) const;
  Outcome<std::optional<double>> real(std::string_view flag) const;
  Outcome<std::optional<Duration>> duration(std::string_view flag) const;

 private:
  struct Given {
    const Flag* flag;
    std::string_view value;
    bool on = true;
  };
  explicit Words(const Command& command) : command_(&command) {}
  Outcome<size_t> take_long(std::span<const std::string_view> words, size_t at);
  Outcome<size_t> take_letters(std::span<const std::string_view> words, size_t at);
  Outcome<std::string_view> value_after(std::span<const std::string_view> words, size_t at,
                                        const Flag& flag) const;
  Outcome<size_t> take(Given given, size_t next);
  Outcome<size_t> check_count() const;
  const Flag* find(std::string_view name) const;
  const Given* last(std::string_view flag) const;

  const Command* command_;
  std::vector<std::string_view> arguments_;
  bool are_foreign_ = false;
  std::vector<Given> given_;
};

/// A whole number, all of `text`.
std::optional<int64_t> parse_integer(std::string_view text);
/// A finite decimal number, all of `text`.
std::optional<double> parse_real(std::string_view text);
/// The parts of "a|b|c".
std::vector<std::string_view> split(std::string_view text, char separator);

/// The global flags' meaning.
struct Globals {
  enum class Format { kHuman, kJson };
  Format format = Format::kHuman;
  enum class Chatter { kNormal, kQuiet };
  Chatter chatter = Chatter::kNormal;
  std::string api_address;  // as given; empty: environment or default
  std::string colour = "auto";
};
Globals globals_of(const Words& words);

/// Goes over global flags in front of a command's name; `at` becomes the first other word.
/// kUsage as parse().
Outcome<size_t> skip_global_flags(std::span<const std::string_view> words);

/// "unknown flag --jsno; did you mean --json?"
Failure unknown_flag(const Command* command, std::string_view word);

}  // namespace thaw::cli
