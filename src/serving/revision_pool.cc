#include "serving/revision_pool.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "serving/ladder_facts.h"

namespace thaw::serving {

RevisionPool::RevisionPool(PoolParts& parts, const RevisionConfig& config,
                           const RevisionCore::Options& options)
    : parts_(parts), core_(config, options, parts.clock.now()), cpu_told_(parts.clock.now()) {}

// ---- requests ----

const Refusal* RevisionPool::arrive(uint32_t handle, const Arrival& arrival) {
  refusal_.reset();
  parts_.requests[handle].arrived = now();
  event::RequestArrived event{parts_.requests.key(handle), arrival.deadline, arrival.caller};
  if (arrival.preferred != nullptr) event.preferred = key_of(*arrival.preferred);
  send(event);
  if (refusal_) return &*refusal_;
  Request& request = parts_.requests[handle];
  if (request.state == Request::State::kArriving) request.state = Request::State::kWaiting;
  return nullptr;
}

std::optional<InstanceKey> RevisionPool::key_of(const InstanceId& id) const {
  const auto found = std::find_if(runs_.begin(), runs_.end(),
                                  [&](const auto& run) { return run && run->id() == id; });
  if (found == runs_.end()) return std::nullopt;
  return static_cast<InstanceKey>(found - runs_.begin());
}

void RevisionPool::leave(uint32_t handle) {
  const Request request = parts_.requests[handle];
  parts_.requests.remove(handle);
  switch (request.state) {
    case Request::State::kWaiting:
    case Request::State::kExplaining:
      return send(event::RequestLeft{request.number});
    case Request::State::kGranted:
      leave(*runs_[request.instance]);
      return send(event::SlotReleased{request.instance});
    default:
      return;
  }
}

void RevisionPool::release(uint32_t handle) {
  const InstanceKey key = parts_.requests[handle].instance;
  parts_.requests.remove(handle);
  leave(*runs_[key]);
  send(event::SlotReleased{key});
}

void RevisionPool::explain(uint32_t handle) {
  Request& request = parts_.requests[handle];
  request.state = Request::State::kExplaining;
  const InstanceKey key = request.instance;
  leave(*runs_[key]);
  send(event::ConnectionBroke{parts_.requests.key(handle), key});
}

void RevisionPool::first_byte(uint32_t handle) {
  Request& request = parts_.requests[handle];
  if (std::exchange(request.told_first_byte, true)) return;
  InstanceRun& run = *runs_[request.instance];
  const Duration took = now() - request.arrived;
  if (request.waited_for_start) {
    if (run.record().first_byte) return;  // another one that waited was first
    run.record().first_byte = now();
    tell_record(run.record());
    price(run.record().from, took);
  } else if (!request.waited) {
    price(rung_of(request.from), took);
    if (request.from != Temperature::kHot) tell_wake(run, request);
  }
}

std::string_view RevisionPool::woken_from(uint32_t handle) const {
  const Request& request = parts_.requests[handle];
  if (request.waited_for_start) return name_of(runs_[request.instance]->record().from);
  const bool woke = !request.waited && request.from != Temperature::kHot;
  return woke ? name_of(request.from) : std::string_view();
}

/// A wake is a record of its own beside the instance's start.
void RevisionPool::tell_wake(const InstanceRun& run, const Request& request) {
  StartRecord wake;
  wake.instance = run.id();
  wake.revision = run.status().revision;
  wake.service = run.status().service;
  wake.from = rung_of(request.from);
  wake.requested = request.arrived;
  wake.decided = request.arrived;  // it had its place at once
  wake.first_byte = now();
  tell_record(wake);
}

void RevisionPool::act(const action::GiveSlot& action) {
  Request& request = parts_.requests[action.request.handle];
  request.instance = action.instance;
  request.waited_for_start = action.waited == action::GiveSlot::Waited::kForStart;
  request.waited = action.waited != action::GiveSlot::Waited::kNo;
  request.from = action.from;
  enter(*runs_[action.instance]);
  if (request.state == Request::State::kArriving) {
    request.state = Request::State::kActive;
    return;
  }
  request.state = Request::State::kGranted;
  parts_.outbox.post(
      [&parts = parts_, id = parts_.requests.id(action.request.handle)] { parts.grant(id); });
}

void RevisionPool::act(const action::Refuse& action) {
  Request& request = parts_.requests[action.request.handle];
  if (request.state == Request::State::kArriving) {
    refusal_ = action.refusal;
    return;
  }
  request.state = Request::State::kRefused;
  parts_.outbox.post([&parts = parts_, id = parts_.requests.id(action.request.handle),
                      refusal = action.refusal] { parts.deny(id, refusal); });
}

// ---- instances ----

void RevisionPool::act(const action::StartInstance& action) {
  const sandbox::InstanceSpec& spec = config().instance;
  const InstanceId id(spec.revision.str() + "-" + parts_.entropy.name(8));
  InstanceRunOwner& owner = *this;
  if (action.instance >= runs_.size()) runs_.resize(action.instance + 1);
  runs_[action.instance] =
      std::make_unique<InstanceRun>(owner, action.instance, id, config(), action.requested);
  next_cut_ = std::min(next_cut_, now() + SpanMeter::kLongest);
  ahead_ = false;  // what was kept ready is used up
  runs_[action.instance]->start(parts_.sandbox, spec);
  parts_.look_at_ladder();
}

/// Not by the outbox: the program does not wait for it.
void RevisionPool::on_network(InstanceKey key, const io::SocketAddress& address) {
  parts_.observer.on_instance_network(runs_[key]->status(), address);
}

void RevisionPool::on_executed(InstanceKey key) { send(event::Executed{key}); }

void RevisionPool::act(const action::StartProbe& action) {
  runs_[action.instance]->probe(parts_.prober, config().startup_probe, config().instance.port);
}

void RevisionPool::act(const action::Check& action) {
  const auto& probe =
      action.health == Health::kLiveness ? config().liveness_probe : config().readiness_probe;
  runs_[action.instance]->check(parts_.prober, action.health, *probe, config().instance.port);
}

void RevisionPool::act(const action::SetCpu& action) {
  InstanceRun& run = *runs_[action.instance];
  if (action.cpu == action::SetCpu::Cpu::kFull) return run.thaw();
  run.freeze();
  parts_.look_at_ladder();
  parts_.outbox.post(
      [&observer = parts_.observer, id = run.id()] { observer.on_instance_frozen(id); });
}

void RevisionPool::act(const action::EndBoost& action) {
  InstanceRun& run = *runs_[action.instance];
  if (run.alive()) hand_out(run, run.meter().split(now()));
  run.end_boost();
}

void RevisionPool::act(const action::Hibernate& action) { runs_[action.instance]->hibernate(); }

void RevisionPool::act(const action::WakeServed& action) { runs_[action.instance]->wake_served(); }

void RevisionPool::act(const action::Terminate& action) {
  bill_to_the_end(*runs_[action.instance]);
  runs_[action.instance]->terminate();
}

void RevisionPool::act(const action::Kill& action) {
  bill_to_the_end(*runs_[action.instance]);
  runs_[action.instance]->kill();
}

/// It is told to end, for the first time or once more.
void RevisionPool::bill_to_the_end(InstanceRun& run) {
  // Starting is a reason to be billed already, until the end then.
  if (run.begin_end() && run.record().listening) enter(run);
}

void RevisionPool::act(const action::Forget& action) { runs_[action.instance].reset(); }

void RevisionPool::on_probe(InstanceKey key, Prober::Outcome outcome, std::string_view why) {
  if (outcome == Prober::Outcome::kFailed) return send(event::ProbeFailed{key, why});
  InstanceRun& run = *runs_[key];
  run.record().listening = now();
  tell_record(run.record());
  send(event::ProbePassed{key});  // may give it requests: no gap in the bill
  leave(run);
}

void RevisionPool::on_checked(InstanceKey key, Health health, Prober::Outcome outcome,
                              std::string_view why) {
  const bool passed = outcome == Prober::Outcome::kPassed;
  send(event::Checked{key, health,
                      passed ? ProbeWatch::Outcome::kPassed : ProbeWatch::Outcome::kFailed, why});
}

void RevisionPool::on_exit(InstanceKey key, const sandbox::ExitReport& reported) {
  const sandbox::ExitReport report = reported;  // it may belong to what gone() destroys
  InstanceRun& run = *runs_[key];
  hand_out(run, run.meter().end(now()));
  run.gone();
  parts_.outbox.post(
      [&observer = parts_.observer, id = run.id()] { observer.on_instance_gone(id); });
  send(event::Exited{key, &report, run.last_stderr()});
}

void RevisionPool::on_rung(InstanceKey key, std::string_view words) { tell(key, words); }

void RevisionPool::on_hibernated(InstanceKey key, const sandbox::Usage& usage,
                                 std::string_view left_because) {
  if (left_because.empty()) price(scaling::Rung::kHibernated, usage.memory);
  std::string words = fmt::format("Hibernated: {} in memory, {} in swap",
                                  format_bytes(usage.memory), format_bytes(usage.swapped));
  if (!left_because.empty()) words += fmt::format("; broken off, {}", left_because);
  tell(key, words + ".");
}

void RevisionPool::tell(InstanceKey key, std::string_view words) {
  const InstanceRun& run = *runs_[key];
  InstanceEvent event{Severity::kInfo, run.status().service, run.status().revision, run.id(),
                      std::string(words)};
  parts_.outbox.post(
      [&observer = parts_.observer, event = std::move(event)] { observer.on_event(event); });
}

void RevisionPool::on_line(InstanceKey key, sandbox::OutputStream stream, std::string_view line) {
  parts_.observer.on_output(runs_[key]->status(), stream, line);
}

void RevisionPool::append_status(std::vector<InstanceStatus>& to) const {
  for (InstanceKey key = 0; key < runs_.size(); ++key) {
    if (!runs_[key]) continue;
    const auto view = core_.view(key);
    if (!view) continue;
    InstanceStatus status = runs_[key]->status();
    status.state = view->state;
    status.in_flight = view->in_flight;
    status.temperature = view->temperature;
    status.usage = runs_[key]->usage();
    to.push_back(std::move(status));
  }
}

// ---- what others are told ----

void RevisionPool::act(const action::Tell& action) {
  const sandbox::InstanceSpec& spec = config().instance;
  InstanceEvent event{action.severity, spec.service, spec.revision, runs_[action.instance]->id(),
                      action.message};
  parts_.outbox.post(
      [&observer = parts_.observer, event = std::move(event)] { observer.on_event(event); });
}

void RevisionPool::act(const action::Declare& action) {
  parts_.outbox.post([&observer = parts_.observer, revision = config().instance.revision,
                      state = action.state] { observer.on_revision_state(revision, state); });
}

void RevisionPool::tell_record(const StartRecord& record) {
  parts_.outbox.post([&observer = parts_.observer, record] { observer.on_start(record); });
}

// ---- the bill ----

void RevisionPool::enter(InstanceRun& run) {
  if (!by_request() || !run.alive()) return;
  run.meter().enter(now());
  next_cut_ = std::min(next_cut_, now() + SpanMeter::kLongest);
}

void RevisionPool::leave(InstanceRun& run) {
  if (by_request() && run.alive()) hand_out(run, run.meter().leave(now()));
}

void RevisionPool::hand_out(const InstanceRun& run, const std::optional<SpanMeter::Span>& span) {
  if (span) parts_.outbox.post_span(run.label(), *span);
}

void RevisionPool::cut_spans() {
  next_cut_ = Instant::max();
  for (const auto& run : runs_) {
    if (!run || !run->alive()) continue;
    hand_out(*run, run->meter().cut(now()));
    if (const auto next = run->meter().next_cut()) next_cut_ = std::min(next_cut_, *next);
  }
}

// ---- CPU ----

/// Since it was last told. What an instance used before it was ready is its start, no load.
void RevisionPool::tell_cpu() {
  Duration used{0};
  for (InstanceKey key = 0; key < runs_.size(); ++key) {
    if (!runs_[key] || !runs_[key]->alive()) continue;
    const auto view = core_.view(key);
    if (!view || view->state == InstanceState::kStarting) continue;
    used += runs_[key]->cpu_since_last_asked();
  }
  const Duration passed = now() - cpu_told_;
  const double limit = config().instance.cpu_millis / 1000.0;
  if (passed > Duration(0) && limit > 0) {
    send(event::CpuUsed{cpu_told_, to_seconds(used) / to_seconds(passed) / limit});
  }
  cpu_told_ = now();
}

// ---- turning ----

void RevisionPool::send(const Event& event) {
  for (const Action& action : core_.on_event(now(), event)) {
    std::visit([this](const auto& a) { act(a); }, action);
  }
  keep_ready();
  plan();
}

/// One sandbox is kept ready for the next start, but not while another start needs the CPU.
void RevisionPool::keep_ready() {
  const bool reachable = config().reachability == Reachability::kReachable;
  if (!ahead_) {
    if (!reachable || core_.starting() > 0 || !core_.may_grow()) return;
    parts_.sandbox.keep_ready(config().instance);
    ahead_ = true;
  } else if (!reachable || core_.retiring()) {
    parts_.sandbox.forget(config().instance.revision);
    ahead_ = false;
  }
}

/// Sets the timer, unless it is set for earlier: then it comes for nothing once, which costs less
/// than setting it anew with each request.
void RevisionPool::plan() {
  const bool finished = core_.finished();
  if (finished && !told_finished_) parts_.finished(config().instance.revision);
  told_finished_ = finished;
  const Instant wanted = std::min(core_.wake_at(), next_cut_);
  if (wanted >= armed_) return;
  armed_ = wanted;
  timer_ = parts_.timers.at(wanted, [this] { on_timer(); });
}

void RevisionPool::on_timer() {
  armed_ = Instant::max();
  if (next_cut_ <= now()) cut_spans();
  if (core_.wants_cpu(now())) tell_cpu();
  send(event::Wake{});
}

}  // namespace thaw::serving
