// What each command about jobs does (jobs_commands.cc, jobs_deploy_command.cc).
// Thread: the caller's of run() (cli.h), as are Owner and Limits.
#pragma once

#include <string>
#include <string_view>

#include "cli/context.h"
#include "cli/words.h"

namespace thaw::cli {

Outcome<ExitCode> jobs_deploy_command(Context& context, const Words& words);
Outcome<ExitCode> jobs_run_command(Context& context, const Words& words);
Outcome<ExitCode> jobs_list_command(Context& context, const Words& words);
Outcome<ExitCode> jobs_describe_command(Context& context, const Words& words);
Outcome<ExitCode> jobs_executions_command(Context& context, const Words& words);
Outcome<ExitCode> jobs_cancel_command(Context& context, const Words& words);
Outcome<ExitCode> jobs_logs_command(Context& context, const Words& words);
Outcome<ExitCode> jobs_delete_command(Context& context, const Words& words);

/// The API's paths. Names are escaped.
std::string jobs_path(std::string_view name = "");
std::string executions_path(std::string_view name = "");

}  // namespace thaw::cli
