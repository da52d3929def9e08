#include "cli/cli.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/nearest.h"
#include "cli/context.h"
#include "cli/handlers.h"
#include "cli/help.h"

namespace thaw::cli {
namespace {

using WordList = std::vector<std::string_view>;

/// What cannot be read as globals yet is looked for by eye, so that the message about wrong words
/// comes in the form that was asked for.
Globals guess_globals(std::span<const std::string_view> words) {
  Globals globals;
  if (std::find(words.begin(), words.end(), "--json") != words.end()) {
    globals.format = Globals::Format::kJson;
  }
  return globals;
}

Failure unknown_command(std::span<const std::string_view> words) {
  const std::string_view first = words[0];
  std::vector<std::string_view> known;
  if (is_group(first)) {
    for (const Command& command : commands()) {
      if (command.name.starts_with(std::string(first) + " ")) {
        known.push_back(command.name.substr(first.size() + 1));
      }
    }
    if (words.size() == 1 || words[1].starts_with("-")) {
      return usage_failure(fmt::format("thaw {} needs one of: {}", first, fmt::join(known, ", ")));
    }
    std::string message = fmt::format("unknown command 'thaw {} {}'", first, words[1]);
    if (const auto near = nearest(words[1], known)) {
      message += fmt::format("; did you mean 'thaw {} {}'?", first, *near);
    } else {
      message += fmt::format("; it has {}", fmt::join(known, ", "));
    }
    return usage_failure(std::move(message));
  }
  for (const Command& command : commands()) {
    if (command.shown == Command::Shown::kHidden) continue;
    known.push_back(command.name.substr(0, command.name.find(' ')));
  }
  std::string message = fmt::format("unknown command 'thaw {}'", first);
  if (const auto near = nearest(first, known)) {
    message += fmt::format("; did you mean 'thaw {}'?", *near);
  } else {
    message += "; see 'thaw help'";
  }
  return usage_failure(std::move(message));
}

/// `thaw`, `thaw --help`, `thaw --version`, `thaw services --help`.
bool wants_help(std::span<const std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [](std::string_view word) { return word == "--help" || word == "-h"; });
}

struct Invocation {
  const Command* command = nullptr;
  WordList words;  // without the command's name
};

Outcome<Invocation> find_invocation(std::span<const std::string_view> all) {
  ASSIGN_OR_RETURN(const size_t at, skip_global_flags(all));
  const Found found = find_command(all.subspan(at));
  if (found.command == nullptr) return unknown_command(all.subspan(at));
  Invocation invocation{found.command, WordList(all.begin(), all.begin() + at)};
  const auto rest = all.subspan(at + found.words);
  invocation.words.insert(invocation.words.end(), rest.begin(), rest.end());
  return invocation;
}

class Runner {
 public:
  Runner(const Programs& programs, Terminal& terminal, Ports& ports)
      : programs_(programs), terminal_(terminal), ports_(ports) {}

  int run(std::span<const std::string_view> all) {
    Globals globals = guess_globals(all);
    if (const auto exit = run_without_command(all, globals)) return *exit;
    auto invocation = find_invocation(all);
    if (!invocation) return finish(context(globals), std::move(invocation).error());
    const Command& command = *invocation->command;
    const bool raw = command.parsing == Command::Parsing::kRaw;
    auto words = raw ? Outcome<Words>(Words::unparsed(command, invocation->words))
                     : Words::parse(command, invocation->words);
    if (!words) return finish(context(globals), std::move(words).error());
    if (!raw) globals = globals_of(*words);
    Context ctx = context(globals);
    if (!raw && words->is_on("help")) {
      return finish(ctx, ctx.print(command_help(command, help_width(), ctx.out)));
    }
    return finish(ctx, command.main(ctx, *words));
  }

 private:
  std::optional<int> run_without_command(std::span<const std::string_view> all,
                                         const Globals& globals) {
    Context ctx = context(globals);
    if (all.empty()) return finish(ctx, ctx.print(overview_help(ctx.out)));
    if (all.size() == 1 && all[0] == "--version") {
      const Found found = find_command(WordList{"version"});
      return finish(ctx, found.command->main(ctx, Words::unparsed(*found.command, {})));
    }
    const auto at = skip_global_flags(all);
    if (!at) return std::nullopt;
    if (*at == all.size()) {
      if (wants_help(all)) return finish(ctx, ctx.print(overview_help(ctx.out)));
      return finish(ctx, usage_failure("no command is given; see 'thaw help'"));
    }
    const auto rest = all.subspan(*at);
    if (is_group(rest[0]) && find_command(rest).command == nullptr && wants_help(rest)) {
      return finish(ctx, ctx.print(group_help(rest[0], ctx.out)));
    }
    return std::nullopt;
  }

  size_t help_width() const { return static_cast<size_t>(std::clamp(terminal_.width(), 60, 100)); }

  Context context(const Globals& globals) const {
    return make_context(programs_, terminal_, ports_, globals);
  }

  static int finish(const Context& ctx, const Outcome<ExitCode>& outcome) {
    if (outcome) return number(*outcome);
    const Failure& failure = outcome.error();
    // Nobody reads the output any more (`thaw logs | head`): that is no fault.
    if (failure.error.code() == Code::kCancelled) return number(ExitCode::kOk);
    print_failure(ctx, failure);
    return number(failure.exit);
  }

  const Programs& programs_;
  Terminal& terminal_;
  Ports& ports_;
};

}  // namespace

int run(int argc, const char* const* argv, const Programs& programs, Terminal& terminal,
        Ports& ports) {
  const WordList words(argv + std::min(argc, 1), argv + argc);
  return Runner(programs, terminal, ports).run(words);
}

}  // namespace thaw::cli
