#include "sandbox/seccomp.h"

#include <sched.h>

#include <cerrno>
#include <string_view>
#include <vector>

namespace thaw::sandbox {
namespace {

/// What servers, language runtimes, numeric libraries and debuggers need; each works on the
/// instance's own files, memory, processes and network alone.
constexpr std::string_view kAllowed =
    // Files. chown, chmod and the like stop at the read-only root and at missing capabilities.
    "access chdir chmod chown close close_range copy_file_range creat dup dup2 dup3 faccessat "
    "faccessat2 fadvise64 fallocate fchdir fchmod fchmodat fchmodat2 fchown fchownat fcntl "
    "fdatasync fgetxattr flistxattr flock fremovexattr fsetxattr fstat fstatfs fsync ftruncate "
    "futimesat getcwd getdents getdents64 getxattr inotify_add_watch inotify_init inotify_init1 "
    "inotify_rm_watch ioctl lchown lgetxattr link linkat listxattr llistxattr lremovexattr lseek "
    "lsetxattr lstat mkdir mkdirat mknod mknodat newfstatat open openat openat2 pread64 preadv "
    "preadv2 pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv removexattr rename "
    "renameat renameat2 rmdir sendfile setxattr splice stat statfs statx symlink symlinkat sync "
    "sync_file_range syncfs tee truncate umask unlink unlinkat utime utimensat utimes vmsplice "
    "write writev "
    // Waiting and events.
    "epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait "
    "epoll_wait_old eventfd eventfd2 pause pipe pipe2 poll ppoll pselect6 select signalfd "
    "signalfd4 timerfd_create timerfd_gettime timerfd_settime io_cancel io_destroy io_getevents "
    "io_pgetevents io_setup io_submit "
    // Memory.
    "brk cachestat get_mempolicy madvise map_shadow_stack mbind membarrier memfd_create mincore "
    "mlock mlock2 mlockall mmap move_pages mprotect mremap mseal msync munlock munlockall munmap "
    "pkey_alloc pkey_free pkey_mprotect process_madvise process_mrelease remap_file_pages "
    "set_mempolicy set_mempolicy_home_node "
    // Processes and threads. clone and unshare come below, with their arguments looked at.
    "arch_prctl capget capset execve execveat exit exit_group fork futex futex_requeue futex_wait "
    "futex_waitv futex_wake get_robust_list get_thread_area getcpu getegid geteuid getgid "
    "getgroups getitimer getpgid getpgrp getpid getppid getpriority getresgid getresuid getrlimit "
    "getrusage getsid gettid getuid ioprio_get ioprio_set kill landlock_add_rule "
    "landlock_create_ruleset landlock_restrict_self modify_ldt nanosleep pidfd_open "
    "pidfd_send_signal prctl prlimit64 restart_syscall rseq rt_sigaction rt_sigpending "
    "rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo "
    "sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam "
    "sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam "
    "sched_setscheduler sched_yield seccomp set_robust_list set_thread_area set_tid_address "
    "setfsgid setfsuid setgid setgroups setitimer setpgid setpriority setregid setresgid setresuid "
    "setreuid setrlimit setsid setuid sigaltstack sysinfo tgkill time times tkill uname vfork "
    "wait4 waitid waitpid "
    // One's own processes only: there are no others in the pid namespace. Debuggers, profilers and
    // the leak sanitizer need these.
    "process_vm_readv process_vm_writev ptrace "
    // Clocks, to be read.
    "alarm clock_getres clock_gettime clock_nanosleep getrandom gettimeofday timer_create "
    "timer_delete timer_getoverrun timer_gettime timer_settime "
    // Network and System V IPC, both in namespaces of the instance.
    "accept accept4 bind connect getpeername getsockname getsockopt listen mq_getsetattr mq_notify "
    "mq_open mq_timedreceive mq_timedsend mq_unlink msgctl msgget msgrcv msgsnd recvfrom recvmmsg "
    "recvmsg semctl semget semop semtimedop sendmmsg sendmsg sendto setsockopt shmat shmctl shmdt "
    "shmget shutdown socketpair";

struct Refused {
  std::string_view names;
  std::string_view why;  // for readers and for docs
};

constexpr Refused kRefused[] = {
    {"mount umount umount2 pivot_root chroot move_mount open_tree open_tree_attr fsopen fsconfig "
     "fsmount fspick mount_setattr statmount listmount",
     "could uncover masked files; the contract has no mount(2)"},
    {"setns", "could join a namespace whose file was handed in over a socket"},
    {"bpf perf_event_open fanotify_init fanotify_mark lookup_dcookie",
     "watch the whole kernel; the contract has no eBPF"},
    {"keyctl add_key request_key", "key rings are not in a namespace: shared with the host"},
    {"kexec_load kexec_file_load reboot init_module finit_module delete_module create_module "
     "query_module get_kernel_syms uselib swapon swapoff acct quotactl quotactl_fd nfsservctl "
     "syslog vhangup iopl ioperm _sysctl sysfs ustat",
     "administer the machine"},
    {"settimeofday stime clock_settime clock_settime64 clock_adjtime clock_adjtime64 adjtimex",
     "there is one clock for the whole machine"},
    {"sethostname setdomainname", "the name is the platform's"},
    {"open_by_handle_at name_to_handle_at", "open files past the directories that hide them"},
    {"userfaultfd", "makes races in the kernel easy to win"},
    {"io_uring_setup io_uring_enter io_uring_register",
     "many kernel faults, and it works around this list; libraries fall back to epoll"},
    {"pidfd_getfd kcmp", "take or compare what other processes hold"},
    {"migrate_pages", "moves memory between nodes of the machine"},
    {"memfd_secret", "memory that cannot be counted or reclaimed as the rest"},
};

constexpr uint64_t kNewNamespaces = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                                    CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP | 0x80;  // time

Json names_of(std::string_view words) {
  Json names = Json::array();
  while (!words.empty()) {
    const size_t end = words.find(' ');
    if (end != 0) names.push_back(words.substr(0, end));
    words.remove_prefix(end == words.npos ? words.size() : end + 1);
  }
  return names;
}

Json allow(std::string_view names, Json::Array args = {}) {
  Json rule = Json::object({{"names", names_of(names)}, {"action", "SCMP_ACT_ALLOW"}});
  if (!args.empty()) rule.set("args", Json(std::move(args)));
  return rule;
}

Json refuse(std::string_view names, int error) {
  return Json::object(
      {{"names", names_of(names)}, {"action", "SCMP_ACT_ERRNO"}, {"errnoRet", error}});
}

Json equals(int index, uint64_t value) {
  return Json::object({{"index", index}, {"value", value}, {"op", "SCMP_CMP_EQ"}});
}

/// True when none of the bits of `mask` is set in argument `index`.
Json none_of(int index, uint64_t mask) {
  return Json::object(
      {{"index", index}, {"value", mask}, {"valueTwo", 0}, {"op", "SCMP_CMP_MASKED_EQ"}});
}

}  // namespace

Json default_seccomp_profile() {
  Json rules = Json::array();
  rules.push_back(allow(kAllowed));
  for (const Refused& refused : kRefused) rules.push_back(refuse(refused.names, EPERM));
  // New namespaces give new powers inside them, and with them the kernel's least tested code.
  // CLONE_NEWTIME shares its bit with clone's exit signal, where it is no flag.
  rules.push_back(allow("clone", {none_of(0, kNewNamespaces & ~uint64_t{0x80})}));
  rules.push_back(allow("unshare", {none_of(0, kNewNamespaces)}));
  // Its flags are behind a pointer, out of a filter's sight; libc falls back to clone on ENOSYS.
  rules.push_back(refuse("clone3", ENOSYS));
  // AF_UNIX, AF_INET, AF_INET6, AF_NETLINK. Not AF_ALG, AF_VSOCK, AF_PACKET and the rest: rarely
  // used code of the kernel, and vsock reaches the hypervisor.
  for (uint64_t family : {1, 2, 10, 16}) rules.push_back(allow("socket", {equals(0, family)}));
  // PER_LINUX, PER_LINUX32, the two with UNAME26, and asking.
  for (uint64_t persona : {0x0ULL, 0x8ULL, 0x20000ULL, 0x20008ULL, 0xffffffffULL}) {
    rules.push_back(allow("personality", {equals(0, persona)}));
  }
  return Json::object({{"defaultAction", "SCMP_ACT_ERRNO"},
                       {"defaultErrnoRet", ENOSYS},
                       {"syscalls", std::move(rules)}});
}

}  // namespace thaw::sandbox
