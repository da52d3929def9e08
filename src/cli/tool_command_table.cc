// The commands around the platform's own: the table of them.
#include "cli/command_tables.h"
#include "cli/handlers.h"

namespace thaw::cli {
namespace {

constexpr size_t kMany = 1000;

constexpr Flag kEnvFlags[] = {
    {.name = "unset", .help = "Print the lines that take it all back."},
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

constexpr Flag kSimulateFlags[] = {
    {.name = "trace",
     .value = "FILE",
     .help =
         "Calls to replay: CSV with a header (time, service, duration), an access log, or Cloud "
         "Logging entries; - is standard input.",
     .completes = Completes::kFile},
    {.name = "pattern",
     .value = "PATTERN",
     .help = "Without a trace: how calls come; steady if not given.",
     .choices = "steady|diurnal|bursty|spiky"},
    {.name = "services",
     .value = "N",
     .help = "Services that are called, 1 to 100000; 100 if not given."},
    {.name = "span", .value = "TIME", .help = "How long, 1m to 8784h; 24h if not given."},
    {.name = "shortest-gap",
     .value = "TIME",
     .help = "A service's mean time between two calls is drawn from here ...; 1m if not given."},
    {.name = "longest-gap", .value = "TIME", .help = "... to here; 3h if not given."},
    {.name = "service-time",
     .value = "TIME",
     .help = "What a call takes where the trace does not say, on average; 200ms if not given."},
    {.name = "start-time",
     .value = "TIME",
     .help = "From an instance's start until it listens; 2s if not given."},
    {.name = "hibernate-after",
     .value = "TIME|off",
     .help = "When an idle instance of Thaw's goes to swap; 20s if not given, off: no swap."},
    {.name = "hibernated-memory",
     .value = "PERCENT",
     .help = "The share of its memory that a hibernated one holds, 0 to 100; 10 if not given."},
    {.name = "wake-time",
     .value = "TIME",
     .help = "How much longer the first answer of a hibernated one takes; 100ms if not given."},
    {.name = "seed", .value = "N", .help = "Another draw of the same pattern; 1 if not given."},
    {.name = "policy",
     .value = "NAME",
     .help = "Only this one; may be given several times.",
     .choices = "cloud-run|knative|thaw"},
    {.name = "plot",
     .value = "FILE",
     .help = "Write a picture of instances and waits over time: .png or .svg.",
     .completes = Completes::kFile},
};

constexpr Command kCommands[] = {
    {.name = "simulate",
     .arguments = "[SERVICE_FILE]",
     .summary = "Compare scaling policies over a day of calls",
     .description =
         "Puts a trace of calls through the decisions that `thaw up` makes, with a clock that "
         "jumps, "
         "and through Cloud Run's and Knative's rules: how many calls wait for a start, how long, "
         "and what the instances cost.\n"
         "SERVICE_FILE gives concurrency, minimum, maximum, CPU and memory of each service.",
     .flags = kSimulateFlags,
     .max_arguments = 1,
     .completes = Completes::kServiceOrFile,
     .examples = "$ thaw simulate --pattern diurnal --services 100 --plot day.png\n"
                 "$ thaw simulate service.yaml --trace access.log --start-time 8s\n"
                 "$ thaw simulate --pattern bursty --services 10000 --json\n",
     .main = simulate_command},
    {.name = "env",
     .summary = "Print the environment that points gcloud and gsutil at this platform",
     .description = "As lines for a shell. With them `gcloud run` deploys here, with any project "
                    "and region; nothing of gcloud's own configuration is changed. gsutil, which "
                    "speaks TLS only, is told its port where `thaw up --api-tls-address` has one.",
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

}  // namespace

std::span<const Command> tool_commands() { return kCommands; }

}  // namespace thaw::cli
