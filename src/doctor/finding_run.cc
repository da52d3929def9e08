// Findings about serving: memory, answers, overlapping requests, work between requests, threads.
#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "doctor/finding_kinds.h"

namespace thaw::doctor {
namespace {

using Kind = sandbox::ExitReport::Kind;

constexpr double kTightShare = 0.85;      // of the memory limit
constexpr double kIdleWork = 0.02;        // of one CPU, by the whole instance
constexpr double kMainThreadWork = 0.01;  // of one CPU, by a first thread: less only keeps time
constexpr int64_t kFewestWakes = 2;
constexpr int kManyThreads = 64;  // for each CPU, whatever they do

/// Threads of language runtimes that keep time without doing the program's work.
constexpr std::string_view kRuntimeThreads[] = {"VM Periodic",  "VM Thread", "G1 ",       "GC ",
                                                "C1 ",          "C2 ",       "Signal D",  ".NET",
                                                "Common-Clean", "Finalizer", "Reference", "puma "};

std::string memory_command(const Facts& facts, ByteCount size) {
  const bool deployed = facts.target.kind == Target::Kind::kService;
  const std::string text = fmt::format("{}Mi", size.value >> 20);
  return deployed ? fmt::format("thaw deploy {} --memory {}", facts.target.name, text)
                  : fmt::format("resources: {{limits: {{memory: {}}}}}", text);
}

bool is_runtime_thread(const IdleThread& thread) {
  return std::any_of(std::begin(kRuntimeThreads), std::end(kRuntimeThreads),
                     [&](std::string_view name) { return thread.name.starts_with(name); });
}

/// Whether a thread does work between requests, rather than waiting for the next one.
bool works_between(const IdleThread& thread, Duration window) {
  if (is_runtime_thread(thread)) return false;
  if (thread.is_main && to_seconds(thread.cpu) < to_seconds(window) * kMainThreadWork) return false;
  if (thread.waits == IdleThread::Waits::kOnTimer) return true;
  return thread.waits == IdleThread::Waits::kOnTimedLock && thread.wakes >= kFewestWakes;
}

}  // namespace

std::optional<Finding> runs_out_of_memory(const Facts& facts) {
  if (!facts.end || facts.end->report.kind != Kind::kOutOfMemory) return std::nullopt;
  const sandbox::ExitReport& report = facts.end->report;
  Finding finding{
      .id = "out-of-memory",
      .severity = Severity::kError,
      .what = facts.end->when == EndFacts::When::kStarting
                  ? "The program needs more memory than its limit before it can serve."
                  : "The program needs more memory than its limit while it serves; all requests in "
                    "the instance end with 500.",
      .evidence = {fmt::format("killed at its limit of {}, {} after its start",
                               format_bytes(report.memory_limit),
                               format_duration(facts.end->after))},
      .fix = "Raise the limit, or load less: smaller weights, batches and copies."};
  ByteCount size = recommended_memory({report.memory_limit.value * 2});
  if (facts.memory.needed) {
    size = recommended_memory(*facts.memory.needed);
    finding.evidence.push_back(
        fmt::format("with a larger limit it used {}", format_bytes(*facts.memory.needed)));
  } else {
    finding.evidence.emplace_back("how much it needs could not be measured here");
  }
  finding.command = memory_command(facts, size);
  return finding;
}

std::optional<Finding> is_tight_on_memory(const Facts& facts) {
  const ByteCount limit = facts.target.instance.memory;
  const ByteCount peak = facts.memory.peak;
  if (facts.end || peak.value == 0 ||
      static_cast<double>(peak.value) < static_cast<double>(limit.value) * kTightShare) {
    return std::nullopt;
  }
  return Finding{
      .id = "memory-tight",
      .severity = Severity::kWarning,
      .what = "Hardly any memory is left under the limit; a larger request ends the instance.",
      .evidence = {fmt::format("{} of {} after {} requests, {} after the start", format_bytes(peak),
                               format_bytes(limit), facts.memory.requests,
                               format_bytes(facts.memory.idle)),
                   fmt::format("of that {} in files under /tmp, which count as memory",
                               format_bytes(facts.memory.tmp))},
      .fix = "Raise the limit to what was seen and a quarter more.",
      .command = memory_command(facts, recommended_memory(peak))};
}

std::optional<Finding> does_not_answer(const Facts& facts) {
  if (listens_on_loopback(facts)) return std::nullopt;  // which is why
  // A refused write may be why, and would be allowed there.
  const bool asked = facts.request.sent > 0 && !facts.end && facts.refused_writes.empty();
  // 501: it serves other methods than GET, or so it says.
  const int status = facts.request.status;
  if (!asked || (facts.request.answered && (status < 500 || status == 501))) return std::nullopt;
  Finding finding{.id = "no-answer",
                  .severity = Severity::kError,
                  .what = "The server listens but does not answer a plain request properly."};
  finding.evidence.push_back(
      facts.request.answered
          ? fmt::format("GET {}: status {}", facts.target.request_path, facts.request.status)
          : fmt::format("GET {}: {}", facts.target.request_path, facts.request.error));
  for (const std::string& line : facts.last_lines) finding.evidence.push_back("output: " + line);
  if (finding.evidence.size() > 5) {
    finding.evidence.erase(finding.evidence.begin() + 1, finding.evidence.end() - 4);
  }
  finding.fix =
      "Mend the handler; if this path is not meant to be called like that, name one that "
      "is.";
  finding.command = "thaw doctor --path /health ...";
  return finding;
}

std::optional<Finding> crashes_serving(const Facts& facts) {
  if (!facts.end || facts.end->when != EndFacts::When::kServing ||
      facts.end->report.kind == Kind::kOutOfMemory) {
    return std::nullopt;
  }
  const sandbox::ExitReport& report = facts.end->report;
  Finding finding{.id = "ends-while-serving",
                  .severity = Severity::kError,
                  .what = "The program ends by itself while it serves; its requests end with 503."};
  finding.evidence.push_back(report.signal != 0
                                 ? fmt::format("ended by signal {}", report.signal)
                                 : fmt::format("exited with code {}", report.exit_code));
  for (const std::string& line : facts.last_lines) finding.evidence.push_back("output: " + line);
  finding.fix = "A server ends on SIGTERM only: catch what a request can raise.";
  finding.command = fmt::format("curl localhost:$PORT{}", facts.target.request_path);
  return finding;
}

std::optional<Finding> serves_one_by_one(const Facts& facts) {
  using Verdict = OverlapFacts::Verdict;
  const OverlapFacts& overlap = facts.overlap;
  const bool held = overlap.held == Verdict::kSerial;
  const bool timed = overlap.timed == Verdict::kSerial;
  if (facts.target.concurrency <= 1 || (!held && !timed)) return std::nullopt;
  Finding finding{.id = "one-at-a-time",
                  .severity = Severity::kWarning,
                  .what = fmt::format(
                      "The server handles one request at a time, but is given up to {} at once: "
                      "the others wait in it instead of getting an instance of their own.",
                      facts.target.concurrency)};
  if (held) {
    finding.evidence.emplace_back(
        "while one request was still being sent, a second one got no answer; it came when the "
        "first was done");
  }
  if (timed) {
    std::vector<std::string> ends;
    for (const Duration end : overlap.ends) ends.push_back(format_duration(end));
    finding.evidence.push_back(
        fmt::format("{} requests sent at once ended after {} (one alone takes {})", ends.size(),
                    fmt::join(ends, ", "), format_duration(facts.request.latency)));
  }
  finding.fix =
      "Serve with threads or an asynchronous server that does not block, or tell the "
      "platform to send one request at a time.";
  finding.command = facts.target.kind == Target::Kind::kService
                        ? fmt::format("thaw deploy {} --concurrency 1", facts.target.name)
                        : "containerConcurrency: 1        # in the service file; or\n"
                          "gunicorn --threads 8 --bind 0.0.0.0:$PORT main:app";
  return finding;
}

std::optional<Finding> starves(const Facts& facts) {
  const IdleFacts& idle = facts.idle;
  if (!facts.target.throttled || !idle.measured) return std::nullopt;
  std::vector<const IdleThread*> working;
  for (const IdleThread& thread : idle.threads) {
    if (works_between(thread, idle.window)) working.push_back(&thread);
  }
  const bool busy = to_seconds(idle.cpu) >= to_seconds(idle.window) * kIdleWork;
  if (working.empty() && !busy && idle.lines < 2 && idle.processes_started < 2) {
    return std::nullopt;
  }
  Finding finding{
      .id = "starved-between-requests",
      .severity = Severity::kWarning,
      .what =
          "The program works between requests, but has no CPU then: the work stands still until "
          "the next request."};
  finding.evidence.push_back(fmt::format(
      "{} without a request: {} of CPU time, {} lines printed; the next {} frozen, as the platform "
      "does it: {} of CPU time, {} lines",
      format_duration(idle.window), format_duration(idle.cpu), idle.lines,
      format_duration(idle.frozen_window), format_duration(idle.frozen_cpu), idle.frozen_lines));
  for (const IdleThread* thread : working) {
    finding.evidence.push_back(fmt::format(
        "a thread of {} woke {} times and used {}: {:.0f} rounds a minute that are left undone",
        thread->name, thread->wakes, format_duration(thread->cpu),
        static_cast<double>(thread->wakes) * 60 / to_seconds(idle.window)));
  }
  if (idle.processes_started > 1) {
    finding.evidence.push_back(
        fmt::format("{} processes started meanwhile", idle.processes_started));
  }
  if (!idle.last_line.empty()) finding.evidence.push_back("output: " + idle.last_line);
  finding.fix = "Ask for CPU outside of requests, or do the work inside a request.";
  finding.command = facts.target.kind == Target::Kind::kService
                        ? fmt::format("thaw deploy {} --no-cpu-throttling", facts.target.name)
                        : "run.googleapis.com/cpu-throttling: \"false\"   # annotation of the "
                          "template";
  return finding;
}

std::optional<Finding> has_too_many_threads(const Facts& facts) {
  const PoolFacts& pools = facts.pools;
  Finding finding{.id = "too-many-threads",
                  .severity = Severity::kWarning,
                  .what = fmt::format(
                      "More threads or workers compute at once than the {} CPU of the limit can "
                      "run: they wait for each other.",
                      pools.cpus)};
  for (const auto& [name, value] : pools.variables) {
    if (value > pools.cpus) finding.evidence.push_back(fmt::format("{}={}", name, value));
  }
  if (pools.workers > 2 * pools.cpus + 1) {
    finding.evidence.push_back(
        fmt::format("{} worker processes; 2 x CPU + 1 is plenty", pools.workers));
  }
  if (!pools.compute.empty() && pools.most_threads > 4 * pools.cpus + 4) {
    finding.evidence.push_back(fmt::format("{} threads in a process that computes with {}",
                                           pools.most_threads, fmt::join(pools.compute, ", ")));
  }
  if (pools.most_in_all > kManyThreads * pools.cpus) {
    finding.evidence.push_back(fmt::format("{} threads in one process", pools.most_in_all));
  }
  if (facts.request.most_running > 4 * pools.cpus + 1) {
    finding.evidence.push_back(fmt::format("{} threads running or ready to run during one request",
                                           facts.request.most_running));
  }
  if (finding.evidence.empty()) return std::nullopt;
  finding.fix = "Size pools by the CPU limit, not by the machine's number of CPUs.";
  finding.command = fmt::format(
      "env: [{{name: OMP_NUM_THREADS, value: \"{0}\"}}, {{name: OPENBLAS_NUM_THREADS, value: "
      "\"{0}\"}}]\ngunicorn --workers {0} --threads 8 --bind 0.0.0.0:$PORT main:app",
      pools.cpus);
  return finding;
}

}  // namespace thaw::doctor
