#include "sandbox/leftovers.h"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <csignal>
#include <set>
#include <vector>

#include "sandbox/own_fd.h"
#include "sandbox/text.h"

namespace thaw::sandbox {
namespace {

constexpr int kRounds = 2000;  // of 5 ms

void pause_a_little() {
  const timespec pause{.tv_sec = 0, .tv_nsec = 5'000'000};
  ::nanosleep(&pause, nullptr);
}

struct Marked {
  pid_t pid;
  std::string instance;
};

/// The value of THAW_INSTANCE in a process's first environment, if it starts with `prefix`.
std::string mark_of(io::Disk& disk, pid_t pid, const std::string& prefix) {
  const auto environment = disk.read_file(fmt::format("/proc/{}/environ", pid), mib(4));
  if (!environment) return "";
  const std::string start = "THAW_INSTANCE=" + prefix;
  for (std::string_view variable : split(*environment, '\0')) {
    if (variable.starts_with(start))
      return std::string(variable.substr(start.size() - prefix.size()));
  }
  return "";
}

std::vector<Marked> marked_processes(io::Disk& disk, const std::string& prefix) {
  std::vector<Marked> found;
  for (const std::string& name : disk.list("/proc").value_or(std::vector<std::string>{})) {
    const auto pid = static_cast<pid_t>(number(name));
    if (pid <= 1 || pid == ::getpid()) continue;
    if (std::string mark = mark_of(disk, pid, prefix); !mark.empty()) found.push_back({pid, mark});
  }
  return found;
}

/// Kills `pid` if it still carries the mark once it cannot be replaced by another process.
void kill_marked(io::Disk& disk, const Marked& process, const std::string& prefix) {
  const OwnFd fd(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  if (!fd || mark_of(disk, process.pid, prefix).empty()) return;
  ::syscall(SYS_pidfd_send_signal, fd.get(), SIGKILL, nullptr, 0);
}

}  // namespace

Result<int> remove_leftover_groups(const Cgroups& cgroups) {
  const std::vector<std::string> names = cgroups.list();
  std::string stuck;
  for (int round = 0; round < kRounds; ++round) {
    stuck.clear();
    for (const std::string& name : names) {
      // Killed first: frozen processes must not run on once they are thawed.
      for (pid_t pid : cgroups.processes(name)) (void)::kill(pid, SIGKILL);
      cgroups.thaw(name);
      if (const Status removed = cgroups.remove(name); !removed) stuck = removed.error().message();
    }
    if (stuck.empty()) {
      cgroups.remove_parent();
      return static_cast<int>(names.size());
    }
    pause_a_little();
  }
  return Error(Code::kUnavailable,
               "instances of an earlier run do not end; end them by hand: " + stuck);
}

Result<int> kill_marked_processes(io::Disk& disk, const std::string& prefix) {
  std::set<std::string> instances;
  for (int round = 0; round < kRounds; ++round) {
    const std::vector<Marked> found = marked_processes(disk, prefix);
    if (found.empty()) return static_cast<int>(instances.size());
    for (const Marked& process : found) {
      instances.insert(process.instance);
      kill_marked(disk, process, prefix);
    }
    pause_a_little();
  }
  return Error(Code::kUnavailable, "processes of an earlier run do not end");
}

void kill_marked_once(io::Disk& disk, const std::string& mark) {
  for (const Marked& process : marked_processes(disk, mark)) {
    if (process.instance == mark) kill_marked(disk, process, mark);
  }
}

std::string data_dir_hash(const std::string& data_dir) {
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a, 64 bits
  for (unsigned char byte : data_dir) hash = (hash ^ byte) * 0x100000001b3;
  return fmt::format("{:012x}", hash >> 16);
}

}  // namespace thaw::sandbox
