// Domains: the table of their commands.
#include "cli/command_tables.h"
#include "cli/domains_handlers.h"

namespace thaw::cli {
namespace {

constexpr Flag kMapFlags[] = {
    {.name = "service",
     .value = "SERVICE",
     .help = "Where requests to the domain go.",
     .completes = Completes::kService},
    {.name = "force-override", .help = "Take the domain from the service that it leads to now."},
    {.name = "no-certificate",
     .help = "Ask for no certificate: one is given to `thaw up`, or TLS ends elsewhere."},
};

constexpr Command kCommands[] = {
    {.name = "domains map",
     .arguments = "DOMAIN",
     .summary = "Let a domain of one's own lead to a service",
     .description =
         "Where `thaw up` has an --acme-directory, a certificate is asked for at once and "
         "renewed in time; the domain's address must lead to the gateway's port 80. "
         "Given again, the command asks again.",
     .flags = kMapFlags,
     .min_arguments = 1,
     .max_arguments = 1,
     .examples = "$ thaw domains map api.example.org --service hello\n",
     .main = domains_map_command},
    {.name = "domains list", .summary = "List the mapped domains", .main = domains_list_command},
    {.name = "domains describe",
     .arguments = "DOMAIN",
     .summary = "Show a mapped domain and how its certificate fares",
     .min_arguments = 1,
     .max_arguments = 1,
     .main = domains_describe_command},
    {.name = "domains unmap",
     .arguments = "DOMAIN...",
     .summary = "Take domains from their services; their certificates are removed",
     .min_arguments = 1,
     .max_arguments = 1000,
     .main = domains_unmap_command},
};

}  // namespace

std::span<const Command> domains_commands() { return kCommands; }

}  // namespace thaw::cli
