// RevisionConfig: what serving must know of a revision. control/ makes it from the spec.
//
// **Thread**: any. **Owner**: a value. **Limits**: the spec room has checked the ranges.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "sandbox/sandbox.h"
#include "scaling/ladder.h"
#include "spec/knative_scaling.h"
#include "spec/workers.h"

namespace thaw::serving {

/// Contract 1.2. As it stands here the default startup probe: TCP on the port, 240 s, which is done
/// as many quick attempts within that time.
struct Probe {
  /// kGrpc: grpc.health.v1. kAlive: passes when the program still runs after initial_delay; a
  /// worker's startup probe.
  enum class Kind { kTcp, kHttpGet, kGrpc, kAlive };
  Kind kind = Kind::kTcp;
  uint16_t port = 8080;
  std::string path = "/";                                         // kHttpGet
  std::vector<std::pair<std::string, std::string>> headers = {};  // kHttpGet
  std::string service = {};                                       // kGrpc
  Duration initial_delay{0};
  Duration period = seconds(240);
  Duration timeout = seconds(240);
  int failure_threshold = 1;
  int success_threshold = 1;  // of a readiness probe
};

enum class CpuAllocation { kRequestBased, kInstanceBased };
/// Whether any traffic target or tag names the revision: without, its minimum is 0.
enum class Reachability { kReachable, kUnreachable };

/// What requests are spoken in to an instance.
enum class PortProtocol { kHttp1, kH2c };

/// Whether a client that comes again goes to the instance it had: the gateway's part.
enum class SessionAffinity { kOff, kOn };

/// kWorker: its instances get no requests; min_instances of them run.
enum class Workload { kRequests, kWorker };

struct RevisionConfig {
  sandbox::InstanceSpec instance;
  std::string service_account = {};  // whom its instances speak for; empty: the default one
  int container_concurrency = 80;    // requests at once in one instance, 1..1000
  Duration request_timeout = seconds(300);
  PortProtocol port_protocol = PortProtocol::kHttp1;
  int min_instances = 0;
  int max_instances = 100;
  int initial_instances = 1;  // 0: the deploy does not try it out
  CpuAllocation cpu = CpuAllocation::kRequestBased;
  Reachability reachability = Reachability::kReachable;
  SessionAffinity session_affinity = SessionAffinity::kOff;
  Probe startup_probe;
  std::optional<Probe> liveness_probe = {};
  std::optional<Probe> readiness_probe = {};
  Workload workload = Workload::kRequests;
  /// What says how many run; app/ follows it.
  std::optional<spec::StreamTrigger> stream = {};
  std::optional<spec::SubscriptionTrigger> subscription = {};
  std::optional<spec::CpuTrigger> cpu_target = {};
  scaling::IdleRung idle_rung = scaling::IdleRung::kAuto;
  Duration idle_before_zero{-1};  // negative: the platform's default
  /// Scale as Knative does, instead of as the platform's options say.
  std::optional<spec::KnativeScaling> knative = {};
};

}  // namespace thaw::serving
