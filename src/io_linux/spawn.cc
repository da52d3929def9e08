#include "io_linux/spawn.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "io_linux/open_files.h"

namespace thaw::io_linux {
namespace {

constexpr size_t kStackSize = 64 << 10;

/// All that the child needs, prepared before it exists: it may only make system calls.
struct ChildPlan {
  const char* path;
  char* const* argv;
  char* const* env;
  const char* working_dir;  // null: ours
  int in, out, err;
  bool own_session;
  bool dies_with_parent;
  pid_t parent;
  const rlimit* open_files;  // null: as ours
  // The answer, in memory that the parent shares.
  const char* failed_at = nullptr;
  int error = 0;
};

#define THAW_RUNS_IN_CHILD __attribute__((no_sanitize("address", "thread", "undefined"), noinline))

THAW_RUNS_IN_CHILD void fail_child(ChildPlan& plan, const char* what) {
  plan.failed_at = what;
  plan.error = errno;
  ::syscall(SYS_exit_group, 127);
}

THAW_RUNS_IN_CHILD void reset_signals() {
  // Straight to the kernel: libc refuses its two own signals, and a sanitizer would note these
  // handlers as the parent's. A zeroed kernel sigaction is the default action in all layouts.
  const unsigned long zeroes[8] = {};
  for (int number = 1; number <= 64; ++number) {
    ::syscall(SYS_rt_sigaction, number, zeroes, nullptr, 8);
  }
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, zeroes, nullptr, 8);
}

THAW_RUNS_IN_CHILD int run_child(void* argument) {
  auto& plan = *static_cast<ChildPlan*>(argument);
  reset_signals();
  if (plan.dies_with_parent) {
    ::syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (::syscall(SYS_getppid) != plan.parent) ::syscall(SYS_exit_group, 127);
  }
  if (plan.own_session) ::syscall(SYS_setsid);
  if (plan.open_files != nullptr) {
    ::syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, plan.open_files, nullptr);
  }
  if (plan.working_dir != nullptr && ::syscall(SYS_chdir, plan.working_dir) != 0) {
    fail_child(plan, plan.working_dir);
  }
  // The sources are 3 or higher, so none overwrites another; dup3 clears close-on-exec.
  ::syscall(SYS_dup3, plan.in, 0, 0);
  ::syscall(SYS_dup3, plan.out, 1, 0);
  ::syscall(SYS_dup3, plan.err, 2, 0);
  // All of ours are close-on-exec; this is for those of libraries.
  ::syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
  ::syscall(SYS_execve, plan.path, plan.argv, plan.env);
  fail_child(plan, plan.path);
  return 127;
}

Result<Fd> at_least_three(int fd, std::string_view what) {
  Fd copy(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!copy.is_open()) return errno_error(what, errno);
  return copy;
}

struct Output {
  Fd read;   // ours
  Fd write;  // the child's
};

Result<Output> open_output(io::SpawnOptions::Output kind, int ours, int dev_null) {
  Output output;
  if (kind == io::SpawnOptions::Output::kCapture) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error("pipe", errno);
    output.read = Fd(ends[0]);
    const Fd write(ends[1]);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
    ASSIGN_OR_RETURN(output.write, at_least_three(write.get(), "pipe"));
    return output;
  }
  const int source = kind == io::SpawnOptions::Output::kInherit ? ours : dev_null;
  ASSIGN_OR_RETURN(output.write, at_least_three(source, "standard output"));
  return output;
}

/// argv[0] as exec needs it: looked up in the child's PATH, or in ours when it has none.
Result<std::string> find_program(const io::SpawnOptions& options) {
  if (options.argv.empty() || options.argv[0].empty()) {
    return Error(Code::kInvalidArgument, "exec: the command is empty");
  }
  const std::string& name = options.argv[0];
  if (name.find('/') != std::string::npos) return name;
  std::string path = "/usr/local/bin:/usr/bin:/bin";
  if (const char* ours = std::getenv("PATH"); ours != nullptr) path = ours;
  for (const std::string& variable : options.env) {
    if (variable.rfind("PATH=", 0) == 0) path = variable.substr(5);
  }
  for (size_t begin = 0; begin <= path.size();) {
    const size_t end = std::min(path.find(':', begin), path.size());
    const std::string folder = path.substr(begin, end - begin);
    const std::string candidate = (folder.empty() ? "." : folder) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    begin = end + 1;
  }
  return Error(Code::kNotFound, "exec " + name + ": not found in PATH (" + path + ")");
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const std::string& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

/// The child's stack while it borrows our memory.
class ChildStack {
 public:
  ChildStack()
      : base_(::mmap(nullptr, kStackSize, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0)) {
    CHECK(base_ != MAP_FAILED, "no memory is left to start a process");
  }
  ChildStack(const ChildStack&) = delete;
  ChildStack& operator=(const ChildStack&) = delete;
  ~ChildStack() { ::munmap(base_, kStackSize); }
  void* top() const { return static_cast<char*>(base_) + kStackSize; }

 private:
  void* base_;
};

Result<Spawned> start(ChildPlan& plan) {
  const ChildStack stack;
  // A handler of ours must not run in the child, on memory that is the parent's.
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  int pidfd = -1;
  const int pid = ::clone(run_child, stack.top(), CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD,
                          &plan, &pidfd);
  const int error = errno;
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return errno_error("start a process", error);

  Spawned spawned{.pid = pid, .pidfd = Fd(pidfd)};
  if (plan.failed_at != nullptr) {
    siginfo_t info{};
    while (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) != 0 && errno == EINTR) {
    }
    const bool is_exec = plan.failed_at == plan.path;
    return errno_error((is_exec ? "exec " : "change to folder ") + std::string(plan.failed_at),
                       plan.error);
  }
  return spawned;
}

}  // namespace

Result<Spawned> spawn(const io::SpawnOptions& options) {
  ASSIGN_OR_RETURN(const std::string path, find_program(options));
  const Fd dev_null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!dev_null.is_open()) return errno_error("open /dev/null", errno);
  ASSIGN_OR_RETURN(const Fd in, at_least_three(dev_null.get(), "standard input"));
  ASSIGN_OR_RETURN(Output out, open_output(options.out, STDOUT_FILENO, dev_null.get()));
  ASSIGN_OR_RETURN(Output err, open_output(options.err, STDERR_FILENO, dev_null.get()));
  const std::vector<char*> argv = pointers(options.argv);
  const std::vector<char*> env = pointers(options.env);

  ChildPlan plan{
      .path = path.c_str(),
      .argv = argv.data(),
      .env = env.data(),
      .working_dir = options.working_dir.empty() ? nullptr : options.working_dir.c_str(),
      .in = in.get(),
      .out = out.write.get(),
      .err = err.write.get(),
      .own_session = options.group == io::SpawnOptions::Group::kOwnSession,
      .dies_with_parent = options.parent == io::SpawnOptions::Parent::kDiesWithUs,
      .parent = ::getpid(),
      .open_files = open_files_before(),
  };
  ASSIGN_OR_RETURN(Spawned spawned, start(plan));
  spawned.out = std::move(out.read);
  spawned.err = std::move(err.read);
  return spawned;
}

}  // namespace thaw::io_linux
