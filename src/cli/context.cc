#include "cli/context.h"

#include <fmt/format.h>

#include <algorithm>

namespace thaw::cli {
namespace {

Style style_for(const Terminal& terminal, const Globals& globals, bool is_tty) {
  if (globals.colour == "always") return Style(Style::Colour::kOn);
  if (globals.colour == "never" || !is_tty) return Style(Style::Colour::kOff);
  // https://no-color.org: present and not empty, whatever its value.
  if (!terminal.env("NO_COLOR").value_or("").empty()) return Style(Style::Colour::kOff);
  if (terminal.env("TERM") == "dumb") return Style(Style::Colour::kOff);
  return Style(Style::Colour::kOn);
}

}  // namespace

Context make_context(const Programs& programs, Terminal& terminal, Ports& ports, Globals globals) {
  const Style out = style_for(terminal, globals, terminal.out_is_tty());
  const Style err = style_for(terminal, globals, terminal.err_is_tty());
  return Context{programs, terminal, ports, std::move(globals), out, err};
}

size_t Context::table_width() const {
  return terminal.out_is_tty() ? static_cast<size_t>(std::max(terminal.width(), 20)) : 0;
}

Outcome<ExitCode> Context::print(std::string_view text) const {
  RETURN_IF_ERROR(terminal.write_out(text));
  return ExitCode::kOk;
}

Outcome<ExitCode> Context::print_json(const Json& value) const {
  return print(value.dump(Json::Style::kIndented) + "\n");
}

void Context::note(std::string_view text) const {
  if (!quiet()) warn(text);
}

void Context::warn(std::string_view text) const { terminal.write_err(fmt::format("{}\n", text)); }

void print_failure(const Context& context, const Failure& failure) {
  const Error& error = failure.error;
  if (context.json()) {
    context.warn(Json::object({{"error", Json::object({
                                             {"code", http_status(error.code())},
                                             {"status", code_name(error.code())},
                                             {"message", error.message()},
                                             {"exitCode", number(failure.exit)},
                                         })}})
                     .dump(Json::Style::kIndented));
    return;
  }
  // Messages may quote what a service or a file said. Several problems come one a line, each
  // beginning with file:line, so that editors find the place.
  const std::string text = escape_controls(error.message(), Keep::kLinesAndTabs);
  const std::string_view separator = text.find('\n') == std::string::npos ? " " : "\n";
  context.warn(fmt::format("{}{}{}", context.err.red("thaw:"), separator, text));
}

}  // namespace thaw::cli
