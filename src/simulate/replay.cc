#include "simulate/replay.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <queue>
#include <utility>

namespace thaw::simulate {
namespace {

using serving::InstanceKey;
using serving::RevisionCore;
namespace action = serving::action;
namespace event = serving::event;

constexpr Duration kStopTime = milliseconds(100);
constexpr double kShortestWait = 0.001;
constexpr int kBinsOfADoubling = 16;

Instant instant(double at) { return Instant(seconds(at)); }

class Replay {
 public:
  Replay(const std::vector<Call>& calls, const Policy& policy, const ReplayOptions& options)
      : calls_(calls),
        options_(options),
        resting_(policy.resting),
        core_(options.config, policy.options, Instant{}) {
    core_.set_resting(resting_);
  }

  Outcome run() {
    send(event::Configured{&options_.config});
    const Instant end = instant(options_.span);
    size_t next_call = 0;
    while (true) {
      const Instant call =
          next_call < calls_.size() ? instant(calls_[next_call].at) : Instant::max();
      const Instant due = due_.empty() ? Instant::max() : due_.top().at;
      const Instant next = std::min({call, due, core_.wake_at()});
      if (next >= end) break;
      now_ = std::max(now_, next);
      if (next == due) {
        const Due it = due_.top();
        due_.pop();
        carry_out(it);
      } else if (next == call) {
        ++outcome_.calls;
        ++next_call;
        send(event::RequestArrived{{next_call, 0}, now_ + options_.config.request_timeout});
      } else {
        send(event::Wake{});
      }
    }
    now_ = end;
    for (Instance& instance : instances_) {
      if (instance.lives) gone(instance);
    }
    return std::move(outcome_);
  }

 private:
  struct Instance {
    bool lives = false;
    int working = 0;  // on its start, or on so many calls
    Instant since;    // in memory, or hibernated
    Instant busy_since;
    uint64_t freezes = 0;
    bool hibernated = false;
    bool just_woken = false;
  };
  struct Due {
    Instant at;
    uint64_t order;
    InstanceKey instance;
    enum class What { kListens, kAnswers, kExits, kRested } what;
    uint64_t freeze = 0;  // of kRested: the one after which it had rested
    bool operator>(const Due& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  void send(const serving::Event& event) {
    for (const serving::Action& action : core_.on_event(now_, event)) {
      std::visit([this](const auto& it) { on(it); }, action);
    }
  }

  void carry_out(const Due& due) {
    switch (due.what) {
      case Due::What::kListens:
        if (!instances_[due.instance].lives) return;
        works(due.instance, -1);
        send(event::ProbePassed{due.instance});
        return;
      case Due::What::kAnswers:
        works(due.instance, -1);
        send(event::SlotReleased{due.instance});
        return;
      case Due::What::kRested:
        return hibernate(due);
      case Due::What::kExits: {
        sandbox::ExitReport report;
        report.kind = sandbox::ExitReport::Kind::kStopped;
        gone(instances_[due.instance]);
        send(event::Exited{due.instance, &report, ""});
        return;
      }
    }
  }

  /// As the ladder's policy does it: not what the minimum needs, nor what was woken meanwhile.
  void hibernate(const Due& due) {
    if (instances_[due.instance].freezes != due.freeze) return;
    idle_.clear();
    core_.append_idle(idle_);
    const auto found = std::ranges::find(idle_, due.instance, &RevisionCore::Idle::key);
    if (found == idle_.end() || found->needed) return;
    using To = scaling::Descent::To;
    send(event::Descend{due.instance, To::kHibernated, scaling::Descent::Why::kIdle});
  }

  void later(Duration delay, InstanceKey instance, Due::What what) {
    due_.push({now_ + delay, ++order_, instance, what});
  }

  void on(const action::StartInstance& start) {
    if (instances_.size() <= start.instance) instances_.resize(start.instance + 1);
    const uint64_t freezes = instances_[start.instance].freezes;
    instances_[start.instance] = {true, 0, now_, now_, freezes + 1};
    works(start.instance, 1);
    ++outcome_.starts;
    outcome_.most_instances = std::max(outcome_.most_instances, core_.living());
    later(options_.start_time, start.instance, Due::What::kListens);
  }
  void on(const action::GiveSlot& give) {
    const Call& call = calls_[give.request.number - 1];
    const bool wakes = std::exchange(instances_[give.instance].just_woken, false);
    const Duration wake = wakes ? resting_.wake : Duration(0);
    outcome_.wakes += wakes ? 1 : 0;
    const double waited =
        std::max(0.0, to_seconds(now_.time_since_epoch()) - call.at) + to_seconds(wake);
    outcome_.waits.add(waited);
    outcome_.wait_seconds += waited;
    if (give.waited == action::GiveSlot::Waited::kForStart) {
      ++outcome_.cold_waits;
      outcome_.cold[slice_of(call.at)] += 1;
    }
    works(give.instance, 1);
    later(wake + seconds(static_cast<double>(call.takes)), give.instance, Due::What::kAnswers);
  }
  void on(const action::Refuse&) { ++outcome_.refused; }
  void on(const action::Terminate& end) { later(kStopTime, end.instance, Due::What::kExits); }
  void on(const action::Kill& kill) { later(Duration(0), kill.instance, Due::What::kExits); }
  void on(const action::StartProbe&) {}
  void on(const action::EndBoost&) {}
  void on(const action::Check&) {}  // its programs are well, so it has no such probes
  void on(const action::SetCpu& set) {
    Instance& instance = instances_[set.instance];
    ++instance.freezes;
    if (set.cpu == action::SetCpu::Cpu::kFull) {
      if (!instance.hibernated) return;
      account(instance);
      instance.hibernated = false;
      instance.just_woken = true;
    } else if (resting_.after != Duration::max()) {
      // Counted from the last answer, as the freeze is.
      const Duration left = resting_.after - core_.options().freeze_after;
      due_.push({now_ + std::max(left, Duration(0)), ++order_, set.instance, Due::What::kRested,
                 instance.freezes});
    }
  }
  void on(const action::Forget&) {}
  void on(const action::Hibernate& hibernate) {
    Instance& instance = instances_[hibernate.instance];
    account(instance);
    instance.hibernated = true;
  }
  void on(const action::WakeServed&) {}
  void on(const action::Tell&) {}
  void on(const action::Declare&) {}

  void works(InstanceKey key, int by) {
    Instance& instance = instances_[key];
    if (!instance.lives) return;
    if (instance.working == 0) instance.busy_since = now_;
    instance.working += by;
    if (instance.working == 0) outcome_.busy_seconds += to_seconds(now_ - instance.busy_since);
  }

  size_t slice_of(double at) const {
    const double slice = options_.span / Outcome::kSlices;
    return std::min(static_cast<size_t>(std::max(0.0, at) / slice), Outcome::kSlices - 1);
  }

  void gone(Instance& instance) {
    if (!instance.lives) return;
    instance.lives = false;
    if (instance.working > 0) outcome_.busy_seconds += to_seconds(now_ - instance.busy_since);
    account(instance);
    instance.hibernated = false;
  }

  /// What it has held since it was last accounted for.
  void account(Instance& instance) {
    const double held = to_seconds(now_ - instance.since);
    if (instance.hibernated) {
      outcome_.hibernated_seconds += held;
    } else {
      outcome_.instance_seconds += held;
      add_to_slices(instance.since);
    }
    instance.since = now_;
  }

  /// Its share of each slice from then on.
  void add_to_slices(Instant since) {
    const double slice = options_.span / Outcome::kSlices;
    double from = to_seconds(since.time_since_epoch());
    const double to = to_seconds(now_.time_since_epoch());
    while (from < to) {
      const size_t index = slice_of(from);
      const double until = std::min(to, slice * static_cast<double>(index + 1));
      if (until <= from) break;
      outcome_.instances[index] += static_cast<float>((until - from) / slice);
      from = until;
    }
  }

  const std::vector<Call>& calls_;
  const ReplayOptions& options_;
  scaling::Resting resting_;
  RevisionCore core_;
  std::vector<RevisionCore::Idle> idle_;
  Instant now_{};
  std::vector<Instance> instances_;
  std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
  uint64_t order_ = 0;
  Outcome outcome_;
};

}  // namespace

Policy cloud_run_policy() {
  Policy policy{"cloud-run", "60 % of the concurrency, idle instances kept for 15 min", {}};
  policy.options.autoscaler.scale_down_delay = seconds(900);
  policy.options.autoscaler.scale_to_zero_after = seconds(900);
  return policy;
}

Policy knative_policy(const spec::KnativeScaling& asked) {
  const bool plain = asked == spec::KnativeScaling{};
  Policy policy{"knative",
                plain ? "70 % of the concurrency, panic, zero 90 s after the last call"
                      : "the pod autoscaler as the service asks for it",
                {}};
  policy.options.autoscaler = scaling::knative_options(asked);
  return policy;
}

Policy thaw_policy(const scaling::Resting& resting) {
  const bool rests = resting.after != Duration::max();
  Policy policy{"thaw",
                rests ? "kept while its own gaps make it worth that, hibernated while it is idle"
                      : "kept while its own gaps make it worth that",
                {},
                resting};
  policy.options.keep_warm.emplace();
  return policy;
}

void WaitCounts::add(double wait) {
  const double doublings = wait < kShortestWait ? 0 : std::log2(wait / kShortestWait);
  const int bin = wait < kShortestWait ? 0 : 1 + static_cast<int>(doublings * kBinsOfADoubling);
  ++bins_[static_cast<size_t>(std::min(bin, kBins - 1))];
  ++total_;
}

void WaitCounts::add(const WaitCounts& other) {
  for (size_t i = 0; i < bins_.size(); ++i) bins_[i] += other.bins_[i];
  total_ += other.total_;
}

double WaitCounts::percentile(double share) const {
  const auto wanted = static_cast<uint64_t>(std::ceil(share * static_cast<double>(total_)));
  uint64_t passed = 0;
  for (size_t i = 0; i < bins_.size(); ++i) {
    passed += bins_[i];
    if (passed < wanted) continue;
    if (i == 0) return 0;
    return kShortestWait * std::exp2((static_cast<double>(i) - 0.5) / kBinsOfADoubling);
  }
  return 0;
}

void Outcome::add(const Outcome& other) {
  calls += other.calls;
  refused += other.refused;
  cold_waits += other.cold_waits;
  starts += other.starts;
  wakes += other.wakes;
  wait_seconds += other.wait_seconds;
  instance_seconds += other.instance_seconds;
  hibernated_seconds += other.hibernated_seconds;
  busy_seconds += other.busy_seconds;
  most_instances = std::max(most_instances, other.most_instances);
  waits.add(other.waits);
  for (size_t i = 0; i < kSlices; ++i) {
    instances[i] += other.instances[i];
    cold[i] += other.cold[i];
  }
}

Outcome replay(const std::vector<Call>& calls, const Policy& policy, const ReplayOptions& options) {
  ReplayOptions well = options;
  well.config.liveness_probe.reset();
  well.config.readiness_probe.reset();
  return Replay(calls, policy, well).run();
}

}  // namespace thaw::simulate
