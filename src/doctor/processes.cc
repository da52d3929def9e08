#include "doctor/processes.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <set>

#include "sandbox/own_fd.h"
#include "sandbox/text.h"

namespace thaw::doctor {
namespace {

using sandbox::field;
using sandbox::number;
using sandbox::split;
using sandbox::trim;

constexpr size_t kMostProcesses = 512;
constexpr size_t kMostThreads = 4096;
constexpr size_t kMostText = 8 << 20;

std::vector<std::string> names_in(const std::string& path) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), ::closedir);
  if (folder == nullptr) return names;
  while (const dirent* entry = ::readdir(folder.get())) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  return names;
}

std::string link_at(const std::string& path) {
  char text[4096];
  const ssize_t length = ::readlink(path.c_str(), text, sizeof text);
  return length < 0 ? std::string() : std::string(text, static_cast<size_t>(length));
}

std::string in_proc(pid_t pid, const char* leaf) { return fmt::format("/proc/{}/{}", pid, leaf); }

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::string_view word : split(line, ' ')) {
    if (!word.empty()) words.push_back(word);
  }
  return words;
}

/// Inodes of the sockets that a process holds.
std::set<int64_t> sockets_of(pid_t pid) {
  std::set<int64_t> inodes;
  const std::string folder = in_proc(pid, "fd");
  for (const std::string& name : names_in(folder)) {
    const std::string target = link_at(folder + "/" + name);
    if (target.starts_with("socket:[")) inodes.insert(number(std::string_view(target).substr(8)));
  }
  return inodes;
}

/// "0100007F:1F90" and the like: groups of four bytes, each in the machine's order.
bool parse_address(std::string_view text, Listening& into) {
  const size_t colon = text.find(':');
  if (colon != 8 && colon != 32) return false;
  std::vector<unsigned> bytes;
  for (size_t group = 0; group < colon; group += 8) {
    for (int i = 3; i >= 0; --i) {
      const std::string pair(text.substr(group + static_cast<size_t>(i) * 2, 2));
      bytes.push_back(static_cast<unsigned>(std::strtoul(pair.c_str(), nullptr, 16)));
    }
  }
  into.port =
      static_cast<uint16_t>(std::strtoul(std::string(text.substr(colon + 1)).c_str(), nullptr, 16));
  const bool mapped = bytes.size() == 16 && bytes[10] == 0xff && bytes[11] == 0xff;
  if (mapped) bytes.erase(bytes.begin(), bytes.begin() + 12);
  const bool any = std::all_of(bytes.begin(), bytes.end(), [](unsigned b) { return b == 0; });
  if (bytes.size() == 4) {
    into.ip = fmt::format("{}.{}.{}.{}", bytes[0], bytes[1], bytes[2], bytes[3]);
    into.reach = any               ? Listening::Reach::kAnywhere
                 : bytes[0] == 127 ? Listening::Reach::kLoopback
                                   : Listening::Reach::kOneAddress;
    return true;
  }
  const bool one = bytes[15] == 1 &&
                   std::all_of(bytes.begin(), bytes.end() - 1, [](unsigned b) { return b == 0; });
  into.ip = any ? "::" : one ? "::1" : "an IPv6 address";
  into.reach = any   ? Listening::Reach::kAnywhere
               : one ? Listening::Reach::kLoopback
                     : Listening::Reach::kOneAddress;
  return true;
}

std::map<int64_t, Listening> all_listening(pid_t pid) {
  std::map<int64_t, Listening> all = parse_listening(read_text(in_proc(pid, "net/tcp")));
  all.merge(parse_listening(read_text(in_proc(pid, "net/tcp6"))));
  return all;
}

pid_t session_of(pid_t pid) {
  const std::string stat = read_text(in_proc(pid, "stat"));
  const size_t end = stat.rfind(')');
  if (end == std::string::npos) return 0;
  const auto words = words_of(std::string_view(stat).substr(end + 1));
  return words.size() > 3 ? static_cast<pid_t>(number(words[3])) : 0;
}

ThreadLook look_at(pid_t pid, const std::string& tid) {
  const std::string folder = fmt::format("/proc/{}/task/{}/", pid, tid);
  ThreadLook look{.pid = pid, .tid = static_cast<pid_t>(number(tid))};
  const std::string status = read_text(folder + "status");
  look.name = trim(field(status, "Name"));
  const std::string_view state = trim(field(status, "State"));
  if (!state.empty()) look.state = state[0];
  look.wakes = number(trim(field(status, "voluntary_ctxt_switches")));
  const std::string times = read_text(folder + "schedstat");
  const auto words = words_of(times);
  if (words.size() >= 2) {
    look.cpu = Duration(number(words[0]));
    look.waited = Duration(number(words[1]));
  }
  look.waits = parse_wait(read_text(folder + "syscall"));
  return look;
}

}  // namespace

std::string read_text(const std::string& path) {
  const sandbox::OwnFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  char piece[16384];
  while (fd && text.size() < kMostText) {
    const ssize_t got = ::read(fd.get(), piece, sizeof piece);
    if (got <= 0) break;
    text.append(piece, static_cast<size_t>(got));
  }
  return text;
}

std::vector<pid_t> processes_of(pid_t main, Belongs belongs) {
  std::vector<pid_t> pids;
  const std::string ours = link_at(in_proc(main, "ns/pid"));
  for (const std::string& name : names_in("/proc")) {
    const auto pid = static_cast<pid_t>(number(name));
    if (pid <= 0 || pids.size() >= kMostProcesses) continue;
    const bool belongs_here = belongs == Belongs::kPidNamespace
                                  ? !ours.empty() && link_at(in_proc(pid, "ns/pid")) == ours
                                  : session_of(pid) == main;
    if (belongs_here) pids.push_back(pid);
  }
  return pids;
}

std::map<int64_t, Listening> parse_listening(std::string_view text) {
  std::map<int64_t, Listening> found;
  for (std::string_view line : split(text, '\n')) {
    const auto words = words_of(line);
    if (words.size() < 10 || words[3] != "0A") continue;  // TCP_LISTEN
    Listening one;
    if (parse_address(words[1], one)) found[number(words[9])] = one;
  }
  return found;
}

std::vector<Listening> listening_of(const std::vector<pid_t>& pids) {
  std::vector<Listening> all;
  if (pids.empty()) return all;
  const auto sockets = all_listening(pids[0]);
  if (sockets.empty()) return all;
  for (const pid_t pid : pids) {
    for (const int64_t inode : sockets_of(pid)) {
      const auto found = sockets.find(inode);
      if (found == sockets.end()) continue;
      if (std::find(all.begin(), all.end(), found->second) == all.end()) {
        all.push_back(found->second);
      }
    }
  }
  return all;
}

bool holds_listening_socket(pid_t pid) {
  const auto sockets = all_listening(pid);
  const std::set<int64_t> held = sockets_of(pid);
  return std::any_of(sockets.begin(), sockets.end(),
                     [&](const auto& entry) { return held.contains(entry.first); });
}

std::vector<ThreadLook> threads_of(const std::vector<pid_t>& pids) {
  std::vector<ThreadLook> all;
  for (const pid_t pid : pids) {
    for (const std::string& tid : names_in(in_proc(pid, "task"))) {
      if (all.size() < kMostThreads) all.push_back(look_at(pid, tid));
    }
  }
  return all;
}

IdleThread::Waits parse_wait(std::string_view syscall) {
  const auto words = words_of(trim(syscall));
  if (words.size() < 7) return IdleThread::Waits::kElsewhere;  // "running", or nothing to be seen
  const auto argument = [&](size_t i) {
    return std::strtoull(std::string(words[i + 1]).c_str(), nullptr, 16);
  };
  switch (number(words[0])) {
    case SYS_nanosleep:
    case SYS_clock_nanosleep:
      return IdleThread::Waits::kOnTimer;
#ifdef SYS_select
    case SYS_select:
#endif
    case SYS_pselect6:
      return argument(0) == 0 ? IdleThread::Waits::kOnTimer : IdleThread::Waits::kElsewhere;
    case SYS_futex:  // its fourth argument is the time limit
      return argument(3) != 0 ? IdleThread::Waits::kOnTimedLock : IdleThread::Waits::kElsewhere;
    default:
      return IdleThread::Waits::kElsewhere;
  }
}

ByteCount private_memory(const std::vector<pid_t>& pids) {
  int64_t kilobytes = 0;
  for (const pid_t pid : pids) {
    const std::string text = read_text(in_proc(pid, "smaps_rollup"));
    kilobytes += number(trim(field(text, "Pss_Anon"))) + number(trim(field(text, "Pss_Shmem")));
  }
  return kib(kilobytes);
}

StopFacts::Signal sigterm_of(std::string_view status) {
  const auto holds = [&](std::string_view name) {
    const std::string mask(trim(field(status, name)));
    return (std::strtoull(mask.c_str(), nullptr, 16) >> (SIGTERM - 1) & 1) != 0;
  };
  if (holds("SigIgn")) return StopFacts::Signal::kIgnored;
  // Blocked: it waits for the signal in a way of its own, as small init programs do.
  if (holds("SigCgt") || holds("SigBlk")) return StopFacts::Signal::kCaught;
  return StopFacts::Signal::kDefault;
}

std::string program_path(pid_t pid) { return link_at(in_proc(pid, "exe")); }

std::string program_name(pid_t pid) {
  const std::string path = program_path(pid);
  return path.substr(path.rfind('/') + 1);
}

pid_t parent_of(pid_t pid) {
  return static_cast<pid_t>(number(trim(field(read_text(in_proc(pid, "status")), "PPid"))));
}

std::vector<std::string> compute_libraries(pid_t pid) {
  constexpr std::string_view kNames[] = {"libgomp",      "libopenblas", "libmkl_rt",
                                         "libtorch_cpu", "libiomp5",    "libtbb"};
  const std::string maps = read_text(in_proc(pid, "maps"));
  std::vector<std::string> found;
  for (const std::string_view name : kNames) {
    if (maps.find(name) != std::string::npos) found.emplace_back(name);
  }
  return found;
}

}  // namespace thaw::doctor
