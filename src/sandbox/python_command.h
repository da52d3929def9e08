// What a command runs when it runs Python: which interpreter, which file or module.
//
// Told honestly or not at all: a command that is not understood in full has no template.
// Thread: any. Owner: values. Limits: looks at the first 256 bytes of one file.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace thaw::sandbox {

struct PythonCommand {
  std::vector<std::string> interpreter;  // with its flags, e.g. {"python3", "-u"}
  enum class Kind { kScript, kModule } kind = Kind::kScript;
  std::string target;  // a file, absolute where PATH or a shebang led to it; or a module's name
  std::vector<std::string> arguments;

  bool operator==(const PythonCommand&) const = default;
};

/// The beginning of a file; nothing when it cannot be read.
using ReadHead = std::function<std::optional<std::string>(const std::string& path)>;

/// `env`: "NAME=value" lines. Nothing for other programs, for `-c`, for flags and variables that
/// change where modules come from or what happens at the end (-I, -E, -S, -i, PYTHONSAFEPATH, ...).
std::optional<PythonCommand> python_command(const std::vector<std::string>& argv,
                                            const std::vector<std::string>& env,
                                            const ReadHead& read_head);

}  // namespace thaw::sandbox
