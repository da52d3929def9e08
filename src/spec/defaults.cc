#include "spec/defaults.h"

#include <algorithm>

namespace thaw::spec {
namespace {

constexpr Cpu kDefaultCpu{1000};
constexpr ByteCount kDefaultMemory = mib(512);
constexpr int32_t kDefaultPort = 8080;
constexpr int32_t kDefaultMaxInstances = 100;
constexpr std::chrono::seconds kDefaultTimeout{300};

/// Contract 1.2: without a startup probe the port must accept a connection within 240 s.
Probe default_startup_probe(int32_t port) {
  Probe probe;
  probe.port = port;
  probe.period = std::chrono::seconds(240);
  probe.timeout = std::chrono::seconds(240);
  probe.failure_threshold = 1;
  return probe;
}

template <class T>
void fill(std::optional<T>& field, T value) {
  if (!field) field = value;
}

void fill_probe(Probe& probe, int32_t port) {
  if (probe.port == 0) probe.port = port;
  if (probe.kind == ProbeKind::kHttp && probe.http_path.empty()) probe.http_path = "/";
  fill<Duration>(probe.initial_delay, Duration(0));
  fill<Duration>(probe.period, std::chrono::seconds(10));
  fill<Duration>(probe.timeout, std::chrono::seconds(1));
  fill(probe.failure_threshold, 3);
  fill(probe.success_threshold, 1);
}

void fill_container(Container& container) {
  if (container.ports.empty()) container.ports.emplace_back();
  Port& port = container.ports.front();
  if (port.container_port == 0) port.container_port = kDefaultPort;
  fill(port.protocol, PortProtocol::kHttp1);
  fill(container.resources.cpu, kDefaultCpu);
  fill(container.resources.memory, kDefaultMemory);
  fill(container.startup_probe, default_startup_probe(port.container_port));
  for (auto* probe :
       {&container.startup_probe, &container.liveness_probe, &container.readiness_probe}) {
    if (*probe) fill_probe(**probe, port.container_port);
  }
}

}  // namespace

int32_t default_concurrency(Cpu cpu) {
  constexpr int64_t kPerCpu = 80, kMost = 1000;
  if (cpu.millis < 1000) return 1;
  return static_cast<int32_t>(std::min(kMost, kPerCpu * (cpu.millis / 1000)));
}

void apply_defaults(RevisionTemplate& revision) {
  RevisionSpec& spec = revision.spec;
  for (Container& container : spec.containers) fill_container(container);
  if (spec.container_concurrency.value_or(0) == 0) {
    const bool has_cpu = !spec.containers.empty();
    spec.container_concurrency =
        default_concurrency(has_cpu ? *spec.containers.front().resources.cpu : kDefaultCpu);
  }
  fill<Duration>(spec.timeout, kDefaultTimeout);
  // A larger minimum raises the default, so that it cannot be below what was asked for.
  fill(revision.scaling.max_instances,
       std::max(kDefaultMaxInstances, revision.scaling.min_instances.value_or(0)));
}

void apply_defaults(Service& service) {
  apply_defaults(service.template_);
  if (service.traffic.empty()) {
    TrafficTarget latest;
    latest.latest_revision = true;
    latest.percent = 100;
    service.traffic.push_back(latest);
  }
}

}  // namespace thaw::spec
