// What each command about service accounts does (account_commands.cc). Thread: the caller's of
// run() (cli.h), as are Owner and Limits.
#pragma once

#include "cli/context.h"
#include "cli/words.h"

namespace thaw::cli {

Outcome<ExitCode> accounts_create_command(Context& context, const Words& words);
Outcome<ExitCode> accounts_list_command(Context& context, const Words& words);
Outcome<ExitCode> accounts_delete_command(Context& context, const Words& words);
Outcome<ExitCode> account_keys_create_command(Context& context, const Words& words);
Outcome<ExitCode> account_keys_list_command(Context& context, const Words& words);
Outcome<ExitCode> account_keys_delete_command(Context& context, const Words& words);

}  // namespace thaw::cli
