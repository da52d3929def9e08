// What RevisionCore is told (events) and what it wants done (actions).
//
// **Thread**: any. **Owner**: values; views and pointers in an event live for the call.
// **Limits**: none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/log.h"
#include "base/time.h"
#include "sandbox/sandbox.h"
#include "serving/events.h"
#include "serving/probe_watch.h"
#include "serving/refusal.h"
#include "serving/request_queue.h"
#include "serving/revision_config.h"

namespace thaw::serving {

/// An instance within its revision; free for another one after action::Forget.
using InstanceKey = uint32_t;

/// Probes of an instance that serves.
enum class Health { kLiveness, kReadiness };

namespace event {

struct RequestArrived {
  RequestKey request;
  Instant deadline;
  CallerId caller = {};
  std::optional<InstanceKey> preferred = {};  // taken if it has a place at once
};
/// It does not wait any more, for a place or for an explanation. Not after GiveSlot or Refuse.
struct RequestLeft {
  uint64_t number;
};
struct SlotReleased {
  InstanceKey instance;
};
/// Instead of SlotReleased: the connection broke; the request wants to know how it ended.
struct ConnectionBroke {
  RequestKey request;
  InstanceKey instance;
};
struct Executed {
  InstanceKey instance;
};
struct ProbePassed {
  InstanceKey instance;
};
struct ProbeFailed {
  InstanceKey instance;
  std::string_view why = {};  // of the last try
};
/// A try that action::Check asked for has ended.
struct Checked {
  InstanceKey instance;
  Health health;
  ProbeWatch::Outcome outcome;
  std::string_view why = {};
};
struct Exited {
  InstanceKey instance;
  const sandbox::ExitReport* report;
  std::string_view last_stderr;
};
/// The first starts the initial instances; later ones may change bounds and reachability.
struct Configured {
  const RevisionConfig* config;
};
/// What its ready instances used of the CPU in a stretch of time, in CPU limits of one.
struct CpuUsed {
  Instant from;
  double limits = 0;
};
struct Retired {};
struct ShutDown {};
/// The ladder's policy wants it lower. Left alone when it is not frozen (any more).
struct Descend {
  InstanceKey instance;
  scaling::Descent::To to;
  scaling::Descent::Why why;
};
/// The time RevisionCore::wake_at() named has come; too early is harmless.
struct Wake {};

}  // namespace event

using Event =
    std::variant<event::RequestArrived, event::RequestLeft, event::SlotReleased,
                 event::ConnectionBroke, event::Executed, event::ProbePassed, event::ProbeFailed,
                 event::Checked, event::Exited, event::Configured, event::CpuUsed, event::Retired,
                 event::ShutDown, event::Descend, event::Wake>;

namespace action {

struct GiveSlot {
  RequestKey request;
  InstanceKey instance;
  enum class Waited { kNo, kForPlace, kForStart } waited = Waited::kNo;
  Temperature from = Temperature::kHot;  // the instance was that until now
};
struct Refuse {
  RequestKey request;
  Refusal refusal;
};
struct StartInstance {
  InstanceKey instance;
  Instant requested;  // when the request that wants it arrived, or the scaler decided
};
struct StartProbe {
  InstanceKey instance;
};
/// Its liveness or readiness probe is to be tried once; dropped when it is told to end.
struct Check {
  InstanceKey instance;
  Health health;
};
/// kNone: no request is in it, it is frozen until kFull.
struct SetCpu {
  InstanceKey instance;
  enum class Cpu { kNone, kFull } cpu;
};
/// Its start is over: it has its own CPU from now on, and not that of starting ones.
struct EndBoost {
  InstanceKey instance;
};
/// A frozen one gives its memory back.
struct Hibernate {
  InstanceKey instance;
};
/// The first request since it was hibernated was answered.
struct WakeServed {
  InstanceKey instance;
};
struct Terminate {
  InstanceKey instance;
};
struct Kill {
  InstanceKey instance;
};
/// The instance has ended and no request refers to it any more.
struct Forget {
  InstanceKey instance;
};
struct Tell {
  Severity severity;
  InstanceKey instance;
  std::string message;
};
struct Declare {
  RevisionState state;
};

}  // namespace action

using Action = std::variant<action::GiveSlot, action::Refuse, action::StartInstance,
                            action::StartProbe, action::Check, action::SetCpu, action::EndBoost,
                            action::Hibernate, action::WakeServed, action::Terminate, action::Kill,
                            action::Forget, action::Tell, action::Declare>;

}  // namespace thaw::serving
