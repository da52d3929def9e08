// Jobs: the table of their commands.
#include "cli/command_tables.h"
#include "cli/jobs_handlers.h"

namespace thaw::cli {
namespace {

constexpr size_t kMany = 1000;

constexpr Flag kDeployFlags[] = {
    {.name = "image",
     .value = "IMAGE",
     .help = "thaw.local/host (the default): a command of this machine."},
    {.name = "command", .value = "WORD,...", .help = "The program and its first words."},
    {.name = "args", .value = "WORD,...", .help = "Words behind them."},
    {.name = "set-env-vars", .value = "KEY=VALUE,...", .help = "Variables; others stay."},
    {.name = "tasks", .value = "N", .help = "How many tasks a run has; 1 if not given."},
    {.name = "parallelism",
     .value = "N",
     .help = "How many at the same time; 0, the default: all, but no more than 100."},
    {.name = "max-retries",
     .value = "N",
     .help = "How often a task that failed is tried again, 0 to 10; 3 if not given."},
    {.name = "task-timeout",
     .value = "TIME",
     .help = "How long an attempt may take, up to 24h; 10m if not given."},
    {.name = "memory", .value = "SIZE", .help = "The memory limit of a task; 512Mi if not given."},
    {.name = "cpu", .value = "CPU", .help = "The CPU limit of a task; 1 if not given."},
};

constexpr Flag kRunFlags[] = {
    {.name = "async", .help = "Do not wait for its end."},
    {.name = "tasks", .value = "N", .help = "Another number of tasks, for this run."},
    {.name = "args", .value = "WORD,...", .help = "Other arguments, for this run."},
    {.name = "update-env-vars",
     .value = "KEY=VALUE,...",
     .help = "Variables over the job's, for this run."},
};

constexpr Flag kLogsFlags[] = {
    {.name = "follow", .letter = 'f', .help = "Go on with new lines until Ctrl-C."},
    {.name = "tail", .value = "N", .help = "At most so many of the last lines; 100 if not given."},
};

constexpr Command kCommands[] = {
    {.name = "jobs deploy",
     .arguments = "FILE|NAME",
     .summary = "Deploy a job: tasks that run to their end",
     .description =
         "FILE is what `gcloud run jobs describe --format export` prints (`kind: Job`). With a "
         "NAME, flags change what they say. Each task finds its number in CLOUD_RUN_TASK_INDEX and "
         "their number in CLOUD_RUN_TASK_COUNT; it is done when its program ends with 0.",
     .flags = kDeployFlags,
     .min_arguments = 1,
     .max_arguments = 1,
     .completes = Completes::kFile,
     .examples = "$ thaw jobs deploy train --command python3,/srv/train.py --task-timeout 6h\n"
                 "$ thaw jobs deploy shards --command ./shard --tasks 20 --parallelism 4\n",
     .main = jobs_deploy_command},
    {.name = "jobs run",
     .arguments = "NAME",
     .summary = "Run a job and wait for its end",
     .description = "The exit code is 1 when a task failed as often as --max-retries allows. An "
                    "execution goes on without this command, and after a crash of the platform.",
     .flags = kRunFlags,
     .min_arguments = 1,
     .max_arguments = 1,
     .examples = "$ thaw jobs run train\n"
                 "$ thaw jobs run shards --tasks 3 --async\n",
     .main = jobs_run_command},
    {.name = "jobs list", .summary = "List the jobs", .main = jobs_list_command},
    {.name = "jobs describe",
     .arguments = "NAME|EXECUTION",
     .summary = "Show a job or an execution",
     .min_arguments = 1,
     .max_arguments = 1,
     .main = jobs_describe_command},
    {.name = "jobs executions",
     .arguments = "[NAME]",
     .summary = "List the executions of a job, or of all",
     .max_arguments = 1,
     .main = jobs_executions_command},
    {.name = "jobs cancel",
     .arguments = "EXECUTION...",
     .summary = "Stop executions",
     .min_arguments = 1,
     .max_arguments = kMany,
     .main = jobs_cancel_command},
    {.name = "jobs logs",
     .arguments = "NAME|EXECUTION",
     .summary = "Show what a job's tasks print",
     .flags = kLogsFlags,
     .min_arguments = 1,
     .max_arguments = 1,
     .examples = "$ thaw jobs logs shards -f\n",
     .main = jobs_logs_command},
    {.name = "jobs delete",
     .arguments = "NAME...",
     .summary = "Delete jobs with their executions",
     .min_arguments = 1,
     .max_arguments = kMany,
     .main = jobs_delete_command},
};

}  // namespace

std::span<const Command> jobs_commands() { return kCommands; }

}  // namespace thaw::cli
