// PlainProcess: one instance of ProcessSandbox, from spawn to the report of its end.
//
// Not the handle that serving holds. Thread: the loop's. Owner: ProcessSandbox, by shared_ptr.
// Limits: a second after the end for its output to end.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "io/disk.h"
#include "io/loop.h"
#include "io/process.h"
#include "sandbox/output_pump.h"
#include "sandbox/process_table.h"
#include "sandbox/sandbox.h"

namespace thaw::sandbox {

class PlainProcess : public std::enable_shared_from_this<PlainProcess> {
 public:
  /// `mark`: the value of THAW_INSTANCE; `port`: where it shall listen; `on_gone` runs after
  /// everything, in a turn of its own.
  PlainProcess(io::Loop& loop, io::Disk& disk, InstanceSpec spec, std::string mark, uint16_t port,
               InstanceObserver& observer, std::function<void()> on_gone);
  ~PlainProcess();

  /// Call once, right after construction.
  void spawn(io::Processes& processes);
  void detach();
  /// To its process group.
  Status signal(int number);
  void terminate();
  void kill();
  const io::SocketAddress& address() const { return address_; }
  Usage usage() const { return usage_; }

  /// Gives it what is known of the processes in its session; kills them over the limit.
  void look(const std::vector<ProcessStat>& members);
  pid_t pid() const { return main_ == nullptr ? 0 : main_->pid(); }

 private:
  void announce();
  void tell_rung();
  void on_main_exit(io::ProcessExit exit);
  void on_output_end();
  void end();
  ExitReport make_report() const;
  void kill_session();
  void post(void (PlainProcess::*step)());

  io::Loop& loop_;
  io::Disk& disk_;
  InstanceSpec spec_;
  std::string mark_;
  io::SocketAddress address_;
  InstanceObserver* observer_;
  std::function<void()> on_gone_;
  std::unique_ptr<io::Process> main_;
  std::unique_ptr<OutputPump> out_;
  std::unique_ptr<OutputPump> err_;
  io::Timer output_limit_;
  Usage usage_;
  bool announced_ = false;
  bool exited_ = false;
  bool ended_ = false;
  bool stop_asked_ = false;
  bool over_limit_ = false;
  std::string failure_;
  io::ProcessExit exit_;
};

}  // namespace thaw::sandbox
