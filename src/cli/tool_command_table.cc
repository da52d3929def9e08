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

constexpr Command kCommands[] = {
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

}  // namespace

std::span<const Command> tool_commands() { return kCommands; }

}  // namespace thaw::cli
