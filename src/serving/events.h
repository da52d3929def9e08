// What serving tells the rooms above: how revisions and instances fare, and what is billed.
//
// **Thread**: the loop's. **Owner**: see Serving. **Limits**: none.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/id.h"
#include "base/log.h"
#include "base/time.h"
#include "sandbox/sandbox.h"
#include "scaling/price_list.h"

namespace thaw::serving {

/// Where on the ladder a living instance is.
enum class Temperature { kCold, kHibernated, kFrozen, kHot };

constexpr std::string_view name_of(Temperature temperature) {
  switch (temperature) {
    case Temperature::kHot:
      return "hot";
    case Temperature::kHibernated:
      return "hibernated";
    case Temperature::kFrozen:
      return "frozen";
    case Temperature::kCold:
      break;
  }
  return "cold";
}

/// kUnready: it lives, but gets no new requests until its readiness probe passes.
enum class InstanceState { kStarting, kReady, kUnready, kStopping };

constexpr std::string_view name_of(InstanceState state) {
  switch (state) {
    case InstanceState::kStarting:
      return "starting";
    case InstanceState::kReady:
      return "ready";
    case InstanceState::kUnready:
      return "unready";
    case InstanceState::kStopping:
      break;
  }
  return "stopping";
}

struct InstanceStatus {
  InstanceId id;
  RevisionId revision;
  ServiceId service;
  InstanceState state = InstanceState::kStarting;
  Temperature temperature = Temperature::kHot;
  int in_flight = 0;
  Instant created;
  sandbox::Usage usage;
  ByteCount memory_limit;
  bool from_template = false;  // its imports were done in a snapshot
};

/// The waterfall of one start, or of one wake: of that only `decided`, when it got its CPU back,
/// and `first_byte` are there. Each point is present once it was passed; in this order.
struct StartRecord {
  InstanceId instance;
  RevisionId revision;
  ServiceId service;
  scaling::Rung from = scaling::Rung::kCold;
  Instant requested;                     // the request arrived, or the scaler wanted one more
  std::optional<Instant> decided;        // the start was ordered   (before: queued)
  std::optional<Instant> sandbox_ready;  // namespaces, cgroup, root (before: sandbox)
  std::optional<Instant> executed;       // the program runs         (before: exec)
  std::optional<Instant> listening;      // startup probe passed     (before: load)
  std::optional<Instant> first_byte;     // of the first answer      (before: first byte)
  std::string how;                       // what was done ahead, in words; empty: nothing
};

/// A stretch of time in which an instance is billed (contract 5.1): starting, serving or stopping
/// for request-based CPU, its whole life for instance-based. Not rounded.
struct BillableSpan {
  InstanceId instance;
  RevisionId revision;
  ServiceId service;
  Instant from;
  Instant to;
  int cpu_millis = 0;
  ByteCount memory;
};

/// One event in an instance's or revision's life, in words for the user: a log line of the service.
struct InstanceEvent {
  Severity severity = Severity::kInfo;
  ServiceId service;
  RevisionId revision;
  InstanceId instance;  // empty: about the revision
  std::string message;
};

/// Cloud Run's revision conditions in short. `reason` is of the contract (4.3), e.g.
/// "HealthCheckContainerError"; `message` says what to do.
struct RevisionState {
  enum class Ready { kUnknown, kTrue, kFalse };
  Ready ready = Ready::kUnknown;
  std::string reason;
  std::string message;
};

class Observer {
 public:
  virtual void on_output(const InstanceStatus& instance, sandbox::OutputStream stream,
                         std::string_view line) = 0;
  virtual void on_event(const InstanceEvent& event) = 0;
  /// Of a start at listening and again at first byte; of a wake at first byte.
  virtual void on_start(const StartRecord& record) = 0;
  /// What its rungs cost has changed: see Serving::prices(). At most once a second a revision.
  virtual void on_prices(const RevisionId&, const ServiceId&, const scaling::PriceList&) {}
  virtual void on_billable(const BillableSpan& span) = 0;
  virtual void on_revision_state(const RevisionId& revision, const RevisionState& state) = 0;
  /// It has a network of its own, where it will be reached at `address`, and its program comes
  /// next: whoever serves it there must listen when this returns. May come inside a call to
  /// Serving, which must not be called from here.
  virtual void on_instance_network(const InstanceStatus& instance,
                                   const io::SocketAddress& address) = 0;
  /// It answers nothing until the next request thaws it; its server's timeouts go on meanwhile, so
  /// that idle connections to it must be dropped.
  virtual void on_instance_frozen(const InstanceId& instance) = 0;
  /// The address leads nowhere any more: connections kept to it must be dropped.
  virtual void on_instance_gone(const InstanceId& instance) = 0;

 protected:
  ~Observer() = default;
};

}  // namespace thaw::serving
