#include "serving/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace thaw::serving {
namespace {

using sandbox::ExitReport;

constexpr std::string_view kHealthCheck = "HealthCheckContainerError";
constexpr std::string_view kMissing = "ContainerMissing";
constexpr std::string_view kMemory = "ContainerOutOfMemory";
constexpr std::string_view kCrashed = "ContainerCrashed";
constexpr std::string_view kKilled = "ContainerKilled";
constexpr std::string_view kUnhealthy = "ContainerUnhealthy";
constexpr std::string_view kUnready = "ContainerNotReady";
constexpr std::string_view kSlow = "ContainerSlowToStart";
constexpr std::string_view kAborted =
    "The request was aborted because there was no available "
    "instance";

/// Whole seconds stay whole: "240 s" says more than "4 min 0 s".
std::string span(Duration value) {
  const auto whole = std::chrono::duration_cast<std::chrono::seconds>(value);
  if (whole == value && value >= seconds(1)) return fmt::format("{} s", whole.count());
  return format_duration(value);
}

std::string times(int count) {
  return count == 1 ? "once" : fmt::format("{} times in a row", count);
}

std::string signal_name(int signal) {
  static constexpr std::array<std::pair<int, std::string_view>, 10> kNames{{
      {1, "SIGHUP"},
      {2, "SIGINT"},
      {4, "SIGILL"},
      {6, "SIGABRT"},
      {7, "SIGBUS"},
      {8, "SIGFPE"},
      {9, "SIGKILL"},
      {11, "SIGSEGV"},
      {13, "SIGPIPE"},
      {15, "SIGTERM"},
  }};
  for (const auto& [number, name] : kNames) {
    if (number == signal) return fmt::format("signal {} ({})", signal, name);
  }
  return fmt::format("signal {}", signal);
}

std::string quoted(std::string_view line) {
  constexpr size_t kLongest = 200;
  std::string text;
  for (const char c : line.substr(0, kLongest)) {
    text += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  }
  return line.size() > kLongest ? text + "..." : text;
}

/// Where to look: the last line it printed, and the logs.
std::string see_logs(std::string_view last_stderr, const sandbox::InstanceSpec& spec) {
  std::string said = "It printed nothing on stderr";
  if (!last_stderr.empty()) {
    said = fmt::format("Its last line on stderr: \"{}\"", quoted(last_stderr));
  }
  return fmt::format("{}. All that it printed is in `thaw logs {}`.", said, spec.service.str());
}

/// As --memory takes it, the power of two that leaves room above what was needed.
std::string larger_memory(ByteCount limit, ByteCount peak) {
  int64_t size = mib(128).value;
  const int64_t needed = std::max(limit.value + 1, peak.value + peak.value / 4);
  while (size < needed && size < gib(32).value) size *= 2;
  const int64_t in_mib = size >> 20;
  return in_mib % 1024 == 0 ? fmt::format("{}Gi", in_mib / 1024) : fmt::format("{}Mi", in_mib);
}

/// Of a worker pool: it listens nowhere.
bool is_worker(const sandbox::InstanceSpec& spec) { return spec.port == 0; }

std::string moment(const Ending& ending, const sandbox::InstanceSpec& spec) {
  if (is_worker(spec)) return fmt::format("{} after it was started", span(ending.lived));
  if (ending.phase == Phase::kServing) {
    return fmt::format("{} after it was started, while it served", span(ending.lived));
  }
  return fmt::format("{} after it was started, before it listened on port {}", span(ending.lived),
                     spec.port);
}

Words out_of_memory(const Ending& ending, const sandbox::InstanceSpec& spec) {
  const ByteCount limit =
      ending.report.memory_limit.value > 0 ? ending.report.memory_limit : spec.memory;
  const ByteCount peak = ending.report.memory_peak;
  const std::string used =
      peak.value > 0 ? fmt::format(" (peak {})", format_bytes(peak)) : std::string();
  return {Severity::kError, std::string(kMemory),
          fmt::format("The container exceeded its memory limit of {}{} and was killed, {}.",
                      format_bytes(limit), used, moment(ending, spec)),
          fmt::format("Give it more, e.g. --memory={}, or let it do less at once: --concurrency.",
                      larger_memory(limit, peak))};
}

}  // namespace

Duration allowed_start(const Probe& probe) {
  return probe.initial_delay + probe.period * probe.failure_threshold;
}

Words ended(const Ending& ending, const sandbox::InstanceSpec& spec) {
  const ExitReport& report = ending.report;
  const bool starting = ending.phase == Phase::kStarting;
  const std::string reason(starting ? kHealthCheck : kCrashed);
  switch (report.kind) {
    case ExitReport::Kind::kOutOfMemory:
      return out_of_memory(ending, spec);
    case ExitReport::Kind::kNotStarted:
      return {Severity::kError, std::string(kMissing),
              fmt::format("The container's program could not be started: {}.",
                          report.detail.empty() ? "no reason known" : report.detail),
              "Check the command, that the file exists in the image and that it may be executed."};
    case ExitReport::Kind::kSignalled:
      return {Severity::kError, reason,
              fmt::format("The container was ended by {}, {}: it crashed.",
                          signal_name(report.signal), moment(ending, spec)),
              see_logs(ending.last_stderr, spec)};
    case ExitReport::Kind::kExited:
    case ExitReport::Kind::kStopped:
      break;
  }
  const std::string hint =
      is_worker(spec) ? std::string("A worker must go on until it gets SIGTERM. ")
      : starting && report.exit_code == 0
          ? fmt::format("It must stay up and serve HTTP on 0.0.0.0:$PORT ({}). ", spec.port)
          : std::string();
  return {Severity::kError, reason,
          fmt::format("The container exited by itself with code {}, {}.", report.exit_code,
                      moment(ending, spec)),
          hint + see_logs(ending.last_stderr, spec)};
}

Words listens_late(Duration took, const sandbox::InstanceSpec& spec, const Probe& probe) {
  return {Severity::kWarning, std::string(kSlow),
          fmt::format("The container listened on port {} only {} after it was started; {} are "
                      "allowed.",
                      spec.port, span(took), span(allowed_start(probe))),
          "The first callers wait for that. Open the port before loading models, import less, "
          "give it more --cpu, or keep an instance ready with --min-instances=1."};
}

Words never_listens(const sandbox::InstanceSpec& spec, const Probe& probe, std::string_view why) {
  std::string asked;
  if (probe.kind == Probe::Kind::kHttpGet) {
    asked =
        fmt::format(" GET {} on port {} was not answered with 2xx or 3xx.", probe.path, probe.port);
  } else if (probe.kind == Probe::Kind::kGrpc) {
    asked = fmt::format(" grpc.health.v1.Health/Check on port {} was not answered with SERVING.",
                        probe.port);
  }
  if (!asked.empty() && !why.empty()) asked += fmt::format(" The last try: {}.", why);
  return {Severity::kError, std::string(kHealthCheck),
          fmt::format("The container failed to start and listen on the port defined by the PORT "
                      "environment variable ({}) within the allocated timeout of {}.{}",
                      spec.port, span(allowed_start(probe)), asked),
          fmt::format("Let it listen on 0.0.0.0, not on 127.0.0.1, and on $PORT, not on another "
                      "port. If it needs longer, raise failureThreshold or periodSeconds of its "
                      "startup probe. What it printed is in `thaw logs {}`.",
                      spec.service.str())};
}

Words fails_liveness(const sandbox::InstanceSpec& spec, const Probe& probe, std::string_view why) {
  return {Severity::kError, std::string(kUnhealthy),
          fmt::format("The container failed its liveness probe {} and was killed: {}.",
                      times(probe.failure_threshold), why),
          fmt::format("Requests that were in it ended with 503; another instance is started when "
                      "it is needed. If it was only busy, raise timeoutSeconds or "
                      "failureThreshold. What it printed is in `thaw logs {}`.",
                      spec.service.str())};
}

Words not_ready(const Probe& probe, std::string_view why) {
  return {Severity::kWarning, std::string(kUnready),
          fmt::format("The container failed its readiness probe {}: {}.",
                      times(probe.failure_threshold), why),
          "It gets no new requests until the probe passes."};
}

Words ignores_sigterm(Duration grace) {
  return {
      Severity::kWarning, std::string(kKilled),
      fmt::format("The container did not end within {} of SIGTERM and was killed.", span(grace)),
      "Its last work may be lost. Handle SIGTERM: finish what is open, then exit. A program "
      "that a shell script starts gets no signal unless the script uses `exec`."};
}

Refusal queue_is_full(int longest) {
  return {Refusal::Reason::kQueueFull, 429,
          fmt::format("{}: {} requests wait already.", kAborted, longest), seconds(1)};
}

Refusal no_free_instance(Duration waited, int max_instances) {
  return {Refusal::Reason::kNoInstance, 429,
          fmt::format("{}: none was free within {}, and no more than {} may run.", kAborted,
                      span(waited), max_instances),
          seconds(1)};
}

Refusal past_deadline() {
  return {Refusal::Reason::kDeadline, 504,
          "The request has been terminated because it has reached the maximum request timeout.",
          Duration(0)};
}

Refusal unknown_revision() {
  return {Refusal::Reason::kUnknownRevision, 404, "There is no such revision.", Duration(0)};
}

Refusal shutting_down() {
  return {Refusal::Reason::kShuttingDown, 503, "The platform is shutting down.", seconds(5)};
}

Refusal cannot_start(const Words& why, Duration retry_after) {
  // Retry-After has whole seconds; rounded up, so that the next try finds the pause over.
  const auto whole = std::chrono::ceil<std::chrono::seconds>(retry_after);
  return {Refusal::Reason::kStartFailed, 503, why.summary,
          std::max<Duration>(whole, std::chrono::seconds(1))};
}

Refusal instance_died(const ExitReport* report, const Words* why) {
  if (report != nullptr && report->kind == ExitReport::Kind::kOutOfMemory && why != nullptr) {
    return {Refusal::Reason::kOutOfMemory, 500,
            "The request failed because the instance ran out of memory. " + why->summary,
            Duration(0)};
  }
  std::string message =
      "The request failed because either the HTTP response was malformed or connection to the "
      "instance had an error.";
  if (why != nullptr) message += " " + why->summary;
  return {Refusal::Reason::kInstanceDied, 503, std::move(message), Duration(0)};
}

}  // namespace thaw::serving
