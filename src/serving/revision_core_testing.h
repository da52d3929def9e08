// Core: a RevisionCore with a clock of its own, for tests.
//
// **Thread**: the test's. **Owner**: the test. **Limits**: none.
#pragma once

#include <algorithm>
#include <vector>

#include "serving/revision_core.h"

namespace thaw::serving {

using sandbox::ExitReport;

/// One core and a clock; collects what it wants done.
class Core {
 public:
  explicit Core(RevisionConfig config, RevisionCore::Options options = {})
      : config_(std::move(config)), core_(config_, options, now_) {
    send(event::Configured{&config_});
  }

  void send(const Event& event) {
    const auto& actions = core_.on_event(now_, event);
    log_.insert(log_.end(), actions.begin(), actions.end());
  }
  /// Goes to `at`, waking the core whenever it wants.
  void run_until(double at) {
    const Instant end{seconds(at)};
    while (core_.wake_at() <= end) {
      now_ = std::max(now_, core_.wake_at());
      send(event::Wake{});
    }
    now_ = end;
  }

  uint64_t arrive(double timeout = 300) {
    send(event::RequestArrived{{++last_, 0}, now_ + seconds(timeout)});
    return last_;
  }
  uint64_t arrive_from(uint64_t caller) {
    send(event::RequestArrived{{++last_, 0}, now_ + seconds(300), CallerId{caller}});
    return last_;
  }
  uint64_t arrive_for(InstanceKey preferred) {
    send(event::RequestArrived{{++last_, 0}, now_ + seconds(300), {}, preferred});
    return last_;
  }
  void release(InstanceKey key) { send(event::SlotReleased{key}); }
  void ready(InstanceKey key) {
    send(event::Executed{key});
    send(event::ProbePassed{key});
  }
  void exit(InstanceKey key, ExitReport::Kind kind = ExitReport::Kind::kExited) {
    ExitReport report;
    report.kind = kind;
    send(event::Exited{key, &report, ""});
  }
  void reconfigure(RevisionConfig config) {
    config_ = std::move(config);
    send(event::Configured{&config_});
  }

  template <class A>
  std::vector<A> all() const {
    std::vector<A> found;
    for (const Action& action : log_) {
      if (const A* a = std::get_if<A>(&action)) found.push_back(*a);
    }
    return found;
  }
  template <class A>
  int count() const {
    return static_cast<int>(all<A>().size());
  }
  /// The instance a request was given, or -1.
  int place_of(uint64_t request) const {
    for (const auto& give : all<action::GiveSlot>()) {
      if (give.request.number == request) return static_cast<int>(give.instance);
    }
    return -1;
  }
  /// The status a request was refused with, or 0.
  int refused(uint64_t request) const {
    for (const auto& refuse : all<action::Refuse>()) {
      if (refuse.request.number == request) return refuse.refusal.http_status;
    }
    return 0;
  }
  /// What it wanted since the last call.
  std::vector<Action> take() {
    std::vector<Action> taken(log_.begin() + static_cast<ptrdiff_t>(taken_), log_.end());
    taken_ = log_.size();
    return taken;
  }
  void clear() { log_.clear(); }
  RevisionCore& core() { return core_; }
  double now() const { return to_seconds(now_.time_since_epoch()); }

 private:
  RevisionConfig config_;
  Instant now_{};
  RevisionCore core_;
  std::vector<Action> log_;
  size_t taken_ = 0;
  uint64_t last_ = 0;
};

inline RevisionConfig config(int concurrency, int max) {
  RevisionConfig c;
  c.instance.service = ServiceId("demo");
  c.instance.revision = RevisionId("demo-00001-abc");
  c.container_concurrency = concurrency;
  c.max_instances = max;
  c.initial_instances = 0;
  return c;
}

}  // namespace thaw::serving
