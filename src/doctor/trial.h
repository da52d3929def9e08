// Trial: one run of the program in a sandbox, with what it printed and how it ended.
//
// Thread: the loop's. Owner: sandbox and loop outlive it; dropping it kills the instance.
// Limits: the last 200 lines are kept, cut at 400 bytes.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "doctor/network_trap.h"
#include "doctor/patience.h"
#include "doctor/processes.h"
#include "sandbox/sandbox.h"

namespace thaw::doctor {

struct Room {
  Patience& patience;
  sandbox::Sandbox& sandbox;
  bool is_container = false;  // else plain processes
};

class Trial final : public sandbox::InstanceObserver {
 public:
  enum class Trap { kNo, kYes };
  Trial(Room room, sandbox::InstanceSpec spec, Trap trap);
  ~Trial();

  void start();
  /// Kills it and waits until it is gone.
  void finish();

  bool executed() const { return executed_at_.has_value(); }
  bool ended() const { return report_.has_value(); }
  const std::optional<sandbox::ExitReport>& report() const { return report_; }
  /// Since the program was executed.
  Duration age() const;
  Duration age_at_end() const { return age_at_end_; }
  sandbox::Instance& instance() { return *instance_; }
  /// Where the program is reached on `port`.
  io::SocketAddress address(uint16_t port) const;
  pid_t main_pid() const { return main_; }
  std::vector<pid_t> processes() const;
  NetworkTrap* trap() { return trap_.get(); }
  const std::string& trap_failure() const { return trap_failure_; }

  int lines() const { return line_count_; }
  const std::deque<std::string>& kept_lines() const { return kept_; }
  std::vector<std::string> last_lines(size_t count) const;
  /// Gets every line whole, before it is kept; true: it is not to be kept.
  std::function<bool(std::string_view line)> on_line;

 private:
  void on_main_process(pid_t pid) override;
  void on_sandbox_ready() override {}
  void on_executed() override { executed_at_ = room_.patience.now(); }
  void on_output(sandbox::OutputStream stream, std::string_view line) override;
  void on_exit(const sandbox::ExitReport& report) override;

  Room room_;
  sandbox::InstanceSpec spec_;
  Trap wants_trap_;
  pid_t main_ = 0;
  std::unique_ptr<NetworkTrap> trap_;
  std::string trap_failure_;
  std::optional<Instant> executed_at_;
  std::optional<sandbox::ExitReport> report_;
  Duration age_at_end_{0};
  std::deque<std::string> kept_;
  int line_count_ = 0;
  std::unique_ptr<sandbox::Instance> instance_;  // last: it goes first
};

}  // namespace thaw::doctor
