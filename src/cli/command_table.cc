#include <algorithm>

#include "cli/command.h"
#include "cli/deploy_flag_table.h"
#include "cli/handlers.h"
#include "cli/source_flag_table.h"

namespace thaw::cli {
namespace {

constexpr size_t kMany = 1000;

constexpr Flag kGlobalFlags[] = {
    {.name = "help", .letter = 'h', .help = "What the command does and its flags."},
    {.name = "json", .help = "Machine-readable output; errors too, on standard error."},
    {.name = "quiet", .letter = 'q', .help = "No progress and no notes, only results and errors."},
    {.name = "api-address",
     .value = "HOST:PORT",
     .help = "The platform's API; else THAW_API_ADDRESS, else 127.0.0.1:8081."},
    {.name = "color",
     .value = "WHEN",
     .help = "auto (the default: on a terminal, unless NO_COLOR is set), always or never.",
     .choices = "auto|always|never"},
};

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

constexpr Flag kLogsFlags[] = {
    {.name = "follow", .letter = 'f', .help = "Go on with new lines until Ctrl-C."},
    {.name = "tail",
     .letter = 'n',
     .value = "N",
     .help = "How many of the last lines to show first, 0 to 100000; 100 if not given."},
    {.name = "since", .value = "TIME", .help = "Only lines younger than this: 30s, 15m, 2h."},
    {.name = "severity",
     .value = "LEVEL",
     .help = "Only lines at least this severe: DEBUG, INFO, NOTICE, WARNING, ERROR, CRITICAL.",
     .choices = "DEBUG|INFO|NOTICE|WARNING|ERROR|CRITICAL"},
    {.name = "revision",
     .value = "NAME",
     .help = "Only lines of this revision.",
     .completes = Completes::kRevision},
};

constexpr Flag kRecursiveFlags[] = {
    {.name = "recursive", .letter = 'r', .help = "All below a folder or a name's beginning."},
};

constexpr Flag kLsFlags[] = {
    {.name = "recursive", .letter = 'r', .help = "All below, not only the first level."},
    {.name = "long", .letter = 'l', .help = "Size and time too."},
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

constexpr Flag kEnvFlags[] = {
    {.name = "unset", .help = "Print the lines that take it all back."},
};

constexpr Flag kServeFlags[] = {
    {.name = "model",
     .value = "DIR|NAME=DIR",
     .help = "A model's folder, as Hugging Face lays it out; may be given several times. With "
             "--task forecast a file of prophet.serialize.",
     .completes = Completes::kFile},
    {.name = "task",
     .value = "TASK",
     .help = "What to serve: forecast, or what the model is for if its config.json does not say.",
     .choices = "forecast|question-answering|text-classification|token-classification|"
                "feature-extraction|fill-mask"},
    {.name = "threads",
     .value = "N",
     .help = "Threads of a model, 1 to 256; as many as the CPU limit gives if not given."},
    {.name = "output-bucket",
     .value = "BUCKET",
     .help = "Where forecasts go that a push of a bucket's notification asks for; the object store "
             "is at $STORAGE_EMULATOR_HOST."},
    {.name = "port", .value = "PORT", .help = "Where to listen; else $PORT, else 8080."},
    {.name = "host", .value = "IP", .help = "The address to listen on; 0.0.0.0 if not given."},
};

constexpr Flag kForecastFlags[] = {
    {.name = "periods", .value = "N", .help = "Steps to forecast after the last date."},
    {.name = "freq",
     .value = "FREQ",
     .help = "The step: D, W, MS, H, ... as in pandas; if not given, the file's own."},
    {.name = "output",
     .letter = 'o',
     .value = "FORMAT",
     .help = "csv, json or table; a table on a terminal and CSV elsewhere if not given.",
     .choices = "csv|json|table"},
    {.name = "draw",
     .help = "Draw the series and the forecast above the table.",
     .negation = Flag::Negation::kAllowed},
    {.name = "plot",
     .value = "FILE",
     .help = "Make a picture of the series and the forecast: FILE.png or FILE.svg.",
     .completes = Completes::kFile},
    {.name = "plot-components",
     .value = "FILE",
     .help = "The same of trend, holidays, seasons and regressors, each by itself.",
     .completes = Completes::kFile},
    {.name = "plot-changepoints", .help = "Show in the picture of --plot where the trend changes."},
    {.name = "model",
     .value = "FILE.json",
     .help = "A fitted model, as prophet.serialize writes it, instead of a file to fit.",
     .completes = Completes::kFile},
    {.name = "save-model",
     .value = "FILE.json",
     .help = "Write the fitted model in the same form.",
     .completes = Completes::kFile},
    {.name = "cross-validate",
     .help = "Show how good forecasts from earlier days would have been, instead of one."},
    {.name = "horizon", .value = "LENGTH", .help = "How far those look ahead: '30 days', 12h."},
    {.name = "period",
     .value = "LENGTH",
     .help = "What lies between their days; half a horizon if not given."},
    {.name = "initial",
     .value = "LENGTH",
     .help = "What the first has before it; three horizons or a longest season if not given."},
    {.name = "cutoffs", .value = "DATE,...", .help = "Their days, instead of --period."},
    {.name = "rolling-window",
     .value = "SHARE",
     .help = "Share of the rows that each measure is the mean of; 0.1 if not given."},
    {.name = "cross-validation-rows",
     .value = "FILE",
     .help = "Write the single rows of the cross-validation as CSV.",
     .completes = Completes::kFile},
    {.name = "interval-width",
     .value = "SHARE",
     .help = "Share of outcomes that the uncertainty interval holds, 0 to 1."},
    {.name = "seed", .value = "N", .help = "Seed of the uncertainty's draws."},
    {.name = "uncertainty-samples",
     .value = "N",
     .help = "How many futures are simulated for the interval; 0: none is shown."},
    {.name = "include-history", .help = "Show the dates of the file too."},
    {.name = "future",
     .value = "FILE",
     .help = "The rows to forecast: ds and the columns that the model needs.",
     .completes = Completes::kFile},
    {.name = "growth",
     .value = "KIND",
     .help = "Trend: linear, logistic or flat.",
     .choices = "linear|logistic|flat"},
    {.name = "cap",
     .value = "Y",
     .help = "Upper limit of logistic growth, if the file has no column cap."},
    {.name = "floor",
     .value = "Y",
     .help = "Lower limit of logistic growth, if the file has no column floor."},
    {.name = "changepoints",
     .value = "DATE,...",
     .help = "Where the trend may change, instead of evenly spread points."},
    {.name = "n-changepoints", .value = "N", .help = "How many points the trend may change at."},
    {.name = "changepoint-range",
     .value = "SHARE",
     .help = "Share of the history in which the trend may change, 0 to 1."},
    {.name = "changepoint-prior-scale",
     .value = "SCALE",
     .help = "How freely the trend may change; more than 0."},
    {.name = "seasonality-prior-scale",
     .value = "SCALE",
     .help = "How strong seasons may be; more than 0."},
    {.name = "yearly-seasonality",
     .value = "auto|true|false|N",
     .help = "Whether there is a yearly season, or its number of Fourier terms."},
    {.name = "weekly-seasonality", .value = "auto|true|false|N", .help = "The same for weeks."},
    {.name = "daily-seasonality", .value = "auto|true|false|N", .help = "The same for days."},
    {.name = "scaling",
     .value = "KIND",
     .help = "How y is scaled: absmax or minmax.",
     .choices = "absmax|minmax"},
    {.name = "seasonality-mode",
     .value = "MODE",
     .help = "Seasons are added to the trend, or shares of it: additive or multiplicative.",
     .choices = "additive|multiplicative"},
    {.name = "add-seasonality",
     .value = "NAME,period=DAYS,fourier_order=N,...",
     .help = "A season of your own; also prior_scale, mode, condition_name. May be given several "
             "times."},
    {.name = "add-regressor",
     .value = "COLUMN,...",
     .help = "A column of the file that explains y; also prior_scale, mode, standardize. May be "
             "given several times."},
    {.name = "holidays",
     .value = "FILE",
     .help = "A CSV or JSON file with holiday, ds; also lower_window, upper_window, prior_scale, "
             "country.",
     .completes = Completes::kFile},
    {.name = "country-holidays",
     .value = "COUNTRY,...",
     .help = "Countries of the file of --holidays that count; those without a country always do."},
    {.name = "holidays-mode",
     .value = "MODE",
     .help = "As --seasonality-mode, for holidays.",
     .choices = "additive|multiplicative"},
    {.name = "holidays-prior-scale",
     .value = "SCALE",
     .help = "How strong holidays and regressors may be; more than 0."},
};

constexpr Flag kDoctorFlags[] = {
    {.name = "fail-on",
     .value = "SEVERITY",
     .help = "Exit with 7 when a finding is at least this severe; warning if not given.",
     .choices = "info|warning|error|never"},
    {.name = "timeout",
     .value = "TIME",
     .help = "How long the program may take to listen; what the startup probe allows (240s) if not "
             "given."},
    {.name = "path", .value = "PATH", .help = "What requests ask for; / if not given."},
    {.name = "memory",
     .value = "SIZE",
     .help = "The memory limit instead of the service's (512Mi)."},
    {.name = "cpu", .value = "CPU", .help = "The CPU limit instead of the service's (1)."},
    {.name = "concurrency",
     .value = "N",
     .help = "Requests at once in an instance, 1 to 1000, instead of the service's (80)."},
    {.name = "flame-graph",
     .value = "FILE",
     .help = "Write the time of each Python import to this file, an HTML page of its own.",
     .completes = Completes::kFile},
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
     .summary = "List the instances that run now",
     .flags = kByServiceFlags,
     .main = instances_list_command},
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
                 "$ thaw logs forecaster --since 1h --severity ERROR --json\n",
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
     .description = "Large files go in pieces, and on where they were when the connection breaks.",
     .flags = kRecursiveFlags,
     .min_arguments = 2,
     .max_arguments = kMany,
     .completes = Completes::kFile,
     .examples = "$ thaw cp history.csv gs://inputs/\n"
                 "$ thaw cp -r gs://outputs/ ./results\n",
     .main = cp_command},
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
    {.name = "serve",
     .arguments = "--model DIR | --task forecast",
     .summary = "Run the native model server",
     .description = "An ordinary container: it listens on $PORT and ends on SIGTERM. This is what "
                    "the image thaw.local/serve runs. With models: POST /predict takes the task's "
                    "fields or Hugging Face's inputs and parameters; /docs shows every path.",
     .flags = kServeFlags,
     .examples = "$ thaw serve --task forecast --port 8080\n"
                 "$ thaw serve --task forecast --model model.json\n"
                 "$ thaw serve --model ./distilbert-squad\n"
                 "$ thaw serve --model qa=./distilbert-squad --model embed=./minilm\n",
     .main = serve_command},
    {.name = "forecast",
     .arguments = "[FILE.csv|-]",
     .summary = "Forecast a time series with Prophet's model",
     .description = "The file has the columns ds (or date) and y; with a column unique_id it holds "
                    "many series, which are forecast in parallel. No platform is needed.",
     .flags = kForecastFlags,
     .min_arguments = 0,
     .max_arguments = 1,
     .completes = Completes::kFile,
     .examples = "$ thaw forecast history.csv --periods 28\n"
                 "$ thaw forecast history.csv --plot forecast.png --plot-components parts.svg\n"
                 "$ thaw forecast history.csv --cross-validate --horizon '30 days'\n"
                 "$ thaw forecast history.csv --save-model model.json\n"
                 "$ thaw forecast --model model.json --periods 7\n"
                 "$ thaw forecast - --output json < history.csv\n",
     .main = forecast_command},
    {.name = "env",
     .summary = "Print the environment that points gcloud at this platform",
     .description = "As lines for a shell. With them `gcloud run` deploys here, with any project "
                    "and region; nothing of gcloud's own configuration is changed.",
     .flags = kEnvFlags,
     .examples = "$ eval \"$(thaw env)\"\n"
                 "$ gcloud run services list\n"
                 "$ eval \"$(thaw env --unset)\"\n",
     .main = env_command},
    {.name = "doctor",
     .arguments = "NAME|FILE|FOLDER|-- COMMAND",
     .summary = "Say what would go wrong on Cloud Run, and what to change",
     .description =
         "Starts a program under Cloud Run's contract in a sandbox of its own, without a platform, "
         "and looks: when and where it listens, whom it calls, how it serves, what it does between "
         "requests, what it writes, how it ends. Each finding comes with its evidence and a "
         "remedy; docs/reference/doctor.md explains them.\n"
         "NAME is a deployed service; FILE a service file (.yaml, .yml or .json); FOLDER is "
         "started "
         "as its Dockerfile, Procfile, package.json, main.py or app.py says, the first that is "
         "there; words after -- are a command, run in this folder. As root the program gets a "
         "container; else it is a plain process, and what cannot be seen then is said.\n"
         "The exit code is 7 when a finding is at least as severe as --fail-on.",
     .flags = kDoctorFlags,
     .min_arguments = 1,
     .max_arguments = kMany,
     .completes = Completes::kServiceOrFile,
     .examples = "$ thaw doctor .\n"
                 "$ thaw doctor service.yaml --json --fail-on error\n"
                 "$ thaw doctor --flame-graph imports.html -- python3 app.py\n",
     .main = doctor_command},
    {.name = "version", .summary = "Print the version", .main = version_command},
    {.name = "completion",
     .arguments = "bash|zsh|fish",
     .summary = "Print a completion script",
     .min_arguments = 1,
     .max_arguments = 1,
     .examples = "$ source <(thaw completion bash)\n"
                 "$ thaw completion fish > ~/.config/fish/completions/thaw.fish\n",
     .main = completion_command},
    {.name = "help",
     .arguments = "[COMMAND|exit-codes|environment|json]",
     .summary = "Explain a command or a topic",
     .max_arguments = 2,
     .completes = Completes::kCommand,
     .main = help_command},
    {.name = "__complete",
     .main = complete_command,
     .parsing = Command::Parsing::kRaw,
     .shown = Command::Shown::kHidden},
};

/// How many of `words` the name takes, or 0 when they do not begin with it.
size_t match(std::string_view name, std::span<const std::string_view> words) {
  size_t taken = 0;
  while (!name.empty()) {
    const size_t end = std::min(name.find(' '), name.size());
    if (taken == words.size() || words[taken] != name.substr(0, end)) return 0;
    ++taken;
    name.remove_prefix(std::min(end + 1, name.size()));
  }
  return taken;
}

}  // namespace

std::span<const Command> commands() { return kCommands; }
std::span<const Flag> global_flags() { return kGlobalFlags; }

Found find_command(std::span<const std::string_view> words) {
  for (const Command& command : kCommands) {
    if (const size_t taken = match(command.name, words); taken > 0) return {&command, taken};
  }
  return {};
}

bool is_group(std::string_view word) {
  return std::any_of(std::begin(kCommands), std::end(kCommands), [&](const Command& command) {
    return command.name.size() > word.size() && command.name.starts_with(word) &&
           command.name[word.size()] == ' ';
  });
}

}  // namespace thaw::cli
