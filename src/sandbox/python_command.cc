#include "sandbox/python_command.h"

#include <algorithm>

#include "sandbox/text.h"

namespace thaw::sandbox {
namespace {

constexpr std::string_view kFlags[] = {"-u", "-B", "-O", "-OO"};
constexpr std::string_view kFlagsWithValue[] = {"-X", "-W"};
constexpr std::string_view kTellingVariables[] = {
    "PYTHONSAFEPATH=", "PYTHONINSPECT=", "PYTHONHOME=", "PYTHONSTARTUP=", "PYTHONPLATLIBDIR="};

/// python, python3, python3.11
bool is_python(std::string_view program) {
  const size_t slash = program.rfind('/');
  std::string_view name = slash == program.npos ? program : program.substr(slash + 1);
  if (!name.starts_with("python")) return false;
  name.remove_prefix(6);
  return name.find_first_not_of("0123456789.") == name.npos;
}

std::string_view value_of(const std::vector<std::string>& env, std::string_view prefix) {
  for (const std::string& variable : env) {
    if (variable.starts_with(prefix)) return std::string_view(variable).substr(prefix.size());
  }
  return {};
}

/// "#!/usr/bin/python3 -u" and "#!/usr/bin/env python3" as words; empty for other files.
std::vector<std::string> python_shebang(std::string_view head) {
  const size_t end = head.find('\n');
  if (!head.starts_with("#!") || end == head.npos) return {};
  std::vector<std::string> words;
  for (std::string_view word : split(head.substr(2, end - 2), ' ')) {
    if (!trim(word).empty()) words.emplace_back(trim(word));
  }
  if (words.size() == 2 && words[0].ends_with("/env")) words.erase(words.begin());
  // The kernel passes all that follows the interpreter as one word.
  if (words.empty() || words.size() > 2 || !is_python(words[0])) return {};
  return words;
}

std::optional<PythonCommand> console_script(const std::vector<std::string>& argv,
                                            const std::vector<std::string>& env,
                                            const ReadHead& read_head) {
  std::vector<std::string> places;
  if (argv[0].find('/') != argv[0].npos) {
    places.push_back(argv[0]);
  } else {
    for (std::string_view folder : split(value_of(env, "PATH="), ':')) {
      if (folder.starts_with('/')) places.push_back(std::string(folder) + "/" + argv[0]);
    }
  }
  for (const std::string& place : places) {
    const auto head = read_head(place);
    if (!head) continue;
    PythonCommand command;
    command.interpreter = python_shebang(*head);
    if (command.interpreter.empty()) return std::nullopt;
    const bool known = command.interpreter.size() == 1 ||
                       std::ranges::find(kFlags, command.interpreter[1]) != std::end(kFlags);
    if (!known) return std::nullopt;
    command.target = place;
    command.arguments.assign(argv.begin() + 1, argv.end());
    return command;
  }
  return std::nullopt;
}

}  // namespace

std::optional<PythonCommand> python_command(const std::vector<std::string>& argv,
                                            const std::vector<std::string>& env,
                                            const ReadHead& read_head) {
  if (argv.empty()) return std::nullopt;
  for (const std::string_view variable : kTellingVariables) {
    if (!value_of(env, variable).empty()) return std::nullopt;
  }
  if (!is_python(argv[0])) return console_script(argv, env, read_head);
  PythonCommand command;
  command.interpreter.push_back(argv[0]);
  size_t at = 1;
  for (; at < argv.size() && argv[at].starts_with('-') && argv[at] != "-m"; ++at) {
    const bool has_value =
        std::ranges::find(kFlagsWithValue, argv[at]) != std::end(kFlagsWithValue);
    if (!has_value && std::ranges::find(kFlags, argv[at]) == std::end(kFlags)) return std::nullopt;
    command.interpreter.push_back(argv[at]);
    if (!has_value) continue;
    if (++at == argv.size()) return std::nullopt;
    command.interpreter.push_back(argv[at]);
  }
  if (at < argv.size() && argv[at] == "-m") {
    command.kind = PythonCommand::Kind::kModule;
    ++at;
  }
  if (at == argv.size()) return std::nullopt;
  command.target = argv[at];
  // A folder or archive with a __main__.py is run in another way.
  if (command.kind == PythonCommand::Kind::kScript && !command.target.ends_with(".py"))
    return std::nullopt;
  command.arguments.assign(argv.begin() + static_cast<ptrdiff_t>(at) + 1, argv.end());
  return command;
}

}  // namespace thaw::sandbox
