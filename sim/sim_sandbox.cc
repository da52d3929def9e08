#include "sim_sandbox.h"

#include <fmt/format.h>

#include <utility>

#include "base/check.h"
#include "serving/words.h"

namespace thaw::sim {

using Kind = sandbox::ExitReport::Kind;

SimContainer::SimContainer(SimSandbox& sandbox, const InstanceId& id,
                           const sandbox::InstanceSpec& spec, const Behaviour& behaviour,
                           uint16_t port, sandbox::InstanceObserver& observer)
    : sandbox_(sandbox),
      id_(id),
      revision_(spec.revision),
      behaviour_(behaviour),
      fate_(draw_fate(behaviour, sandbox.random)),
      address_{"10.0.0.1", port},
      observer_(observer) {
  report_.memory_limit = spec.memory;
  memory_ = mib(40 * (1 + port % 10));
  sandbox_.by_port_[port] = this;
  life_timer_ = sandbox_.loop.after(fate_.sandbox, [this] {
    observer_.on_sandbox_ready();
    life_timer_ = sandbox_.loop.after(fate_.exec, [this] {
      if (fate_.fails == Kind::kNotStarted) return die(Kind::kNotStarted, 0);
      executed_ = true;
      sandbox_.checks.executed(id_);
      life_timer_ = sandbox_.loop.after(fate_.start, [this] { listen(); });
      observer_.on_executed();
    });
  });
}

SimContainer::~SimContainer() {
  sandbox_.by_port_.erase(address_.port);
  if (!dead_) sandbox_.journal.line(fmt::format("{} dropped alive", id_.str()));
}

void SimContainer::listen() {
  if (fate_.fails != Kind::kStopped) return die(fate_.fails, 11);
  if (fate_.listening == Listening::kNever) return;
  listens_ = true;
  if (fate_.crashes_after >= Duration(0)) {
    life_timer_ = sandbox_.loop.after(fate_.crashes_after, [this] {
      crash_is_due_ = frozen_;
      if (!frozen_) die(Kind::kSignalled, 6);
    });
  }
  if (on_listening_) std::exchange(on_listening_, nullptr)();
}

CheckFate SimContainer::check() { return draw_check(behaviour_, sandbox_.random); }

void SimContainer::when_listening(std::function<void()> callback) {
  on_listening_ = std::move(callback);
}

bool SimContainer::connect(Connection& connection) {
  if (dead_ || !listens_) return false;
  connections_.push_back(&connection);
  return true;
}

void SimContainer::disconnect(Connection& connection) {
  std::erase(connections_, &connection);
  request_timers_.erase(&connection);
}

RequestFate SimContainer::handle(Connection& connection, Duration delay) {
  const RequestFate fate = draw_request(behaviour_, sandbox_.random);
  if (fate == RequestFate::kAnswered) return fate;
  request_timers_[&connection] = sandbox_.loop.after(delay, [this, c = &connection, fate] {
    if (fate == RequestFate::kCrash) return die(Kind::kSignalled, 11);
    if (fate == RequestFate::kOutOfMemory) return die(Kind::kOutOfMemory, 9);
    if (std::erase(connections_, c) > 0) c->on_broken();
  });
  return fate;
}

Status SimContainer::freeze() {
  if (dead_) return Error(Code::kFailedPrecondition, "it has ended");
  sandbox_.checks.frozen(id_);
  frozen_ = true;
  return {};
}

void SimContainer::thaw() {
  sandbox_.checks.thawed(id_);
  frozen_ = false;
  paged_out_ = false;
  page_out_timer_.cancel();
  if (!std::exchange(crash_is_due_, false)) return;
  life_timer_ = sandbox_.loop.after(Duration(0), [this] { die(Kind::kSignalled, 6); });
}

/// Takes a while; a wake may come first.
Status SimContainer::hibernate() {
  if (dead_) return Error(Code::kFailedPrecondition, "it has ended");
  sandbox_.checks.hibernated(id_);
  page_out_timer_ = sandbox_.loop.after(milliseconds(memory_.value >> 20), [this] {
    if (dead_) return;
    paged_out_ = true;
    observer_.on_hibernated(usage(), "");
  });
  return {};
}

void SimContainer::wake_served() { sandbox_.checks.wake_served(id_); }

sandbox::Usage SimContainer::usage() const {
  sandbox::Usage usage;
  usage.memory = paged_out_ ? ByteCount{memory_.value / 20} : memory_;
  usage.swapped.value = memory_.value - usage.memory.value;
  return usage;
}

void SimContainer::terminate() {
  if (frozen_) sandbox_.journal.violation(fmt::format("{} is frozen, told to stop", id_.str()));
  sandbox_.checks.told_to_stop(id_);
  told_to_stop_ = true;
  if (dead_ || fate_.on_sigterm == OnSigterm::kIgnores) return;
  stop_timer_ = sandbox_.loop.after(fate_.stop, [this] { die(Kind::kStopped, 15); });
}

void SimContainer::kill() {
  sandbox_.checks.told_to_stop(id_);
  told_to_stop_ = true;
  if (dead_) return;
  stop_timer_ = sandbox_.loop.after(sandbox_.random.between(Duration(0), milliseconds(20)),
                                    [this] { die(Kind::kStopped, 9); });
}

/// Connections break at once; the report comes a little later, as from a real sandbox.
void SimContainer::die(Kind kind, int signal) {
  if (dead_) return;
  dead_ = true;
  listens_ = false;
  life_timer_.cancel();
  stop_timer_.cancel();
  request_timers_.clear();
  report_.kind = kind;
  report_.signal = signal;
  sandbox_.checks.died(id_, kind);
  sandbox_.journal.line(fmt::format("{} dies, kind {}", id_.str(), static_cast<int>(kind)));
  const Duration delay = sandbox_.random.chance(0.5)
                             ? Duration(0)
                             : sandbox_.random.between(Duration(0), milliseconds(30));
  report_timer_ = sandbox_.loop.after(delay, [this] {
    sandbox_.checks.ended(id_);
    observer_.on_exit(report_);  // destroys this
  });
  for (Connection* connection : std::exchange(connections_, {})) connection->on_broken();
}

void SimContainer::heal() {
  behaviour_ = good_behaviour();
  fate_.on_sigterm = OnSigterm::kEnds;
  if (listens_) life_timer_.cancel();
  crash_is_due_ = false;
  request_timers_.clear();
}

std::unique_ptr<sandbox::Instance> SimSandbox::start(const InstanceId& id,
                                                     const sandbox::InstanceSpec& spec,
                                                     sandbox::InstanceObserver& observer) {
  const Behaviour behaviour =
      healed_ || spec.argv.empty() ? good_behaviour() : behaviours_[spec.argv.back()];
  CHECK(++last_port_ < 60'000);
  journal.line(fmt::format("{} starts", id.str()));
  checks.started(id, spec.revision);
  return std::make_unique<SimContainer>(*this, id, spec, behaviour, last_port_, observer);
}

void SimSandbox::heal() {
  healed_ = true;
  for (const auto& [port, container] : by_port_) container->heal();
}

SimContainer* SimSandbox::at(uint16_t port) const {
  const auto found = by_port_.find(port);
  return found == by_port_.end() ? nullptr : found->second;
}

namespace {

class SimProbing final : public serving::Probing {
 public:
  SimProbing(SimLoop& loop, SimSandbox& sandbox, uint16_t port, Duration limit,
             serving::Prober::OnProbed done)
      : loop_(loop), sandbox_(sandbox), port_(port), done_(std::move(done)) {
    limit_ = loop.after(limit, [this] { finish(serving::Prober::Outcome::kFailed); });
    sandbox.at(port)->when_listening([this] {
      // A real prober notices a little later.
      limit_ = loop_.after(sandbox_.random.between(Duration(0), milliseconds(3)), [this] {
        SimContainer* container = sandbox_.at(port_);
        if (container == nullptr || !container->listens()) return;
        sandbox_.checks.ready(container->id());
        finish(serving::Prober::Outcome::kPassed);
      });
    });
  }
  ~SimProbing() override {
    if (SimContainer* container = sandbox_.at(port_)) container->when_listening(nullptr);
  }

 private:
  void finish(serving::Prober::Outcome outcome) {
    const auto done = std::move(done_);
    done(outcome, "it is simulated");
  }

  SimLoop& loop_;
  SimSandbox& sandbox_;
  uint16_t port_;
  serving::Prober::OnProbed done_;
  io::Timer limit_;
};

class SimCheck final : public serving::Probing {
 public:
  SimCheck(SimLoop& loop, SimSandbox& sandbox, uint16_t port, const serving::Probe& probe,
           serving::Prober::OnProbed done)
      : sandbox_(sandbox), id_(sandbox.at(port)->id()) {
    const auto health =
        probe.path == "/live" ? serving::Health::kLiveness : serving::Health::kReadiness;
    sandbox_.checks.check_begins(id_);
    const CheckFate fate = sandbox.at(port)->check();
    const Duration took = fate == CheckFate::kPasses
                              ? sandbox.random.between(Duration(0), milliseconds(20))
                              : sandbox.random.between(Duration(0), probe.timeout);
    timer_ = loop.after(took, [this, health, fate, done = std::move(done)] {
      told_ = true;
      sandbox_.checks.checked(id_, health, fate);
      Checks& checks = sandbox_.checks;
      const InstanceId id = id_;
      // This is destroyed inside.
      const serving::Prober::OnProbed tell = done;
      tell(fate == CheckFate::kPasses ? serving::Prober::Outcome::kPassed
                                      : serving::Prober::Outcome::kFailed,
           "it is simulated");
      checks.must_be_dying(id);
    });
  }
  ~SimCheck() override {
    if (!told_) sandbox_.checks.check_dropped(id_);
  }

 private:
  SimSandbox& sandbox_;
  InstanceId id_;
  bool told_ = false;
  io::Timer timer_;
};

}  // namespace

std::unique_ptr<serving::Probing> SimProber::probe(const io::SocketAddress& address,
                                                   const serving::Probe& probe, OnProbed done) {
  return std::make_unique<SimProbing>(loop_, sandbox_, address.port, serving::allowed_start(probe),
                                      std::move(done));
}

std::unique_ptr<serving::Probing> SimProber::check(const io::SocketAddress& address,
                                                   const serving::Probe& probe, OnProbed done) {
  return std::make_unique<SimCheck>(loop_, sandbox_, address.port, probe, std::move(done));
}

}  // namespace thaw::sim
