// What the kernel tells of an instance's processes: sockets, threads, memory, signals.
//
// Blocking reads of /proc; nothing in the instance notices. Thread: the loop's. Owner: none.
// Limits: 512 processes and 4096 threads are looked at.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "doctor/facts.h"

namespace thaw::doctor {

/// Which processes belong to an instance: those in the pid namespace of its first process, or,
/// where it has none of its own, those in its session.
enum class Belongs { kPidNamespace, kSession };
std::vector<pid_t> processes_of(pid_t main, Belongs belongs);

/// The listening sockets that these processes hold.
std::vector<Listening> listening_of(const std::vector<pid_t>& pids);
bool holds_listening_socket(pid_t pid);

/// Lines of /proc/PID/net/tcp or tcp6: the sockets in state LISTEN, by inode.
std::map<int64_t, Listening> parse_listening(std::string_view text);

struct ThreadLook {
  pid_t pid = 0;
  pid_t tid = 0;
  std::string name;
  char state = '?';
  Duration cpu{0};
  Duration waited{0};  // ready to run, on no CPU
  int64_t wakes = 0;   // how often it went to sleep by itself
  IdleThread::Waits waits = IdleThread::Waits::kElsewhere;
};
std::vector<ThreadLook> threads_of(const std::vector<pid_t>& pids);
/// Of /proc/PID/task/TID/syscall: what a sleeping thread waits for.
IdleThread::Waits parse_wait(std::string_view syscall);

/// Memory that no file backs, pages that several share counted once.
ByteCount private_memory(const std::vector<pid_t>& pids);

/// What the process does with SIGTERM, from the text of /proc/PID/status.
StopFacts::Signal sigterm_of(std::string_view status);

/// The program's name and its mapped libraries of numeric thread pools.
std::string program_path(pid_t pid);  // of the program, whole
std::string program_name(pid_t pid);
pid_t parent_of(pid_t pid);
std::vector<std::string> compute_libraries(pid_t pid);
std::string read_text(const std::string& path);

}  // namespace thaw::doctor
