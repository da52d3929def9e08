// What each command about topics, subscriptions, messages and pipelines does
// (messaging_commands.cc, pipeline_commands.cc and where it is said). Thread: the caller's of run()
// (cli.h), as are Owner and Limits.
#pragma once

#include "cli/context.h"
#include "cli/words.h"

namespace thaw::cli {

Outcome<ExitCode> topics_create_command(Context& context, const Words& words);
Outcome<ExitCode> topics_list_command(Context& context, const Words& words);
Outcome<ExitCode> topics_delete_command(Context& context, const Words& words);
Outcome<ExitCode> subscriptions_create_command(Context& context, const Words& words);
Outcome<ExitCode> subscriptions_list_command(Context& context, const Words& words);
Outcome<ExitCode> subscriptions_describe_command(Context& context, const Words& words);
Outcome<ExitCode> subscriptions_delete_command(Context& context, const Words& words);
Outcome<ExitCode> publish_command(Context& context, const Words& words);
Outcome<ExitCode> pull_command(Context& context, const Words& words);
Outcome<ExitCode> apply_command(Context& context, const Words& words);
Outcome<ExitCode> destroy_command(Context& context, const Words& words);
Outcome<ExitCode> pipelines_list_command(Context& context, const Words& words);
Outcome<ExitCode> rsync_command(Context& context, const Words& words);   // rsync_command.cc
Outcome<ExitCode> alerts_command(Context& context, const Words& words);  // alerts_command.cc

}  // namespace thaw::cli
