// Service accounts: the table of their commands.
#include "cli/account_handlers.h"
#include "cli/command_tables.h"

namespace thaw::cli {
namespace {

constexpr size_t kMany = 100;

constexpr Flag kProject = {
    .name = "project", .value = "PROJECT", .help = "Whose they are; thaw if not given."};
constexpr Flag kAccount = {
    .name = "account", .value = "EMAIL", .help = "The service account's address."};

constexpr Flag kCreateFlags[] = {
    {.name = "display-name", .value = "TEXT", .help = "A name for people."},
    {.name = "description", .value = "TEXT", .help = "What it is for."},
    kProject,
};
constexpr Flag kProjectFlags[] = {kProject};
constexpr Flag kKeyFlags[] = {kAccount};

constexpr Command kCommands[] = {
    {.name = "service-accounts create",
     .arguments = "NAME",
     .summary = "Make a service account",
     .description = "Its address is NAME@PROJECT.iam.gserviceaccount.com. NAME has 6 to 30 small "
                    "letters, digits and '-', a letter first.",
     .flags = kCreateFlags,
     .min_arguments = 1,
     .max_arguments = 1,
     .examples = "$ thaw service-accounts create uploader\n",
     .main = accounts_create_command},
    {.name = "service-accounts list",
     .summary = "List the service accounts",
     .flags = kProjectFlags,
     .main = accounts_list_command},
    {.name = "service-accounts delete",
     .arguments = "EMAIL...",
     .summary = "Delete service accounts and their keys",
     .min_arguments = 1,
     .max_arguments = kMany,
     .main = accounts_delete_command},
    {.name = "service-accounts keys create",
     .arguments = "FILE",
     .summary = "Make a key and write its file",
     .description =
         "FILE is in Google's JSON form: client libraries, gcloud and gsutil make signed "
         "URLs with it. Only you may read it, and Thaw keeps the public half alone.",
     .flags = kKeyFlags,
     .min_arguments = 1,
     .max_arguments = 1,
     .completes = Completes::kFile,
     .examples = "$ thaw service-accounts keys create key.json \\\n"
                 "      --account uploader@thaw.iam.gserviceaccount.com\n",
     .main = account_keys_create_command},
    {.name = "service-accounts keys list",
     .summary = "List a service account's keys",
     .flags = kKeyFlags,
     .main = account_keys_list_command},
    {.name = "service-accounts keys delete",
     .arguments = "KEY...",
     .summary = "Delete keys; what they signed is refused from now on",
     .flags = kKeyFlags,
     .min_arguments = 1,
     .max_arguments = kMany,
     .main = account_keys_delete_command},
};

}  // namespace

std::span<const Command> account_commands() { return kCommands; }

}  // namespace thaw::cli
