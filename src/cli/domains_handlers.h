// What each command about domains does (domains_commands.cc). Thread: the caller's of run()
// (cli.h), as are Owner and Limits.
#pragma once

#include "cli/context.h"
#include "cli/words.h"

namespace thaw::cli {

Outcome<ExitCode> domains_map_command(Context& context, const Words& words);
Outcome<ExitCode> domains_list_command(Context& context, const Words& words);
Outcome<ExitCode> domains_describe_command(Context& context, const Words& words);
Outcome<ExitCode> domains_unmap_command(Context& context, const Words& words);

}  // namespace thaw::cli
