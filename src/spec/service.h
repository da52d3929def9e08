// The types of a service file: what `gcloud run services describe --format export` prints, typed.
//
// A field that was not given is empty (nullopt, "" or an empty list); apply_defaults (defaults.h)
// fills it in. Settings that Cloud Run keeps in annotations are members here; the annotation
// maps hold only what Thaw does not interpret. Rooms that run a revision read the flat
// RevisionSettings of settings.h instead. Reading: parse.h. Writing: emit.h.
// Thread: any. Owner: values. Limits: those of parse.h.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/json.h"
#include "base/time.h"
#include "spec/quantity.h"

namespace thaw::spec {

using StringMap = std::map<std::string, std::string, std::less<>>;

struct Metadata {
  std::string name;
  std::string namespace_;  // the project
  StringMap labels;
  StringMap annotations;  // without those that became typed members
  int64_t generation = 0;
  std::string uid;
  std::string resource_version;
  std::optional<WallTime> creation_timestamp;
  Json kept;  // harmless fields Thaw does not use (selfLink, ...), as they were given

  bool operator==(const Metadata&) const = default;
};

struct EnvVar {
  std::string name;
  std::string value;

  bool operator==(const EnvVar&) const = default;
};

enum class PortProtocol { kHttp1, kH2c };

struct Port {
  int32_t container_port = 0;            // 0: not given
  std::optional<PortProtocol> protocol;  // the port's name in the file: http1 or h2c
  Json kept;

  bool operator==(const Port&) const = default;
};

struct Resources {
  std::optional<Cpu> cpu;  // limits
  std::optional<ByteCount> memory;
  std::optional<Cpu> requested_cpu;  // requests: kept, without effect as on Cloud Run
  std::optional<ByteCount> requested_memory;

  bool operator==(const Resources&) const = default;
};

enum class ProbeKind { kTcp, kHttp, kGrpc };

struct HttpHeader {
  std::string name;
  std::string value;

  bool operator==(const HttpHeader&) const = default;
};

struct Probe {
  ProbeKind kind = ProbeKind::kTcp;
  int32_t port = 0;                       // 0: the container's port
  std::string http_path;                  // kHttp; "" is "/"
  std::vector<HttpHeader> http_headers;   // kHttp
  std::string grpc_service;               // kGrpc; may be ""
  std::optional<Duration> initial_delay;  // whole seconds, as are period and timeout
  std::optional<Duration> period;
  std::optional<Duration> timeout;
  std::optional<int32_t> failure_threshold;
  std::optional<int32_t> success_threshold;

  bool operator==(const Probe&) const = default;
};

struct Container {
  std::string name;
  std::string image;
  std::vector<std::string> command;
  std::vector<std::string> args;
  std::vector<EnvVar> env;
  std::string working_dir;
  std::vector<Port> ports;  // at most one
  Resources resources;
  std::optional<Probe> startup_probe;
  std::optional<Probe> liveness_probe;
  std::optional<Probe> readiness_probe;
  Json kept;

  bool operator==(const Container&) const = default;
};

struct RevisionSpec {
  std::optional<int32_t> container_concurrency;  // 0 is "the default", as in Cloud Run
  std::optional<Duration> timeout;               // of a request, whole seconds
  std::vector<Container> containers;             // exactly one once validated
  std::string service_account_name;
  Json kept;

  bool operator==(const RevisionSpec&) const = default;
};

/// When the instance may use CPU outside of requests.
enum class CpuAllocation { kRequestBased, kInstanceBased };
enum class ExecutionEnvironment { kGen1, kGen2 };

/// Instances: of one revision, or of all revisions of a service together.
struct Scaling {
  std::optional<int32_t> min_instances;
  std::optional<int32_t> max_instances;
  std::optional<int32_t> manual_instances;  // service level: exactly so many

  bool operator==(const Scaling&) const = default;
};

struct RevisionTemplate {
  Metadata metadata;  // name: of the next revision; "" lets the platform choose
  Scaling scaling;
  std::optional<CpuAllocation> cpu_allocation;  // annotation cpu-throttling
  std::optional<bool> startup_cpu_boost;
  std::optional<bool> session_affinity;
  std::optional<ExecutionEnvironment> execution_environment;
  RevisionSpec spec;

  bool operator==(const RevisionTemplate&) const = default;
};

struct TrafficTarget {
  std::string revision_name;  // "" with latest_revision
  bool latest_revision = false;
  std::optional<int32_t> percent;  // not given: 0
  std::string tag;
  std::string url;  // output only

  bool operator==(const TrafficTarget&) const = default;
};

enum class ConditionStatus { kTrue, kFalse, kUnknown };

struct Condition {
  std::string type;  // Ready, ConfigurationsReady, RoutesReady, ContainerHealthy, ...
  ConditionStatus status = ConditionStatus::kUnknown;
  std::string reason;
  std::string message;
  std::string severity;  // "", Info or Warning
  std::optional<WallTime> last_transition_time;

  bool operator==(const Condition&) const = default;
};

/// Written by the platform; what a client sends here is read and has no effect.
struct ServiceStatus {
  std::vector<Condition> conditions;
  std::string latest_created_revision_name;
  std::string latest_ready_revision_name;
  int64_t observed_generation = 0;
  std::vector<TrafficTarget> traffic;
  std::string url;

  bool operator==(const ServiceStatus&) const = default;
};

/// A worker pool has instances and no requests: no port, no URL, no probe.
enum class ServiceKind { kService, kWorkerPool };

struct Service {
  ServiceKind kind = ServiceKind::kService;
  Metadata metadata;
  Scaling scaling;          // service level
  std::string description;  // annotation description
  RevisionTemplate template_;
  std::vector<TrafficTarget> traffic;  // of a worker pool: instanceSplits
  ServiceStatus status;

  bool operator==(const Service&) const = default;
};

}  // namespace thaw::spec
