#include "spec/settings.h"

#include "base/check.h"
#include "spec/defaults.h"

namespace thaw::spec {
namespace {

/// Precondition: defaults were applied.
ProbeSettings probe_settings(const Probe& probe) {
  ProbeSettings settings;
  settings.kind = probe.kind;
  settings.port = probe.port;
  settings.http_path = probe.http_path;
  settings.http_headers = probe.http_headers;
  settings.grpc_service = probe.grpc_service;
  settings.initial_delay = *probe.initial_delay;
  settings.period = *probe.period;
  settings.timeout = *probe.timeout;
  settings.failure_threshold = *probe.failure_threshold;
  settings.success_threshold = *probe.success_threshold;
  return settings;
}

std::optional<ProbeSettings> probe_settings(const std::optional<Probe>& probe) {
  return probe ? std::optional(probe_settings(*probe)) : std::nullopt;
}

}  // namespace

RevisionSettings settings_of(const RevisionTemplate& revision) {
  RevisionTemplate full = revision;
  apply_defaults(full);
  CHECK(full.spec.containers.size() == 1);
  Container& container = full.spec.containers.front();
  CHECK(container.image == kHostImage || container.image == kServeImage);

  RevisionSettings settings;
  settings.image = container.image == kServeImage ? ImageKind::kServe : ImageKind::kHost;
  settings.command = std::move(container.command);
  settings.args = std::move(container.args);
  settings.env = std::move(container.env);
  settings.working_dir = std::move(container.working_dir);
  settings.port = container.ports.front().container_port;
  settings.protocol = *container.ports.front().protocol;
  settings.cpu = *container.resources.cpu;
  settings.memory = *container.resources.memory;
  settings.concurrency = *full.spec.container_concurrency;
  settings.timeout = *full.spec.timeout;
  settings.min_instances = full.scaling.min_instances.value_or(0);
  settings.max_instances = *full.scaling.max_instances;
  settings.cpu_allocation = full.cpu_allocation.value_or(CpuAllocation::kRequestBased);
  settings.startup_cpu_boost = full.startup_cpu_boost.value_or(false);
  settings.session_affinity = full.session_affinity.value_or(false);
  settings.execution_environment = full.execution_environment;
  settings.startup_probe = probe_settings(*container.startup_probe);
  settings.liveness_probe = probe_settings(container.liveness_probe);
  settings.readiness_probe = probe_settings(container.readiness_probe);
  return settings;
}

}  // namespace thaw::spec
