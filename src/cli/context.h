// Context: what every command is given besides its words.
//
// Thread: the caller's of run(). Owner: lives as long as the command runs. Limits: none.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "cli/cli.h"
#include "cli/outcome.h"
#include "cli/text.h"
#include "cli/words.h"

namespace thaw::cli {

struct Context {
  const Programs& programs;
  Terminal& terminal;
  Ports& ports;
  Globals globals;
  Style out{Style::Colour::kOff};
  Style err{Style::Colour::kOff};

  bool json() const { return globals.format == Globals::Format::kJson; }
  bool quiet() const { return globals.chatter == Globals::Chatter::kQuiet; }
  /// Columns for tables on standard output; 0 where it is no terminal: nothing is cut.
  size_t table_width() const;

  /// To standard output; kCancelled when nobody reads it.
  Outcome<ExitCode> print(std::string_view text) const;
  /// `value` as indented JSON and a line end.
  Outcome<ExitCode> print_json(const Json& value) const;
  /// To standard error, with a line end; nothing with --quiet.
  void note(std::string_view text) const;
  /// To standard error also with --quiet: what the user should not miss.
  void warn(std::string_view text) const;
};

/// Colours as --color, NO_COLOR and the terminal say.
Context make_context(const Programs& programs, Terminal& terminal, Ports& ports, Globals globals);

/// The failure on standard error: as text, or as JSON like the API's errors.
void print_failure(const Context& context, const Failure& failure);

}  // namespace thaw::cli
