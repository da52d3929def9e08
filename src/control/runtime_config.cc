#include "control/runtime_config.h"

#include <algorithm>
#include <string_view>

#include "spec/settings.h"
#include "spec/workers.h"

namespace thaw::control {
namespace {

// Debian's and Docker's search path for root.
constexpr std::string_view kPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
// A worker that still runs after so long has started.
constexpr Duration kWorkerTrial = seconds(1);
constexpr std::string_view kHome = "/tmp";  // the one place an instance may write to

std::vector<std::string> argv_of(const spec::RevisionSettings& settings,
                                 const std::vector<std::string>& serve_argv) {
  std::vector<std::string> argv =
      settings.image == spec::ImageKind::kServe ? serve_argv : settings.command;
  argv.insert(argv.end(), settings.args.begin(), settings.args.end());
  return argv;
}

std::vector<std::string> environment_of(const Revision& revision,
                                        const spec::RevisionSettings& settings,
                                        const Runtime& runtime) {
  std::vector<std::string> env;
  const auto user_set = [&](std::string_view name) {
    return std::any_of(settings.env.begin(), settings.env.end(),
                       [&](const spec::EnvVar& variable) { return variable.name == name; });
  };
  const auto add = [&](std::string_view name, std::string_view value) {
    env.push_back(std::string(name) + "=" + std::string(value));
  };
  if (!user_set("PATH")) add("PATH", kPath);
  if (!user_set("HOME")) add("HOME", kHome);
  for (const auto& [name, value] : runtime.instance_env) {
    if (!user_set(name)) add(name, value);
  }
  for (const spec::EnvVar& variable : settings.env) add(variable.name, variable.value);
  if (runtime.kind == spec::ServiceKind::kWorkerPool) {
    add("CLOUD_RUN_WORKER_POOL", revision.service.str());
    add("CLOUD_RUN_WORKER_POOL_REVISION", revision.name.str());
    return env;
  }
  add("PORT", std::to_string(settings.port));
  add("K_SERVICE", revision.service.str());
  add("K_REVISION", revision.name.str());
  add("K_CONFIGURATION", revision.service.str());
  return env;
}

/// Cloud Run's table of startup CPU boost: up to one vCPU is two, then twice as much, at most
/// eight.
int boosted(spec::Cpu cpu) {
  constexpr int64_t kLeast = 2000, kMost = 8000;
  return static_cast<int>(std::clamp(2 * cpu.millis, kLeast, kMost));
}

serving::Probe::Kind kind_of(spec::ProbeKind kind) {
  switch (kind) {
    case spec::ProbeKind::kHttp:
      return serving::Probe::Kind::kHttpGet;
    case spec::ProbeKind::kGrpc:
      return serving::Probe::Kind::kGrpc;
    case spec::ProbeKind::kTcp:
      break;
  }
  return serving::Probe::Kind::kTcp;
}

serving::Probe probe_of(const spec::ProbeSettings& settings) {
  serving::Probe probe;
  probe.kind = kind_of(settings.kind);
  probe.port = static_cast<uint16_t>(settings.port);
  probe.path = settings.http_path;
  for (const spec::HttpHeader& header : settings.http_headers) {
    probe.headers.emplace_back(header.name, header.value);
  }
  probe.initial_delay = settings.initial_delay;
  probe.period = settings.period;
  probe.timeout = settings.timeout;
  probe.failure_threshold = settings.failure_threshold;
  probe.success_threshold = settings.success_threshold;
  probe.service = settings.grpc_service;
  return probe;
}

/// The annotation's values are checked when the service file is read.
sandbox::InstanceSpec::Templates templates_of(const spec::RevisionTemplate& revision) {
  using Templates = sandbox::InstanceSpec::Templates;
  const auto& annotations = revision.metadata.annotations;
  const auto found = annotations.find("thaw.local/template");
  if (found == annotations.end() || found->second == "off") return Templates::kOff;
  return found->second == "module" ? Templates::kModule : Templates::kLibraries;
}

scaling::IdleRung idle_rung_of(const spec::RevisionTemplate& revision) {
  using scaling::IdleRung;
  const auto& annotations = revision.metadata.annotations;
  const auto found = annotations.find("thaw.local/idle-rung");
  if (found == annotations.end() || found->second == "auto") return IdleRung::kAuto;
  return found->second == "frozen" ? IdleRung::kFrozen : IdleRung::kHibernated;
}

sandbox::InstanceSpec::ByteCode byte_code_of(const spec::RevisionTemplate& revision) {
  using ByteCode = sandbox::InstanceSpec::ByteCode;
  const auto& annotations = revision.metadata.annotations;
  const auto found = annotations.find("thaw.local/bytecode");
  return found != annotations.end() && found->second == "off" ? ByteCode::kOff : ByteCode::kOn;
}

}  // namespace

Bounds own_bounds(const Revision& revision) {
  const spec::RevisionSettings settings = spec::settings_of(revision.template_);
  return {settings.min_instances, settings.max_instances};
}

serving::RevisionConfig runtime_config(const Revision& revision, const Runtime& runtime,
                                       Bounds bounds, serving::Reachability reachability) {
  const spec::RevisionSettings settings = spec::settings_of(revision.template_);
  serving::RevisionConfig config;
  config.instance.service = revision.service;
  config.instance.revision = revision.name;
  config.service_account = revision.template_.spec.service_account_name;
  config.instance.argv = argv_of(settings, runtime.serve_argv);
  config.instance.env = environment_of(revision, settings, runtime);
  config.instance.working_dir = settings.working_dir;
  config.instance.port = static_cast<uint16_t>(settings.port);
  config.instance.cpu_millis = static_cast<int>(settings.cpu.millis);
  if (settings.startup_cpu_boost) config.instance.boost_millis = boosted(settings.cpu);
  config.instance.memory = settings.memory;
  config.instance.templates = templates_of(revision.template_);
  config.instance.byte_code = byte_code_of(revision.template_);
  config.container_concurrency = settings.concurrency;
  config.request_timeout = settings.timeout;
  config.port_protocol = settings.protocol == spec::PortProtocol::kH2c
                             ? serving::PortProtocol::kH2c
                             : serving::PortProtocol::kHttp1;
  config.min_instances = bounds.min_instances;
  config.max_instances = bounds.max_instances;
  config.initial_instances = 0;
  config.cpu = settings.cpu_allocation == spec::CpuAllocation::kInstanceBased
                   ? serving::CpuAllocation::kInstanceBased
                   : serving::CpuAllocation::kRequestBased;
  config.reachability = reachability;
  if (settings.session_affinity) config.session_affinity = serving::SessionAffinity::kOn;
  config.idle_rung = idle_rung_of(revision.template_);
  config.startup_probe = probe_of(settings.startup_probe);
  if (settings.liveness_probe) config.liveness_probe = probe_of(*settings.liveness_probe);
  if (settings.readiness_probe) config.readiness_probe = probe_of(*settings.readiness_probe);
  config.stream = spec::stream_trigger_of(revision.template_);
  config.subscription = spec::subscription_trigger_of(revision.template_);
  config.cpu_target = spec::cpu_trigger_of(revision.template_);
  config.knative = spec::knative_scaling_of(revision.template_);
  for (const std::string& folder : spec::folders_of(revision.template_)) {
    config.instance.binds.push_back({.source = folder, .target = folder});
  }
  if (runtime.kind == spec::ServiceKind::kWorkerPool) {
    config.workload = serving::Workload::kWorker;
    config.instance.port = 0;               // it listens nowhere
    config.idle_before_zero = Duration(0);  // those beyond the minimum wait for nobody
    config.cpu = serving::CpuAllocation::kInstanceBased;
    config.startup_probe = {.kind = serving::Probe::Kind::kAlive, .initial_delay = kWorkerTrial};
  }
  return config;
}

}  // namespace thaw::control
