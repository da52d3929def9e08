// InstanceRun: one instance as the rim sees it: its sandbox, its probing, its record and meter.
//
// **Thread**: the loop's. **Owner**: its RevisionPool, which outlives it. **Limits**: none.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sandbox/sandbox.h"
#include "serving/events.h"
#include "serving/prober.h"
#include "serving/revision_core_types.h"
#include "serving/span_meter.h"

namespace thaw::serving {

/// What a run reports to its pool.
class InstanceRunOwner {
 public:
  /// As sandbox::InstanceObserver::on_network; may come inside start().
  virtual void on_network(InstanceKey key, const io::SocketAddress& address) = 0;
  virtual void on_executed(InstanceKey key) = 0;
  virtual void on_probe(InstanceKey key, Prober::Outcome outcome, std::string_view why) = 0;
  virtual void on_checked(InstanceKey key, Health health, Prober::Outcome outcome,
                          std::string_view why) = 0;
  /// The run may be destroyed in here.
  virtual void on_exit(InstanceKey key, const sandbox::ExitReport& report) = 0;
  /// How it started, in words for the service's log.
  virtual void on_rung(InstanceKey key, std::string_view words) = 0;
  /// What could go of its memory has gone; `left_because` as the sandbox says it.
  virtual void on_hibernated(InstanceKey key, const sandbox::Usage& usage,
                             std::string_view left_because) = 0;
  virtual void on_line(InstanceKey key, sandbox::OutputStream stream, std::string_view line) = 0;
  virtual Instant now() const = 0;

 protected:
  ~InstanceRunOwner() = default;
};

class InstanceRun final : public sandbox::InstanceObserver {
 public:
  InstanceRun(InstanceRunOwner& owner, InstanceKey key, const InstanceId& id,
              const RevisionConfig& config, Instant requested);

  /// The two steps of starting.
  void start(sandbox::Sandbox& sandbox, const sandbox::InstanceSpec& spec);
  void probe(Prober& prober, const Probe& probe, uint16_t instance_port);
  /// One try of a probe while it serves.
  void check(Prober& prober, Health health, const Probe& probe, uint16_t instance_port);

  void freeze();
  void thaw();
  void hibernate();
  void wake_served();
  /// From now on it has, and is billed for, the CPU of its size.
  void end_boost();
  /// The program is asked to end, or was ended.
  void terminate();
  void kill();
  /// Lets go of the sandbox; the record stays for requests that still refer to it.
  void gone();

  const InstanceId& id() const { return record_.instance; }
  const io::SocketAddress& address() const { return address_; }
  std::string_view last_stderr() const { return last_stderr_; }
  StartRecord& record() { return record_; }
  const StartRecord& record() const { return record_; }
  SpanMeter& meter() { return meter_; }
  const std::shared_ptr<const BillableSpan>& label() const { return label_; }
  bool alive() const { return instance_ != nullptr; }
  /// Without what changes: state, in_flight, usage.
  const InstanceStatus& status() const { return status_; }
  sandbox::Usage usage() const;
  /// CPU time since the last call; the first one only begins.
  Duration cpu_since_last_asked();
  /// The same for one whose memory does not change: read once.
  sandbox::Usage idle_usage();
  /// Its memory is on its way out.
  bool is_hibernating() const { return is_hibernating_; }
  /// True the first time: it is told to end.
  bool begin_end() { return !std::exchange(is_ending_, true); }

 private:
  void on_rung(Rung rung, std::string_view words) override;
  void on_hibernated(const sandbox::Usage& usage, std::string_view left_because) override;
  void on_read_ahead(ByteCount size) override;
  void on_network(const io::SocketAddress& address) override;
  void on_sandbox_ready() override;
  void on_executed() override;
  void on_output(sandbox::OutputStream stream, std::string_view line) override;
  void on_exit(const sandbox::ExitReport& report) override;

  io::SocketAddress address_of(const Probe& probe, uint16_t instance_port) const;
  void stop_probing();

  InstanceRunOwner& owner_;
  InstanceKey key_;
  int cpu_millis_;
  StartRecord record_;
  InstanceStatus status_;
  SpanMeter meter_;
  std::shared_ptr<const BillableSpan> label_;
  io::SocketAddress address_;
  std::string last_stderr_;
  std::optional<sandbox::Usage> idle_usage_;
  std::optional<Duration> cpu_asked_;
  bool is_hibernating_ = false;
  bool is_ending_ = false;
  std::unique_ptr<sandbox::Instance> instance_;
  std::unique_ptr<Probing> probing_;
  std::array<std::unique_ptr<Probing>, 2> checks_;  // by Health
};

}  // namespace thaw::serving
