// Pipelines, set up from a file: the table of their commands.
#include "cli/command_tables.h"
#include "cli/messaging_handlers.h"

namespace thaw::cli {
namespace {

constexpr Flag kFile = {.name = "file",
                        .letter = 'f',
                        .value = "FILE",
                        .help = "The pipeline file; - is standard input.",
                        .completes = Completes::kFile};
constexpr Flag kDryRun = {.name = "dry-run", .help = "Show the plan and change nothing."};
constexpr Flag kYes = {.name = "yes", .letter = 'y', .help = "Do not ask."};
constexpr Flag kWithObjects = {.name = "with-objects",
                               .help = "Buckets that go may hold objects; they go too."};

constexpr Flag kExitCode = {.name = "exit-code",
                            .help = "With --dry-run: exit with 7 when something is to be done."};

constexpr Flag kApplyFlags[] = {
    kFile,
    kDryRun,
    kExitCode,
    kYes,
    {.name = "adopt",
     .help = "What is there already and is not this pipeline's becomes its own, and is changed."},
    kWithObjects,
    {.name = "allow-loops",
     .help = "Set up what feeds itself, too; at run time it is stopped after ten rounds."},
};
constexpr Flag kDestroyFlags[] = {kFile, kDryRun, kExitCode, kYes, kWithObjects};

constexpr Command kCommands[] = {
    {.name = "apply",
     .summary = "Set up buckets, topics, subscriptions and services from one file",
     .description =
         "Shows what is to be added, changed and destroyed so that what is there becomes what the "
         "file says, and does it. Applied again it finds nothing to do; what others changed since "
         "is shown as drift and put right. What it made is remembered under the file's "
         "metadata.name: only that is ever destroyed. docs/formats/pipeline-file.md.",
     .flags = kApplyFlags,
     .examples = "$ thaw apply -f pipeline.yaml --dry-run\n"
                 "$ thaw apply -f pipeline.yaml --yes\n",
     .main = apply_command},
    {.name = "destroy",
     .summary = "Remove what `thaw apply` made of a file",
     .description = "Everything that was applied under the file's metadata.name, and nothing else.",
     .flags = kDestroyFlags,
     .examples = "$ thaw destroy -f pipeline.yaml --dry-run\n"
                 "$ thaw destroy -f pipeline.yaml --yes --with-objects\n",
     .main = destroy_command},
    {.name = "pipelines list", .summary = "List what was applied", .main = pipelines_list_command},
};

}  // namespace

std::span<const Command> pipeline_commands() { return kCommands; }

}  // namespace thaw::cli
