#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>

#include "app/options.h"
#include "app/platform.h"
#include "app/programs.h"
#include "base/log.h"
#include "cli/exit_code.h"
#include "io_linux/local_disk.h"

namespace thaw::app {
namespace {

std::string default_data_dir(const cli::Terminal& terminal) {
  if (::geteuid() == 0) return "/var/lib/thaw";
  return terminal.env("HOME").value_or("/tmp") + "/.local/share/thaw";
}

void set_up_log(const UpOptions& options, const cli::Terminal& terminal) {
  using Format = UpOptions::LogFormat;
  const bool text = options.log_format == Format::kText ||
                    (options.log_format == Format::kAuto && terminal.err_is_tty());
  const Severity lowest = options.log_level == "debug"     ? Severity::kDebug
                          : options.log_level == "info"    ? Severity::kInfo
                          : options.log_level == "warning" ? Severity::kWarning
                                                           : Severity::kError;
  set_log_format(text ? LogFormat::kText : LogFormat::kJson, lowest);
}

}  // namespace

int run_up(std::span<const std::string_view> words, cli::Terminal& terminal) {
  const std::vector<std::string> given(words.begin(), words.end());
  if (wants_help(given)) {
    return terminal.write_out(up_help()) ? 0 : number(cli::ExitCode::kFailed);
  }
  io_linux::LocalDisk disk;
  const OptionSources sources{
      .environment = [&](const std::string& name) { return terminal.env(name.c_str()); },
      .read_file = [&](const std::string& path) { return disk.read_file(path, mib(1)); },
      .default_data_dir = default_data_dir(terminal)};
  const auto options = parse_up_options(given, sources);
  if (!options) {
    terminal.write_err(fmt::format("error: {}\n", options.error().message()));
    return number(cli::ExitCode::kUsage);
  }
  set_up_log(*options, terminal);
  if (const Status status = Platform(*options).run(); !status) {
    terminal.write_err(fmt::format("error: {}\n", status.error().message()));
    return number(cli::ExitCode::kFailed);
  }
  return number(cli::ExitCode::kOk);
}

std::vector<std::string> up_flags() {
  std::vector<std::string> flags;
  for (const std::string& name : option_names()) flags.push_back("--" + name);
  return flags;
}

}  // namespace thaw::app
