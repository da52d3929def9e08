// Services, their revisions and instances: the table of their commands.
#include "cli/command_tables.h"
#include "cli/deploy_flag_table.h"
#include "cli/handlers.h"

namespace thaw::cli {
namespace {

constexpr size_t kMany = 1000;

constexpr Flag kDescribeServiceFlags[] = {
    {.name = "export",
     .help = "As YAML that `thaw deploy` and `gcloud run services replace` take."},
    {.name = "details",
     .help = "With --json: revisions, instances, starts, usage and log lines beside the service."},
};

constexpr Flag kTrafficFlags[] = {
    {.name = "to-latest", .help = "All to the latest ready revision, also to later ones."},
    {.name = "to-revisions",
     .value = "REVISION=PERCENT,...",
     .help = "These shares to these revisions, or to LATEST."},
    {.name = "to-tags",
     .value = "TAG=PERCENT,...",
     .help = "These shares to the revisions with these tags."},
    {.name = "set-tags",
     .value = "TAG=REVISION,...",
     .help = "Replaces all tags; a tag's revision has a URL of its own."},
    {.name = "update-tags", .value = "TAG=REVISION,...", .help = "Adds or moves tags."},
    {.name = "remove-tags", .value = "TAG,...", .help = "Removes tags."},
    {.name = "clear-tags", .help = "Removes all tags."},
};

constexpr Flag kByServiceFlags[] = {
    {.name = "service",
     .value = "NAME",
     .help = "Only those of this service.",
     .completes = Completes::kService},
};

constexpr Flag kInstancesFlags[] = {
    {.name = "service",
     .value = "NAME",
     .help = "Only those of this service.",
     .completes = Completes::kService},
    {.name = "watch",
     .help = "Go on: the table is drawn anew when it changes; with --json a line for each instance "
             "that is new, changed or gone."},
};

constexpr Flag kLogsFlags[] = {
    {.name = "follow", .letter = 'f', .help = "Go on with new lines until Ctrl-C."},
    {.name = "tail",
     .letter = 'n',
     .value = "N",
     .help = "How many of the last lines to show first, 0 to 100000; 100 if not given."},
    {.name = "limit", .value = "N", .help = "The same as --tail, as gcloud calls it."},
    {.name = "since", .value = "TIME", .help = "Only lines younger than this: 30s, 15m, 2h."},
    {.name = "freshness", .value = "TIME", .help = "The same as --since, as gcloud calls it."},
    {.name = "order",
     .value = "ORDER",
     .help = "asc: the oldest first, if not given; desc: the newest first. The last lines are "
             "shown either way.",
     .choices = "asc|desc"},
    {.name = "log-filter",
     .value = "FILTER",
     .help = "Only lines for which every term holds: a text, or severity, textPayload, "
             "httpRequest.status or resource.labels.revision_name compared with =, !=, : (has), <, "
             "<=, > or >=; AND between them and NOT in front of one may be written."},
    {.name = "severity",
     .value = "LEVEL",
     .help = "Only lines at least this severe: DEBUG, INFO, NOTICE, WARNING, ERROR, CRITICAL.",
     .choices = "DEBUG|INFO|NOTICE|WARNING|ERROR|CRITICAL"},
    {.name = "revision",
     .value = "NAME",
     .help = "Only lines of this revision.",
     .completes = Completes::kRevision},
};

constexpr Flag kInvokeFlags[] = {
    {.name = "data",
     .letter = 'd',
     .value = "TEXT|@FILE|-",
     .help = "The request's body; @FILE reads a file, - standard input. Makes the method POST."},
    {.name = "method",
     .letter = 'X',
     .value = "METHOD",
     .help = "GET, or POST with --data, if not given."},
    {.name = "header",
     .letter = 'H',
     .value = "NAME: VALUE",
     .help = "A header of the request; may be given several times."},
    {.name = "content-type",
     .value = "TYPE",
     .help = "If not given: by the file's name or the look of the data."},
    {.name = "include", .letter = 'i', .help = "Show the answer's status and headers too."},
    {.name = "tag", .value = "TAG", .help = "Call the revision with this traffic tag."},
    {.name = "timeout",
     .value = "TIME",
     .help = "Give up after this long; 1h if not given, so that the service's own limit decides."},
    {.name = "waterfall",
     .help = "Show afterwards how the start that this call caused spent its time."},
};

constexpr Command kCommands[] = {
    {.name = "up",
     .arguments = "[FLAGS]",
     .summary = "Run the platform on this machine",
     .description = "Everything in one process on one data directory: the gateway that services "
                    "are called through, and the API that the other commands talk to. "
                    "`thaw up --help` lists its options.",
     .main = up_command,
     .parsing = Command::Parsing::kRaw},
    {.name = "deploy",
     .arguments = "FILE|NAME",
     .summary = "Deploy a service from a file or flags",
     .description =
         "FILE is a service as gcloud exports it, YAML or JSON; it is told from a NAME by a dot or "
         "a slash in it, and - reads standard input. It replaces what is deployed under its name.\n"
         "NAME with flags, named as those of `gcloud run deploy`, changes only what the flags say "
         "and keeps the rest; a NAME that is not deployed yet is created.\n"
         "The command waits until the new revision is ready. If it does not become ready, the "
         "reason is shown and the exit code is 6; the revision before goes on serving.",
     .flags = kDeployFlags,
     .min_arguments = 1,
     .max_arguments = 1,
     .completes = Completes::kServiceOrFile,
     .examples = "$ thaw deploy forecaster.yaml\n"
                 "$ thaw deploy hello --command python3,-m,http.server,8080 --memory 128Mi\n"
                 "$ thaw deploy hello --max-instances 3 --no-traffic --tag next\n",
     .main = deploy_command},
    {.name = "services list", .summary = "List the services", .main = services_list_command},
    {.name = "services describe",
     .arguments = "NAME",
     .summary = "Show a service: state, settings, instances, last start, cost",
     .flags = kDescribeServiceFlags,
     .min_arguments = 1,
     .max_arguments = 1,
     .completes = Completes::kService,
     .examples = "$ thaw services describe forecaster\n"
                 "$ thaw services describe forecaster --export > forecaster.yaml\n",
     .main = services_describe_command},
    {.name = "services usage",
     .arguments = "NAME",
     .summary = "Show what a service has used and what that would cost on Cloud Run",
     .min_arguments = 1,
     .max_arguments = 1,
     .completes = Completes::kService,
     .main = services_usage_command},
    {.name = "services update-traffic",
     .arguments = "NAME",
     .summary = "Divide a service's traffic among its revisions",
     .description = "Revisions that are not named divide the rest as they did before. LATEST is "
                    "the latest ready revision, whichever that is.",
     .flags = kTrafficFlags,
     .min_arguments = 1,
     .max_arguments = 1,
     .completes = Completes::kService,
     .examples = "$ thaw services update-traffic hello --to-revisions hello-00002-abc=10\n"
                 "$ thaw services update-traffic hello --to-tags next=50\n"
                 "$ thaw services update-traffic hello --to-latest\n",
     .main = update_traffic_command},
    {.name = "services delete",
     .arguments = "NAME...",
     .summary = "Delete services with all their revisions",
     .description = "Requests under way are finished. It does not ask.",
     .min_arguments = 1,
     .max_arguments = kMany,
     .completes = Completes::kService,
     .main = services_delete_command},
    {.name = "revisions list",
     .summary = "List the revisions, newest first",
     .flags = kByServiceFlags,
     .main = revisions_list_command},
    {.name = "revisions describe",
     .arguments = "NAME",
     .summary = "Show a revision",
     .min_arguments = 1,
     .max_arguments = 1,
     .completes = Completes::kRevision,
     .main = revisions_describe_command},
    {.name = "revisions delete",
     .arguments = "NAME...",
     .summary = "Delete revisions that get no traffic",
     .min_arguments = 1,
     .max_arguments = kMany,
     .completes = Completes::kRevision,
     .main = revisions_delete_command},
    {.name = "instances list",
     .summary = "List the instances that live now, with their temperatures",
     .flags = kInstancesFlags,
     .main = instances_list_command},
    {.name = "logs",
     .arguments = "NAME",
     .summary = "Show what a service's instances printed",
     .description = "With the platform's own lines about them: starts, crashes, memory. Control "
                    "characters in the lines are shown escaped on a terminal.",
     .flags = kLogsFlags,
     .min_arguments = 1,
     .max_arguments = 1,
     .completes = Completes::kService,
     .examples = "$ thaw logs forecaster -f\n"
                 "$ thaw logs forecaster --since 1h --severity ERROR --json\n"
                 "$ thaw logs forecaster --log-filter 'httpRequest.status>=500' --limit 20\n",
     .main = logs_command},
    {.name = "invoke",
     .arguments = "NAME [PATH]",
     .summary = "Call a service through the gateway",
     .description = "Prints the answer's body. The exit code is 1 when the status is 400 or more.",
     .flags = kInvokeFlags,
     .min_arguments = 1,
     .max_arguments = 2,
     .completes = Completes::kService,
     .examples = "$ thaw invoke forecaster /predict --data @history.csv --waterfall\n"
                 "$ thaw invoke hello / -i\n",
     .main = invoke_command},
};

}  // namespace

std::span<const Command> service_commands() { return kCommands; }

}  // namespace thaw::cli
