// SimSandbox: containers that live as their fate says, and a prober that asks them.
//
// A container knows what a real one would see: when it runs, who is connected to it. What it sees
// is the truth that checks.h holds serving to.
//
// **Thread**: one. **Owner**: loop, random, journal and checks outlive it; it outlives Serving.
// **Limits**: 40 000 containers, each with a port of its own.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "behaviour.h"
#include "checks.h"
#include "journal.h"
#include "sandbox/sandbox.h"
#include "serving/prober.h"
#include "sim_loop.h"

namespace thaw::sim {

/// A request inside a container.
class Connection {
 public:
  virtual void on_broken() = 0;

 protected:
  ~Connection() = default;
};

class SimSandbox;

class SimContainer final : public sandbox::Instance {
 public:
  SimContainer(SimSandbox& sandbox, const InstanceId& id, const sandbox::InstanceSpec& spec,
               const Behaviour& behaviour, uint16_t port, sandbox::InstanceObserver& observer);
  ~SimContainer() override;

  const io::SocketAddress& address() const override { return address_; }
  Status freeze() override;
  void thaw() override;
  Status hibernate() override;
  void wake_served() override;
  void terminate() override;
  void kill() override;
  sandbox::Usage usage() const override;

  const InstanceId& id() const { return id_; }
  const RevisionId& revision() const { return revision_; }
  bool listens() const { return listens_; }
  /// False: the connection is refused.
  bool connect(Connection& connection);
  void disconnect(Connection& connection);
  /// What becomes of a request just connected; a fatal one is carried out after `delay`.
  RequestFate handle(Connection& connection, Duration delay);
  /// What a try of a liveness or readiness probe answers now.
  CheckFate check();
  /// Runs once it listens, if ever.
  void when_listening(std::function<void()> callback);
  /// No faults from now on.
  void heal();

 private:
  void die(sandbox::ExitReport::Kind kind, int signal);
  void listen();

  SimSandbox& sandbox_;
  InstanceId id_;
  RevisionId revision_;
  Behaviour behaviour_;
  Fate fate_;
  io::SocketAddress address_;
  sandbox::InstanceObserver& observer_;
  sandbox::ExitReport report_;
  bool executed_ = false;
  bool listens_ = false;
  bool dead_ = false;
  bool told_to_stop_ = false;
  bool frozen_ = false;
  bool paged_out_ = false;
  ByteCount memory_;
  io::Timer page_out_timer_;
  bool crash_is_due_ = false;             // while frozen it cannot
  std::vector<Connection*> connections_;  // in order of arrival: pointers have none that repeats
  std::function<void()> on_listening_;
  io::Timer life_timer_;  // the next step of starting, or the crash
  io::Timer stop_timer_;
  std::map<Connection*, io::Timer> request_timers_;
  io::Timer report_timer_;
};

class SimSandbox final : public sandbox::Sandbox {
 public:
  SimSandbox(SimLoop& loop, Random& random, Journal& journal, Checks& checks)
      : loop(loop), random(random), journal(journal), checks(checks) {}

  std::unique_ptr<sandbox::Instance> start(const InstanceId& id, const sandbox::InstanceSpec& spec,
                                           sandbox::InstanceObserver& observer) override;
  void keep_ready(const sandbox::InstanceSpec&) override {}
  void forget(const RevisionId&) override {}
  Result<int> recover() override { return 0; }
  std::string isolation_notice() const override { return "simulated"; }
  Hibernation hibernation() const override { return hibernation_; }
  void set_hibernation(Hibernation hibernation) { hibernation_ = hibernation; }

  /// A revision's containers behave as its program's last argument names.
  void set_behaviour(const std::string& name, const Behaviour& behaviour) {
    behaviours_[name] = behaviour;
  }
  /// All containers, now and later, are well from now on.
  void heal();
  /// Null: nobody has that port any more.
  SimContainer* at(uint16_t port) const;
  size_t living() const { return by_port_.size(); }

  SimLoop& loop;
  Random& random;
  Journal& journal;
  Checks& checks;

 private:
  friend class SimContainer;
  std::map<std::string, Behaviour> behaviours_;
  std::map<uint16_t, SimContainer*> by_port_;
  uint16_t last_port_ = 20'000;
  bool healed_ = false;
  Hibernation hibernation_ = Hibernation::kNot;
};

class SimProber final : public serving::Prober {
 public:
  SimProber(SimLoop& loop, SimSandbox& sandbox) : loop_(loop), sandbox_(sandbox) {}
  std::unique_ptr<serving::Probing> probe(const io::SocketAddress& address,
                                          const serving::Probe& probe, OnProbed done) override;
  /// Which probe it is, its path says: "/live" or "/ready".
  std::unique_ptr<serving::Probing> check(const io::SocketAddress& address,
                                          const serving::Probe& probe, OnProbed done) override;

 private:
  SimLoop& loop_;
  SimSandbox& sandbox_;
};

}  // namespace thaw::sim
