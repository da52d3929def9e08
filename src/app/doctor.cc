#include <fmt/format.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>

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

constexpr std::string_view kPrefix = "thaw-doctor-";

/// Folders of runs that were killed, and with them what those left.
std::vector<std::string> orphaned(io::Disk& disk) {
  std::vector<std::string> paths;
  for (const std::string& name : disk.list("/tmp").value_or(std::vector<std::string>{})) {
    if (!name.starts_with(kPrefix)) continue;
    const int pid = std::atoi(name.c_str() + kPrefix.size());
    const std::string path = "/tmp/" + name;
    struct stat facts {};
    const bool ours =
        ::lstat(path.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode) && facts.st_uid == ::geteuid();
    if (ours && pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH) paths.push_back(path);
  }
  return paths;
}

/// A folder of this run's own, gone at its end.
class Scratch {
 public:
  static Result<Scratch> make(io::Disk& disk) {
    std::string path = fmt::format("/tmp/{}{}-XXXXXX", kPrefix, ::getpid());
    if (::mkdtemp(path.data()) == nullptr) return errno_error("make a folder in /tmp", errno);
    return Scratch(disk, std::move(path));
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
  for (const std::string& path : orphaned(disk)) {
    UpOptions old = up;
    old.data_dir = path;
    (void)make_sandbox(choice, old, {.loop = loop, .disk = disk, .processes = processes})
        ->recover();
    (void)disk.remove_tree(path);
  }
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
