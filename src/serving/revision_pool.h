// RevisionPool: does for one revision what its RevisionCore decides.
//
// **Thread**: the loop's. **Owner**: Serving; the parts outlive it. **Limits**: see Serving.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "io/clock.h"
#include "io/entropy.h"
#include "io/timers.h"
#include "sandbox/sandbox.h"
#include "serving/instance_run.h"
#include "serving/outbox.h"
#include "serving/prober.h"
#include "serving/request_table.h"
#include "serving/revision_core.h"
#include "serving/serving.h"

namespace thaw::serving {

/// What all pools of a Serving share.
struct PoolParts {
  Serving& serving;
  io::Clock& clock;
  io::Timers& timers;
  io::Entropy& entropy;
  sandbox::Sandbox& sandbox;
  Prober& prober;
  Observer& observer;
  Outbox& outbox;
  RequestTable& requests;
  /// To a waiter; they check that the request still wants it.
  std::function<void(uint64_t id)> grant;
  std::function<void(uint64_t id, Refusal refusal)> deny;
  /// The pool is finished and wants to be dropped, not inside the call.
  std::function<void(const RevisionId& revision)> finished;
  /// An instance was frozen or started: the ladder's policy may want to know.
  std::function<void()> look_at_ladder;
  /// Some pool's prices have changed.
  std::function<void()> prices_changed;
};

class RevisionPool final : private InstanceRunOwner {
 public:
  RevisionPool(PoolParts& parts, const RevisionConfig& config,
               const RevisionCore::Options& options);

  /// Ends in state kActive, kWaiting, or refused: then the refusal is returned and the request
  /// still is in the table.
  const Refusal* arrive(uint32_t handle, const Arrival& arrival);
  void leave(uint32_t handle);
  void release(uint32_t handle);
  void explain(uint32_t handle);
  void first_byte(uint32_t handle);
  std::string_view woken_from(uint32_t handle) const;
  void configure(const RevisionConfig& config) { send(event::Configured{&config}); }
  void retire() { send(event::Retired{}); }
  void shut_down() { send(event::ShutDown{}); }

  const InstanceRun& run(InstanceKey key) const { return *runs_[key]; }
  void append_status(std::vector<InstanceStatus>& to) const;
  bool finished() const { return core_.finished(); }
  const ServiceId& service() const { return config().instance.service; }
  int waiting() const { return core_.waiting(); }

  /// For the ladder's policy on such a machine: its idle instances with their keys as ids, and in
  /// `held` the memory of all.
  void append_idle(sandbox::Sandbox::Hibernation hibernation, Duration hibernate_after,
                   std::vector<scaling::IdleInstance>& to, ByteCount& held);
  void descend(InstanceKey key, const scaling::Descent& step) {
    send(event::Descend{key, step.to, step.why});
  }
  const scaling::PriceList& prices() const { return prices_; }
  void set_prices(const scaling::PriceList& prices) { prices_ = prices; }
  /// Tells the observer what has changed since the last time.
  void tell_prices();

 private:
  void on_network(InstanceKey key, const io::SocketAddress& address) override;
  void on_executed(InstanceKey key) override;
  void on_probe(InstanceKey key, Prober::Outcome outcome, std::string_view why) override;
  void on_checked(InstanceKey key, Health health, Prober::Outcome outcome,
                  std::string_view why) override;
  void on_exit(InstanceKey key, const sandbox::ExitReport& report) override;
  void on_rung(InstanceKey key, std::string_view words) override;
  void on_hibernated(InstanceKey key, const sandbox::Usage& usage,
                     std::string_view left_because) override;
  void on_line(InstanceKey key, sandbox::OutputStream stream, std::string_view line) override;
  Instant now() const override { return parts_.clock.now(); }

  void send(const Event& event);
  void act(const action::GiveSlot& action);
  void act(const action::Refuse& action);
  void act(const action::StartInstance& action);
  void act(const action::StartProbe& action);
  void act(const action::Check& action);
  void act(const action::SetCpu& action);
  void act(const action::EndBoost& action);
  void act(const action::Hibernate& action);
  void bill_to_the_end(InstanceRun& run);
  void act(const action::WakeServed& action);
  void act(const action::Terminate& action);
  void act(const action::Kill& action);
  void act(const action::Forget& action);
  void act(const action::Tell& action);
  void act(const action::Declare& action);

  bool by_request() const { return config().cpu == CpuAllocation::kRequestBased; }
  const RevisionConfig& config() const { return core_.config(); }
  std::optional<InstanceKey> key_of(const InstanceId& id) const;
  void enter(InstanceRun& run);
  void leave(InstanceRun& run);
  void hand_out(const InstanceRun& run, const std::optional<SpanMeter::Span>& span);
  void cut_spans();
  void tell_record(const StartRecord& record);
  void price(scaling::Rung rung, Duration wake);
  void price(scaling::Rung rung, ByteCount memory);
  void tell_wake(const InstanceRun& run, const Request& request);
  void tell(InstanceKey key, std::string_view words);
  void tell_cpu();
  void keep_ready();
  void plan();
  void on_timer();

  PoolParts& parts_;
  RevisionCore core_;
  std::vector<std::unique_ptr<InstanceRun>> runs_;  // by InstanceKey; null: free
  std::optional<Refusal> refusal_;                  // of arrive()
  scaling::PriceList prices_;
  bool prices_changed_ = false;  // since they were told
  bool ahead_ = false;           // the sandbox was told to keep one ready
  bool told_finished_ = false;
  Instant cpu_told_{};  // up to when
  Instant next_cut_ = Instant::max();
  Instant armed_ = Instant::max();
  io::Timer timer_;
};

}  // namespace thaw::serving
