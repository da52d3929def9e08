// Helpers for tests that drive Serving: a clock with timers, a sandbox, a prober and an observer
// that do what the test says.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io/clock.h"
#include "io/entropy.h"
#include "io/timers.h"
#include "serving/serving.h"

namespace thaw::serving {

class FakeTime final : public io::Clock, public io::Timers {
 public:
  Instant now() const override { return now_; }
  WallTime wall_now() const override { return WallTime(now_.time_since_epoch()); }
  io::Timer at(Instant when, std::function<void()> callback) override {
    timers_[{std::max(when, now_), ++last_}] = std::move(callback);
    return io::Timer(*this, last_);
  }
  io::Timer after(Duration delay, std::function<void()> callback) override {
    return at(now_ + delay, std::move(callback));
  }
  /// Runs all timers that are due until `seconds` after the start.
  void run_until(double seconds_from_start) {
    const Instant end{seconds(seconds_from_start)};
    while (!timers_.empty() && timers_.begin()->first.first <= end) {
      const auto callback = std::move(timers_.begin()->second);
      now_ = timers_.begin()->first.first;
      timers_.erase(timers_.begin());
      callback();
    }
    now_ = end;
  }
  /// What is due now.
  void turn() { run_until(to_seconds(now_.time_since_epoch())); }
  size_t pending() const { return timers_.size(); }

 private:
  void cancel(uint64_t id) override {
    std::erase_if(timers_, [id](const auto& timer) { return timer.first.second == id; });
  }
  std::map<std::pair<Instant, uint64_t>, std::function<void()>> timers_;
  Instant now_{};
  uint64_t last_ = 0;
};

class CountingEntropy final : public io::Entropy {
 public:
  uint64_t next() override { return ++last_ / 8; }

 private:
  uint64_t last_ = 0;
};

class FakeSandbox final : public sandbox::Sandbox {
 public:
  struct Started {
    InstanceId id;
    sandbox::InstanceSpec spec;
    sandbox::InstanceObserver* observer = nullptr;  // null: dropped
    int frozen = 0;
    int thawed = 0;
    int hibernated = 0;
    int wakes_served = 0;
    sandbox::Usage usage{seconds(2), mib(30), mib(40), {}};
    int terminated = 0;
    int killed = 0;
    io::SocketAddress address{"127.0.0.1", 0};
  };

  std::unique_ptr<sandbox::Instance> start(const InstanceId& id, const sandbox::InstanceSpec& spec,
                                           sandbox::InstanceObserver& observer) override {
    started.push_back(std::make_unique<Started>());
    Started& made = *started.back();
    made.id = id;
    made.spec = spec;
    made.observer = &observer;
    made.address.port = static_cast<uint16_t>(20000 + started.size());
    return std::make_unique<Instance>(made);
  }
  void keep_ready(const sandbox::InstanceSpec&) override { ++kept_ready; }
  void forget(const RevisionId&) override { ++forgotten; }
  Result<int> recover() override { return 0; }
  std::string isolation_notice() const override { return ""; }
  Hibernation hibernation() const override { return can_hibernate; }

  void exit(size_t index, sandbox::ExitReport::Kind kind) {
    sandbox::ExitReport report;
    report.kind = kind;
    started[index]->observer->on_exit(report);
  }

  std::vector<std::unique_ptr<Started>> started;
  int kept_ready = 0;
  int forgotten = 0;
  Hibernation can_hibernate = Hibernation::kNot;

 private:
  class Instance final : public sandbox::Instance {
   public:
    explicit Instance(Started& started) : started_(started) {}
    ~Instance() override { started_.observer = nullptr; }
    const io::SocketAddress& address() const override { return started_.address; }
    Status freeze() override {
      ++started_.frozen;
      return {};
    }
    void thaw() override { ++started_.thawed; }
    Status hibernate() override {
      ++started_.hibernated;
      return {};
    }
    void wake_served() override { ++started_.wakes_served; }
    void terminate() override { ++started_.terminated; }
    void kill() override { ++started_.killed; }
    sandbox::Usage usage() const override { return started_.usage; }

   private:
    Started& started_;
  };
};

class FakeProber final : public Prober {
 public:
  struct Asked {
    io::SocketAddress address;
    OnProbed done;  // empty: given up
    Probe probe = {};
  };

  std::unique_ptr<Probing> probe(const io::SocketAddress& address, const Probe& probe,
                                 OnProbed done) override {
    asked.push_back(std::make_shared<Asked>(Asked{address, std::move(done), probe}));
    return std::make_unique<Handle>(asked.back());
  }
  std::unique_ptr<Probing> check(const io::SocketAddress& address, const Probe& what,
                                 OnProbed done) override {
    return probe(address, what, std::move(done));
  }
  void answer(size_t index, Outcome outcome = Outcome::kPassed, std::string_view why = {}) {
    const auto done = asked[index]->done;
    done(outcome, why);
  }

  std::vector<std::shared_ptr<Asked>> asked;

 private:
  struct Handle final : Probing {
    explicit Handle(std::shared_ptr<Asked> a) : asked(std::move(a)) {}
    ~Handle() override { asked->done = nullptr; }
    std::shared_ptr<Asked> asked;
  };
};

class RecordingObserver final : public Observer {
 public:
  void on_output(const InstanceStatus&, sandbox::OutputStream, std::string_view line) override {
    lines.emplace_back(line);
  }
  void on_event(const InstanceEvent& event) override { events.push_back(event); }
  void on_start(const StartRecord& record) override { starts.push_back(record); }
  void on_prices(const RevisionId&, const ServiceId&, const scaling::PriceList& list) override {
    prices.push_back(list);
  }
  void on_billable(const BillableSpan& span) override { spans.push_back(span); }
  void on_revision_state(const RevisionId&, const RevisionState& state) override {
    states.push_back(state);
  }
  void on_instance_network(const InstanceStatus& instance,
                           const io::SocketAddress& address) override {
    networks.emplace_back(instance.id, address.ip);
  }
  void on_instance_frozen(const InstanceId& instance) override { frozen.push_back(instance); }
  void on_instance_gone(const InstanceId& instance) override { gone.push_back(instance); }

  /// The sum of all billed time.
  Duration billed() const {
    Duration sum{0};
    for (const BillableSpan& span : spans) sum += span.to - span.from;
    return sum;
  }

  std::vector<std::string> lines;
  std::vector<InstanceEvent> events;
  std::vector<StartRecord> starts;
  std::vector<scaling::PriceList> prices;
  std::vector<BillableSpan> spans;
  std::vector<RevisionState> states;
  std::vector<std::pair<InstanceId, std::string>> networks;  // with their address
  std::vector<InstanceId> frozen;
  std::vector<InstanceId> gone;
};

/// A caller: whatever acquire() answered, and what came later.
class Caller final : public SlotWaiter {
 public:
  Caller(Serving& serving, const RevisionId& revision, Instant deadline, CallerId id = {}) {
    Acquired answer = serving.acquire({revision, deadline, id}, *this);
    if (auto* given = std::get_if<Slot>(&answer)) slot.emplace(std::move(*given));
    if (auto* refused = std::get_if<Refusal>(&answer)) refusal = *refused;
    if (auto* place = std::get_if<Wait>(&answer)) wait = std::move(*place);
  }
  void on_slot(Slot given) override {
    ++answers;
    slot.emplace(std::move(given));
  }
  void on_refused(const Refusal& refused) override {
    ++answers;
    refusal = refused;
  }

  std::optional<Slot> slot;
  std::optional<Refusal> refusal;
  Wait wait;
  int answers = 0;
};

}  // namespace thaw::serving
