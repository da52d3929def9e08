// RevisionSettings: what the rooms that run a revision need to know of it, flat and complete.
//
// Made from a RevisionTemplate with every default applied: nothing is optional that has a value.
// Not for showing or storing a service: that is service.h.
// Thread: any. Owner: values. Limits: those of parse.h.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "spec/service.h"

namespace thaw::spec {

struct ProbeSettings {
  ProbeKind kind = ProbeKind::kTcp;
  int32_t port = 8080;
  std::string http_path = "/";
  std::vector<HttpHeader> http_headers;
  std::string grpc_service;
  Duration initial_delay{0};
  Duration period = seconds(10);
  Duration timeout = seconds(1);
  int32_t failure_threshold = 3;
  int32_t success_threshold = 1;

  /// The probe has failed for good this long after the instance's start, at the latest.
  Duration deadline() const { return initial_delay + period * failure_threshold; }
  bool operator==(const ProbeSettings&) const = default;
};

/// Where a revision's program comes from.
enum class ImageKind {
  kHost,   // thaw.local/host: a command of the host's own file system, read-only
  kServe,  // thaw.local/serve: the native model server; args are those of `thaw serve`
};

inline constexpr std::string_view kHostImage = "thaw.local/host";
inline constexpr std::string_view kServeImage = "thaw.local/serve";

struct RevisionSettings {
  ImageKind image = ImageKind::kHost;
  std::vector<std::string> command;  // kHost: never empty; command[0] is the program
  std::vector<std::string> args;
  std::vector<EnvVar> env;  // without PORT and K_*, which the platform sets
  std::string working_dir;  // "" is the platform's default
  int32_t port = 8080;
  PortProtocol protocol = PortProtocol::kHttp1;
  Cpu cpu{1000};
  ByteCount memory = mib(512);
  int32_t concurrency = 80;         // 1..1000 requests at once in one instance
  Duration timeout = seconds(300);  // from a request's arrival, the cold start included
  int32_t min_instances = 0;
  int32_t max_instances = 100;
  CpuAllocation cpu_allocation = CpuAllocation::kRequestBased;
  bool startup_cpu_boost = false;
  bool session_affinity = false;
  std::optional<ExecutionEnvironment> execution_environment;
  ProbeSettings startup_probe;
  std::optional<ProbeSettings> liveness_probe;
  std::optional<ProbeSettings> readiness_probe;

  bool operator==(const RevisionSettings&) const = default;
};

/// Precondition: `revision` was validated (parse.h). Defaults need not have been applied.
RevisionSettings settings_of(const RevisionTemplate& revision);

}  // namespace thaw::spec
