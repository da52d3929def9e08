// Buckets and objects: the table of their commands.
#include "cli/command_tables.h"
#include "cli/handlers.h"
#include "cli/messaging_handlers.h"

namespace thaw::cli {
namespace {

constexpr size_t kMany = 1000;

constexpr Flag kRecursiveFlags[] = {
    {.name = "recursive", .letter = 'r', .help = "All below a folder or a name's beginning."},
};

constexpr Flag kLsFlags[] = {
    {.name = "recursive", .letter = 'r', .help = "All below, not only the first level."},
    {.name = "long", .letter = 'l', .help = "Size and time too."},
};

constexpr Flag kRsyncFlags[] = {
    {.name = "delete", .help = "Remove from TO what is not in FROM."},
    {.name = "dry-run", .help = "Say what would be done, and do nothing."},
};

constexpr Command kCommands[] = {
    {.name = "buckets create",
     .arguments = "gs://BUCKET...",
     .summary = "Make buckets",
     .min_arguments = 1,
     .max_arguments = kMany,
     .examples = "$ thaw buckets create gs://inputs\n",
     .main = buckets_create_command},
    {.name = "cp",
     .arguments = "FROM... TO",
     .summary = "Copy files to and from buckets",
     .description =
         "Eight files at a time; large ones go in pieces, and on where they were when the "
         "connection breaks.",
     .flags = kRecursiveFlags,
     .min_arguments = 2,
     .max_arguments = kMany,
     .completes = Completes::kFile,
     .examples = "$ thaw cp history.csv gs://inputs/\n"
                 "$ thaw cp -r gs://outputs/ ./results\n",
     .main = cp_command},
    {.name = "rsync",
     .arguments = "FROM TO",
     .summary = "Make a folder or bucket hold what another holds",
     .description = "Copies what is missing, has another size, or is younger than its copy; all "
                    "below both. Eight files at a time.",
     .flags = kRsyncFlags,
     .min_arguments = 2,
     .max_arguments = 2,
     .completes = Completes::kFile,
     .examples = "$ thaw rsync ./models gs://models/v2\n"
                 "$ thaw rsync gs://outputs ./results --delete --dry-run\n",
     .main = rsync_command},
    {.name = "ls",
     .arguments = "[gs://BUCKET[/PREFIX]]",
     .summary = "List buckets, or what is in one",
     .flags = kLsFlags,
     .max_arguments = 1,
     .examples = "$ thaw ls\n"
                 "$ thaw ls -l gs://inputs/\n",
     .main = ls_command},
    {.name = "cat",
     .arguments = "gs://BUCKET/NAME...",
     .summary = "Print objects",
     .min_arguments = 1,
     .max_arguments = kMany,
     .examples = "$ thaw cat gs://outputs/forecast.csv\n",
     .main = cat_command},
    {.name = "rm",
     .arguments = "gs://BUCKET/NAME...",
     .summary = "Remove objects, or with -r all below a name",
     .flags = kRecursiveFlags,
     .min_arguments = 1,
     .max_arguments = kMany,
     .examples = "$ thaw rm gs://inputs/history.csv\n"
                 "$ thaw rm -r gs://inputs\n",
     .main = rm_command},
};

}  // namespace

std::span<const Command> storage_commands() { return kCommands; }

}  // namespace thaw::cli
