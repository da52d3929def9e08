// PidfdProcesses: spawning and following processes by pidfd in epoll.
//
// A child is always reaped: while it is followed, when it ends; after its Process was dropped, in
// the background. The leader of an own session is kept as a zombie until its Process is dropped,
// so that its pid, and with it the group's number, cannot be given to another meanwhile.
// Thread: the loop's. Owner: the loop outlives it; it outlives its Process objects; children that
// still run when it is destroyed are left alone. Limits: what the kernel grants.
#pragma once

#include <map>
#include <memory>

#include "io/process.h"
#include "io_linux/epoll_loop.h"

namespace thaw::io_linux {

class ExitWatch;

class PidfdProcesses final : public io::Processes {
 public:
  explicit PidfdProcesses(EpollLoop& loop);
  ~PidfdProcesses() override;

  Result<std::unique_ptr<io::Process>> spawn(const io::SpawnOptions& options,
                                             OnExit on_exit) override;
  Result<std::unique_ptr<io::Process>> adopt(pid_t pid, OnExit on_exit) override;

 private:
  friend class ExitWatch;
  friend class PidfdProcess;
  ExitWatch& follow(pid_t pid, Fd pidfd, bool keeps_zombie, OnExit on_exit);
  void forget(ExitWatch& watch);

  EpollLoop& loop_;
  std::map<ExitWatch*, std::unique_ptr<ExitWatch>> watches_;
};

}  // namespace thaw::io_linux
