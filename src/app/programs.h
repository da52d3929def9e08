// The programs behind `thaw up`, `serve`, `forecast` and `doctor`; most return an exit code.
//
// **Thread**: the main one; up and serve block until SIGTERM or SIGINT. **Owner**: arguments
// outlive the call. **Limits**: those of the rooms they run.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/cli.h"
#include "cli/outcome.h"
#include "cli/terminal.h"
#include "io/disk.h"

namespace thaw::app {

/// The platform. `words` stand after `thaw up`.
int run_up(std::span<const std::string_view> words, cli::Terminal& terminal);
/// Names of its flags with their dashes.
std::vector<std::string> up_flags();

/// The native model server, an ordinary container program.
int run_serve(const cli::ServeOptions& options, cli::Terminal& terminal);

/// A forecast of a file, once.
cli::Outcome<cli::ExitCode> run_forecast(const cli::ForecastOptions& options,
                                         cli::Terminal& terminal, io::Disk& disk);

/// Policies compared over a trace of calls.
int run_simulate(const cli::SimulateOptions& options, cli::Terminal& terminal, io::Disk& disk);

/// Runs a program in a sandbox of its own and looks at it. Needs no platform and leaves nothing.
Result<doctor::Facts> run_doctor(const cli::DoctorOptions& options);

}  // namespace thaw::app
