#include "io_linux/pidfd_processes.h"

#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <string>
#include <utility>

#include "io_linux/spawn.h"
#include "io_linux/stream.h"

namespace thaw::io_linux {
namespace {

// glibc 2.36 names both, but its headers clash with those of the kernel on older ones.
int pidfd_open(pid_t pid) { return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); }
int pidfd_signal(int pidfd, int number) {
  return static_cast<int>(::syscall(SYS_pidfd_send_signal, pidfd, number, nullptr, 0));
}

constexpr auto kByPidfd = static_cast<idtype_t>(3);  // P_PIDFD

io::ProcessExit to_exit(const siginfo_t& info) {
  if (info.si_code == CLD_EXITED) return {.code = info.si_status};
  return {.signal = info.si_status};
}

}  // namespace

/// Waits for the end of one process. Owned by PidfdProcesses, because a child has to be reaped
/// also after its Process was dropped.
class ExitWatch final : public Watch {
 public:
  ExitWatch(PidfdProcesses& owner, Fd pidfd, bool keeps_zombie, io::Processes::OnExit on_exit)
      : owner_(owner),
        pidfd_(std::move(pidfd)),
        keeps_zombie_(keeps_zombie),
        on_exit_(std::move(on_exit)) {
    owner_.loop_.watch(pidfd_.get(), EPOLLIN, *this);
  }

  void on_events(uint32_t) override {
    siginfo_t info{};
    const bool dropped = on_exit_ == nullptr;
    const int keep = keeps_zombie_ && !dropped ? WNOWAIT : 0;
    const int rc =
        ::waitid(kByPidfd, static_cast<id_t>(pidfd_.get()), &info, WEXITED | WNOHANG | keep);
    if (rc != 0 && errno == EINTR) return;
    if (rc == 0 && info.si_pid == 0) return;  // not yet
    io::ProcessExit exit = rc == 0 ? to_exit(info) : io::ProcessExit{.known = false};
    if (dropped) return owner_.forget(*this);
    ended_ = true;
    owner_.loop_.change(pidfd_.get(), 0, *this);
    std::exchange(on_exit_, nullptr)(exit);  // may drop the Process
  }

  /// Nobody wants to know any more; the child is still reaped.
  void drop() {
    on_exit_ = nullptr;
    if (!ended_) return;
    if (keeps_zombie_) {
      siginfo_t info{};
      ::waitid(kByPidfd, static_cast<id_t>(pidfd_.get()), &info, WEXITED | WNOHANG);
    }
    owner_.forget(*this);
  }

  Fd& pidfd() { return pidfd_; }

 private:
  PidfdProcesses& owner_;
  Fd pidfd_;
  bool keeps_zombie_;
  bool ended_ = false;
  io::Processes::OnExit on_exit_;
};

class PidfdProcess final : public io::Process {
 public:
  PidfdProcess(EpollLoop& loop, ExitWatch& watch, Spawned spawned, bool own_session)
      : loop_(loop), watch_(watch), spawned_(std::move(spawned)), own_session_(own_session) {}
  ~PidfdProcess() override { watch_.drop(); }

  pid_t pid() const override { return spawned_.pid; }

  Status signal(int number) override {
    if (pidfd_signal(watch_.pidfd().get(), number) == 0) return {};
    return errno_error("signal process " + std::to_string(spawned_.pid), errno);
  }

  Status signal_group(int number) override {
    if (!own_session_) {
      return Error(Code::kFailedPrecondition,
                   "process " + std::to_string(spawned_.pid) + " has no session of its own");
    }
    if (::kill(-spawned_.pid, number) == 0) return {};
    return errno_error("signal group " + std::to_string(spawned_.pid), errno);
  }

  std::unique_ptr<io::Stream> take_out() override { return take(spawned_.out); }
  std::unique_ptr<io::Stream> take_err() override { return take(spawned_.err); }

 private:
  std::unique_ptr<io::Stream> take(Fd& fd) {
    if (!fd.is_open()) return nullptr;
    return std::make_unique<FdStream>(loop_, std::move(fd), FdStream::Kind::kReadPipe,
                                      io::SocketAddress{});
  }

  EpollLoop& loop_;
  ExitWatch& watch_;
  Spawned spawned_;
  bool own_session_;
};

PidfdProcesses::PidfdProcesses(EpollLoop& loop) : loop_(loop) {}

PidfdProcesses::~PidfdProcesses() {
  while (!watches_.empty()) forget(*watches_.begin()->first);
}

Result<std::unique_ptr<io::Process>> PidfdProcesses::spawn(const io::SpawnOptions& options,
                                                           OnExit on_exit) {
  ASSIGN_OR_RETURN(Spawned spawned, io_linux::spawn(options));
  const bool own_session = options.group == io::SpawnOptions::Group::kOwnSession;
  ExitWatch& watch = follow(spawned.pid, std::move(spawned.pidfd), own_session, std::move(on_exit));
  return std::unique_ptr<io::Process>(
      std::make_unique<PidfdProcess>(loop_, watch, std::move(spawned), own_session));
}

Result<std::unique_ptr<io::Process>> PidfdProcesses::adopt(pid_t pid, OnExit on_exit) {
  Fd pidfd(pidfd_open(pid));
  if (!pidfd.is_open()) return errno_error("follow process " + std::to_string(pid), errno);
  ExitWatch& watch = follow(pid, std::move(pidfd), false, std::move(on_exit));
  return std::unique_ptr<io::Process>(
      std::make_unique<PidfdProcess>(loop_, watch, Spawned{.pid = pid}, ::getpgid(pid) == pid));
}

ExitWatch& PidfdProcesses::follow(pid_t, Fd pidfd, bool keeps_zombie, OnExit on_exit) {
  // A null callback means that the process was dropped.
  if (on_exit == nullptr) on_exit = [](io::ProcessExit) {};
  auto watch =
      std::make_unique<ExitWatch>(*this, std::move(pidfd), keeps_zombie, std::move(on_exit));
  ExitWatch& result = *watch;
  watches_.emplace(&result, std::move(watch));
  return result;
}

void PidfdProcesses::forget(ExitWatch& watch) {
  auto node = watches_.extract(&watch);
  const Fd pidfd = std::move(watch.pidfd());
  loop_.retire(pidfd.get(), std::move(node.mapped()));
}

}  // namespace thaw::io_linux
