// Worker pools and stream sources: the table of their commands.
#include "cli/command_tables.h"
#include "cli/deploy_flag_table.h"
#include "cli/handlers.h"
#include "cli/source_flag_table.h"

namespace thaw::cli {
namespace {

constexpr size_t kMany = 1000;

constexpr Command kCommands[] = {
    {.name = "worker-pools deploy",
     .arguments = "FILE|NAME",
     .summary = "Deploy a worker pool: instances that get no requests",
     .description = "As `thaw deploy`, for `kind: WorkerPool`: no port, no URL, CPU all the time. "
                    "One instance runs unless --instances says otherwise, or annotations "
                    "thaw.local/stream... let a Redis stream's backlog decide.",
     .flags = kDeployFlags,
     .min_arguments = 1,
     .max_arguments = 1,
     .completes = Completes::kServiceOrFile,
     .examples = "$ thaw worker-pools deploy papers.yaml\n"
                 "$ thaw worker-pools deploy papers --command python3,worker.py --instances 2\n",
     .main = worker_pools_deploy_command},
    {.name = "worker-pools update",
     .arguments = "NAME",
     .summary = "Change a worker pool",
     .flags = kDeployFlags,
     .min_arguments = 1,
     .max_arguments = 1,
     .examples = "$ thaw worker-pools update papers --instances 0\n",
     .main = worker_pools_deploy_command},
    {.name = "worker-pools list",
     .summary = "List the worker pools",
     .main = worker_pools_list_command},
    {.name = "worker-pools describe",
     .arguments = "NAME",
     .summary = "Show a worker pool",
     .min_arguments = 1,
     .max_arguments = 1,
     .main = worker_pools_describe_command},
    {.name = "worker-pools delete",
     .arguments = "NAME...",
     .summary = "Delete worker pools with all their revisions",
     .min_arguments = 1,
     .max_arguments = kMany,
     .main = worker_pools_delete_command},
    {.name = "sources create",
     .arguments = "NAME",
     .summary = "Deliver a Redis stream's entries to a service",
     .description = "Entries are read by a consumer group, posted to instances that are free, and "
                    "acknowledged after an answer of 200 to 299; others are tried again.",
     .flags = kSourceFlags,
     .min_arguments = 1,
     .max_arguments = 1,
     .examples = "$ thaw sources create papers --service worker --stream papers --batch 20\n",
     .main = sources_create_command},
    {.name = "sources list", .summary = "List the sources", .main = sources_list_command},
    {.name = "sources describe",
     .arguments = "NAME",
     .summary = "Show a source and how it fares",
     .min_arguments = 1,
     .max_arguments = 1,
     .main = sources_describe_command},
    {.name = "sources delete",
     .arguments = "NAME...",
     .summary = "Delete sources; what is pending stays in their groups",
     .min_arguments = 1,
     .max_arguments = kMany,
     .main = sources_delete_command},
};

}  // namespace

std::span<const Command> worker_commands() { return kCommands; }

}  // namespace thaw::cli
