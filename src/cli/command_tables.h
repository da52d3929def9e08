// The tables that commands() joins, a group of commands each. Used by command_table.cc only.
// Thread: any. Owner: constant data. Limits: none.
#pragma once

#include <span>

#include "cli/command.h"

namespace thaw::cli {

std::span<const Command> service_commands();
std::span<const Command> worker_commands();
std::span<const Command> storage_commands();
std::span<const Command> messaging_commands();
std::span<const Command> pipeline_commands();
std::span<const Command> jobs_commands();
std::span<const Command> account_commands();
std::span<const Command> domains_commands();
std::span<const Command> model_commands();
std::span<const Command> tool_commands();

}  // namespace thaw::cli
