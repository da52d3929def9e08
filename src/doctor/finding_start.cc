// Findings about the time until the first request.
#include <fmt/format.h>

#include <algorithm>

#include "doctor/finding_kinds.h"

namespace thaw::doctor {
namespace {

using Kind = sandbox::ExitReport::Kind;

constexpr double kLateShare = 0.5;  // of the probe's deadline: the next slow day is over it
constexpr Duration kSlowImports = seconds(1);
constexpr Duration kDearCompiling = milliseconds(50);
constexpr size_t kShownModules = 6;

bool ended_starting(const Facts& facts) {
  return facts.end && facts.end->when == EndFacts::When::kStarting;
}

std::string how_it_ended(const EndFacts& end) {
  if (end.report.signal != 0) {
    return fmt::format("ended by signal {} after {}", end.report.signal,
                       format_duration(end.after));
  }
  return fmt::format("exited with code {} after {}", end.report.exit_code,
                     format_duration(end.after));
}

void quote_lines(const Facts& facts, Finding& finding) {
  const size_t from = facts.last_lines.size() > 4 ? facts.last_lines.size() - 4 : 0;
  for (size_t i = from; i < facts.last_lines.size(); ++i) {
    finding.evidence.push_back("output: " + facts.last_lines[i]);
  }
}

/// The time that the program itself took: without what this machine gave to others.
Duration own_time(const StartFacts& start) {
  return std::max(Duration::zero(), start.until_listening - start.waited_for_cpu);
}

bool has_port(const StartFacts& start, uint16_t port) {
  return std::any_of(start.listening.begin(), start.listening.end(),
                     [&](const Listening& l) { return l.port == port; });
}

std::string places(const StartFacts& start) {
  std::vector<std::string> all;
  for (const Listening& l : start.listening) {
    all.push_back(l.ip.find(':') == std::string::npos ? fmt::format("{}:{}", l.ip, l.port)
                                                      : fmt::format("[{}]:{}", l.ip, l.port));
  }
  return fmt::format("{}", fmt::join(all, ", "));
}

}  // namespace

std::optional<Finding> does_not_start(const Facts& facts) {
  if (!ended_starting(facts) || facts.end->report.kind != Kind::kNotStarted) return std::nullopt;
  return Finding{
      .id = "not-started",
      .severity = Severity::kError,
      .what = "The program cannot be executed.",
      .evidence = {facts.end->report.detail},
      .fix = "Name a program that exists in the image, with its full path, and make it executable.",
      .command = "command: [\"/usr/bin/python3\", \"app.py\"]"};
}

std::optional<Finding> exits_early(const Facts& facts) {
  if (!ended_starting(facts)) return std::nullopt;
  const Kind kind = facts.end->report.kind;
  if (kind == Kind::kNotStarted || kind == Kind::kOutOfMemory) return std::nullopt;
  // Both would be allowed there, so the end itself is the sandbox's doing.
  if (!facts.refused_writes.empty() || !facts.network.empty()) return std::nullopt;
  Finding finding{
      .id = "exits-early",
      .severity = Severity::kError,
      .what =
          "The program ends before it listens; a service must go on running and listen on "
          "$PORT.",
      .evidence = {how_it_ended(*facts.end)},
      .fix = facts.end->report.exit_code == 0 && facts.end->report.signal == 0
                 ? "Run the server in the foreground: as the last thing the program does, or with "
                   "exec at the end of a script."
                 : "Mend what its last lines of output say, then run the doctor again."};
  finding.command =
      fmt::format("PORT={} {}", facts.start.port, fmt::join(facts.target.instance.argv, " "));
  quote_lines(facts, finding);
  return finding;
}

std::optional<Finding> never_listens(const Facts& facts) {
  const StartFacts& start = facts.start;
  if (!start.listening.empty() || facts.end) return std::nullopt;
  Finding finding{
      .id = "never-listens",
      .severity = Severity::kError,
      .what =
          "The program runs but listens on no TCP port: the startup probe fails and the "
          "revision is never ready.",
      .evidence = {fmt::format("no listening socket after {}; the startup probe allows {}",
                               format_duration(start.until_listening),
                               format_duration(facts.target.probe_deadline))},
      .fix =
          "Start an HTTP server on 0.0.0.0:$PORT; a worker without one is a worker pool, or "
          "answers /health beside its work.",
      .command = "python3 -m http.server --bind 0.0.0.0 $PORT"};
  if (start.stood_still) {
    finding.evidence.push_back(
        fmt::format("it had stopped working: {} of CPU time in all", format_duration(start.cpu)));
  }
  quote_lines(facts, finding);
  return finding;
}

std::optional<Finding> listens_on_loopback(const Facts& facts) {
  const auto& all = facts.start.listening;
  // A second, private port beside the public one is nobody's business.
  const bool wanted = has_port(facts.start, facts.start.port);
  const auto is_seen = [&](const Listening& l) {
    return l.reach == Listening::Reach::kAnywhere && (!wanted || l.port == facts.start.port);
  };
  if (all.empty() || std::any_of(all.begin(), all.end(), is_seen)) return std::nullopt;
  return Finding{
      .id = "listens-on-loopback",
      .severity = Severity::kError,
      .what =
          "The server listens on an address inside the container only; requests come from "
          "outside of it.",
      .evidence = {"listens on " + places(facts.start)},
      .fix = "Bind to 0.0.0.0 (or ::) instead of 127.0.0.1 or localhost.",
      .command =
          "app.run(host=\"0.0.0.0\", port=int(os.environ[\"PORT\"]))   # Flask\n"
          "uvicorn main:app --host 0.0.0.0 --port $PORT\n"
          "gunicorn --bind 0.0.0.0:$PORT main:app"};
}

std::optional<Finding> ignores_port(const Facts& facts) {
  const StartFacts& start = facts.start;
  if (start.listening.empty() || has_port(start, start.port)) return std::nullopt;
  const uint16_t there = facts.target.instance.port;
  const bool works_by_luck = has_port(start, there);
  const bool stated = works_by_luck && facts.target.port_stated;
  Finding finding{.id = "ignores-port",
                  .severity = stated          ? Severity::kInfo
                              : works_by_luck ? Severity::kWarning
                                              : Severity::kError,
                  .what = "The server listens on a port of its own instead of the one in $PORT."};
  finding.evidence.push_back(
      fmt::format("started with PORT={}, listens on {}", start.port, places(start)));
  if (works_by_luck) {
    finding.evidence.push_back(
        fmt::format("it is reached as long as the service's port happens to be {}", there));
  }
  finding.fix = "Read the port from the environment variable PORT.";
  finding.command =
      "port = int(os.environ.get(\"PORT\", \"8080\"))      # Python\n"
      "const port = process.env.PORT || 8080;           // Node\n"
      "gunicorn --bind 0.0.0.0:$PORT main:app           # in a shell, which expands $PORT";
  return finding;
}

std::optional<Finding> listens_late(const Facts& facts) {
  const StartFacts& start = facts.start;
  if (start.listening.empty()) return std::nullopt;
  const Duration deadline = facts.target.probe_deadline;
  const Duration took = own_time(start);
  const bool over = took > deadline;
  if (!over && to_seconds(took) <= to_seconds(deadline) * kLateShare) return std::nullopt;
  return Finding{
      .id = "listens-late",
      .severity = over ? Severity::kError : Severity::kWarning,
      .what = over ? "The server listens only after the startup probe has given up."
                   : "The server listens late: more than half of what the startup probe allows is "
                     "gone.",
      .evidence = {fmt::format("listens after {} ({} of it waiting for a CPU of this machine); the "
                               "startup probe allows {}",
                               format_duration(start.until_listening),
                               format_duration(start.waited_for_cpu), format_duration(deadline)),
                   fmt::format("CPU time until then: {}", format_duration(start.cpu))},
      .fix =
          "Listen first and load afterwards or on the first request; or give the probe more "
          "time.",
      .command =
          "startupProbe: {tcpSocket: {port: 8080}, periodSeconds: 10, failureThreshold: 24, "
          "timeoutSeconds: 10}"};
}

std::optional<Finding> fails_probe(const Facts& facts) {
  if (!facts.probe_status || (*facts.probe_status >= 200 && *facts.probe_status < 400)) {
    return std::nullopt;
  }
  return Finding{
      .id = "fails-probe",
      .severity = Severity::kError,
      .what = "The startup probe's HTTP request is answered with a failure.",
      .evidence = {fmt::format("GET {}: status {}", facts.target.probe_path, *facts.probe_status)},
      .fix = "Answer that path with 200 as soon as the program can serve, or probe another path.",
      .command = "startupProbe: {httpGet: {path: /health}}"};
}

std::optional<Finding> calls_network(const Facts& facts) {
  if (facts.network.empty()) return std::nullopt;
  const bool fatal = ended_starting(facts) && facts.end->report.kind != Kind::kOutOfMemory &&
                     facts.end->report.kind != Kind::kNotStarted && facts.refused_writes.empty();
  Finding finding{
      .id = "network-at-start",
      .severity = fatal ? Severity::kError : Severity::kWarning,
      .what = fatal ? "The program calls other machines while it starts, and does not start when "
                      "they do not answer."
                    : "The program calls other machines while it starts: each cold start waits for "
                      "them."};
  for (const NetworkCall& call : facts.network) {
    finding.evidence.push_back(
        call.port == 0
            ? fmt::format("looked up {} ({}x)", call.host, call.tries)
            : fmt::format("connects to {} port {} ({}x)", call.host, call.port, call.tries));
  }
  if (fatal) {
    finding.evidence.push_back(how_it_ended(*facts.end));
    quote_lines(facts, finding);
  }
  finding.fix =
      "Put what is fetched (weights, schemas, word lists) into the image, and connect on "
      "the first request with a time limit.";
  finding.command =
      "RUN python3 -c \"import app; app.download()\"     # in the Dockerfile\n"
      "env: [{name: HF_HUB_OFFLINE, value: \"1\"}]         # Hugging Face: use the "
      "copy in the image";
  return finding;
}

std::optional<Finding> imports_slowly(const Facts& facts) {
  const ImportFacts& imports = facts.imports;
  const auto ran = std::chrono::duration_cast<Duration>(imports.total * imports.ran_share);
  if (!imports.measured || ran < kSlowImports) return std::nullopt;
  Finding finding{
      .id = "slow-imports",
      .severity = Severity::kWarning,
      .what = "Importing modules takes most of a cold start.",
      .evidence = {fmt::format("{} in {} modules ({:.0f} % of it running, the rest waiting for a "
                               "CPU of this machine)",
                               format_duration(imports.total), imports.modules.size(),
                               imports.ran_share * 100)}};
  std::vector<ImportedModule> by_total = imports.modules;
  std::stable_sort(by_total.begin(), by_total.end(),
                   [](const auto& a, const auto& b) { return a.total > b.total; });
  for (size_t i = 0; i < std::min(kShownModules, by_total.size()); ++i) {
    finding.evidence.push_back(fmt::format("import {}: {}, {} of it its own", by_total[i].name,
                                           format_duration(by_total[i].total),
                                           format_duration(by_total[i].self)));
  }
  finding.fix =
      "Import what only some requests need inside their handlers, and drop what is not "
      "used; look at the flame graph for the path to each module.";
  finding.command = "thaw doctor --flame-graph imports.html ...";
  return finding;
}

std::optional<Finding> lacks_byte_code(const Facts& facts) {
  const ImportFacts& imports = facts.imports;
  if (imports.from_source == 0 || imports.compile_cpu < kDearCompiling) return std::nullopt;
  Finding finding{
      .id = "no-byte-code",
      .severity = Severity::kWarning,
      .what =
          "Modules come without byte code (.pyc): every cold start compiles them again, because "
          "what an instance writes goes with it.",
      .evidence = {fmt::format("{} modules compiled at start, {} of CPU time", imports.from_source,
                               format_duration(imports.compile_cpu))},
      .fix = "Compile them when the image is built, and do not set PYTHONDONTWRITEBYTECODE there.",
      .command = fmt::format("python3 -m compileall -q {}   # RUN in the Dockerfile, after COPY",
                             facts.target.directory.empty() ? "." : facts.target.directory)};
  for (size_t i = 0; i < std::min<size_t>(4, imports.source_files.size()); ++i) {
    finding.evidence.push_back("from source: " + imports.source_files[i]);
  }
  return finding;
}

}  // namespace thaw::doctor
