#include "sandbox/start_failure.h"

#include <fmt/format.h>

#include "base/json.h"
#include "sandbox/text.h"

namespace thaw::sandbox {
namespace {

constexpr std::string_view kExecFailed = "exec container process";

/// Where an instance has a folder of its own instead of the host's.
std::string hint_for(std::string_view path) {
  for (std::string_view folder : {"/tmp/", "/var/tmp/", "/run/", "/dev/", "/var/run/"}) {
    if (!path.starts_with(folder)) continue;
    return fmt::format("; an instance has its own empty {}, so put the program elsewhere",
                       folder.substr(0, folder.size() - 1));
  }
  return "";
}

std::string program_of(const InstanceSpec& spec) { return spec.argv.empty() ? "" : spec.argv[0]; }

std::string missing_program(const std::string& program) {
  if (program.find('/') == std::string::npos) {
    return fmt::format("exec {}: not found in the folders of PATH", program);
  }
  return fmt::format("exec {}: no such file or directory{}", program, hint_for(program));
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

}  // namespace

std::string last_error_of_log(std::string_view log) {
  std::string message;
  for (std::string_view line : split(log, '\n')) {
    const auto entry = Json::parse(line);
    if (entry && entry->string_or("level") == "error") message = entry->string_or("msg");
  }
  return message;
}

std::string explain_start_failure(const InstanceSpec& spec, std::string_view message) {
  const std::string program = program_of(spec);
  if (contains(message, "executable file") && contains(message, "not found")) {
    return missing_program(program);
  }
  if (contains(message, "chdir")) {
    const size_t colon = message.rfind(": ");
    const std::string_view reason = colon == message.npos ? "not found" : message.substr(colon + 2);
    return fmt::format("working directory {}: {}{}", spec.working_dir, reason,
                       hint_for(spec.working_dir + "/"));
  }
  if (contains(message, "open executable")) {
    return fmt::format(
        "exec {}: permission denied; the program and the folders above it must be "
        "open to the instance's user, who may not pass over file modes",
        program);
  }
  if (const auto reason = exec_failure(message)) {
    const size_t colon = reason->rfind(": ");
    const std::string error = colon == reason->npos ? *reason : reason->substr(colon + 2);
    if (contains(*reason, "missing dynamic library")) {
      return fmt::format(
          "exec {}: {}; its interpreter (the first line's #!, or the dynamic "
          "linker) is not there",
          program, error);
    }
    if (contains(error, "Exec format error")) {
      return fmt::format(
          "exec {}: {}; it is no program for this machine, or a script without a "
          "first line #!",
          program, error);
    }
    return fmt::format("exec {}: {}", program, error);
  }
  if (message.empty()) return "crun gave no reason";
  return fmt::format("crun: {}", message);
}

std::optional<std::string> exec_failure(std::string_view line) {
  if (!contains(line, kExecFailed)) return std::nullopt;
  std::string message = last_error_of_log(line);
  if (message.empty()) message = line;
  if (!message.starts_with(kExecFailed)) return std::nullopt;
  return message;
}

}  // namespace thaw::sandbox
