#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include <csignal>

#include "app/programs.h"
#include "app/sandboxes.h"
#include "base/log.h"
#include "doctor/examiner.h"
#include "io_linux/epoll_loop.h"
#include "io_linux/local_disk.h"
#include "io_linux/pidfd_processes.h"
#include "io_linux/signal_watch.h"
#include "io_linux/tcp_net.h"
#include "sandbox/crun_sandbox.h"

namespace thaw::app {
namespace {

/// A folder of this run's own, gone at its end.
class Scratch {
 public:
  static Result<Scratch> make(io::Disk& disk) {
    char path[] = "/tmp/thaw-doctor-XXXXXX";
    if (::mkdtemp(path) == nullptr) return errno_error("make a folder in /tmp", errno);
    return Scratch(disk, path);
  }
  Scratch(Scratch&& other) noexcept : disk_(other.disk_), path_(std::exchange(other.path_, "")) {}
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch() {
    if (path_.empty()) return;
    (void)::umount2(sandbox::rootfs_path(path_).c_str(), MNT_DETACH);
    (void)disk_.remove_tree(path_);
  }
  const std::string& path() const { return path_; }

 private:
  Scratch(io::Disk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}
  io::Disk& disk_;
  std::string path_;
};

}  // namespace

Result<doctor::Facts> run_doctor(const cli::DoctorOptions& options) {
  set_log_format(LogFormat::kText, Severity::kError);
  io_linux::LocalDisk disk;
  char program[4096];
  const ssize_t length = ::readlink("/proc/self/exe", program, sizeof program);
  if (length < 0) return errno_error("find the program's own file", errno);
  const std::string own_program(program, static_cast<size_t>(length));
  ASSIGN_OR_RETURN(doctor::Target target,
                   doctor::target_of(options.request, disk, {own_program, "serve"}));
  ASSIGN_OR_RETURN(const Scratch scratch, Scratch::make(disk));
  UpOptions up;
  up.data_dir = scratch.path();
  up.ready_sandboxes = 0;
  ASSIGN_OR_RETURN(const SandboxChoice choice, choose_sandbox(up, disk));

  io_linux::EpollLoop loop;
  bool given_up = false;
  io_linux::SignalWatch signals(loop, {SIGTERM, SIGINT}, [&](int) {
    given_up = true;
    loop.stop();
  });
  io_linux::TcpNet net(loop);
  io_linux::PidfdProcesses processes(loop);
  const auto sandbox = make_sandbox(
      choice, up, {.loop = loop, .disk = disk, .processes = processes, .own_program = own_program});
  doctor::Patience patience(loop, [&] { return given_up; });
  auto facts = doctor::examine(target, {.max_wait = options.max_wait},
                               {.patience = patience,
                                .net = net,
                                .sandbox = *sandbox,
                                .is_container = choice.kind == SandboxChoice::Kind::kContainer,
                                .scratch = scratch.path() + "/views",
                                .progress = options.progress});
  bool gone = false;
  sandbox->shut_down([&] {
    gone = true;
    loop.stop();
  });
  doctor::Patience to_the_end(loop, [] { return false; });
  (void)to_the_end.until([&] { return gone; }, seconds(30));
  if (facts && !choice.why_no_containers.empty()) {
    facts->not_seen.insert(facts->not_seen.begin(),
                           "It ran as a plain process (" + choice.why_no_containers + ").");
  }
  return facts;
}

}  // namespace thaw::app
