// What each command of the table does. One function a command, in NAME_command.cc.
// Thread: the caller's of run() (cli.h), as are Owner and Limits.
#pragma once

#include "cli/context.h"
#include "cli/words.h"

namespace thaw::cli {

Outcome<ExitCode> up_command(Context& context, const Words& words);
Outcome<ExitCode> deploy_command(Context& context, const Words& words);
Outcome<ExitCode> services_list_command(Context& context, const Words& words);
Outcome<ExitCode> services_describe_command(Context& context, const Words& words);
Outcome<ExitCode> services_usage_command(Context& context, const Words& words);
Outcome<ExitCode> update_traffic_command(Context& context, const Words& words);
Outcome<ExitCode> services_delete_command(Context& context, const Words& words);
Outcome<ExitCode> revisions_list_command(Context& context, const Words& words);
Outcome<ExitCode> revisions_describe_command(Context& context, const Words& words);
Outcome<ExitCode> revisions_delete_command(Context& context, const Words& words);
Outcome<ExitCode> instances_list_command(Context& context, const Words& words);
Outcome<ExitCode> worker_pools_deploy_command(Context& context, const Words& words);
Outcome<ExitCode> worker_pools_list_command(Context& context, const Words& words);
Outcome<ExitCode> worker_pools_describe_command(Context& context, const Words& words);
Outcome<ExitCode> worker_pools_delete_command(Context& context, const Words& words);
Outcome<ExitCode> sources_create_command(Context& context, const Words& words);
Outcome<ExitCode> sources_list_command(Context& context, const Words& words);
Outcome<ExitCode> sources_describe_command(Context& context, const Words& words);
Outcome<ExitCode> sources_delete_command(Context& context, const Words& words);
Outcome<ExitCode> logs_command(Context& context, const Words& words);
Outcome<ExitCode> invoke_command(Context& context, const Words& words);
Outcome<ExitCode> cp_command(Context& context, const Words& words);
Outcome<ExitCode> ls_command(Context& context, const Words& words);
Outcome<ExitCode> cat_command(Context& context, const Words& words);
Outcome<ExitCode> rm_command(Context& context, const Words& words);
Outcome<ExitCode> buckets_create_command(Context& context, const Words& words);
Outcome<ExitCode> serve_command(Context& context, const Words& words);
Outcome<ExitCode> forecast_command(Context& context, const Words& words);
Outcome<ExitCode> simulate_command(Context& context, const Words& words);
Outcome<ExitCode> env_command(Context& context, const Words& words);
Outcome<ExitCode> doctor_command(Context& context, const Words& words);
Outcome<ExitCode> version_command(Context& context, const Words& words);
Outcome<ExitCode> completion_command(Context& context, const Words& words);
Outcome<ExitCode> help_command(Context& context, const Words& words);
Outcome<ExitCode> complete_command(Context& context, const Words& words);

}  // namespace thaw::cli
