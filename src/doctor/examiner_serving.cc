// The part of an examination while the program serves.
#include <fmt/format.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "doctor/examination.h"
#include "doctor/processes.h"

namespace thaw::doctor {
namespace {

constexpr int kRequests = 20;
constexpr Duration kSlowRequest = milliseconds(50);  // worth timing several of them at once
constexpr Duration kLeastPatience = seconds(1);
constexpr Duration kMostPatience = seconds(5);
constexpr Duration kSettle = seconds(1);
constexpr Duration kIdleWindow = seconds(3);
constexpr Duration kFrozenWindow = seconds(1);
constexpr Duration kLookEvery = milliseconds(100);

constexpr const char* kPoolVariables[] = {"OMP_NUM_THREADS",   "OPENBLAS_NUM_THREADS",
                                          "MKL_NUM_THREADS",   "NUMEXPR_NUM_THREADS",
                                          "TORCH_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"};

int rounded_up_cpus(int cpu_millis) { return std::max(1, (cpu_millis + 999) / 1000); }

std::string tmp_of(pid_t main) { return fmt::format("/proc/{}/root/tmp", main); }

/// What a thread was seen to wait for, over several looks.
struct Watched {
  ThreadLook first;
  ThreadLook last;
  int looks = 0;
  int on_timer = 0;
  int on_lock = 0;
};

IdleThread summary_of(const Watched& watched) {
  IdleThread thread{.name = watched.last.name,
                    .pid = watched.last.pid,
                    .wakes = watched.last.wakes - watched.first.wakes,
                    .cpu = watched.last.cpu - watched.first.cpu};
  if (watched.on_timer * 2 > watched.looks) {
    thread.waits = IdleThread::Waits::kOnTimer;
  } else if (watched.on_lock * 2 > watched.looks) {
    thread.waits = IdleThread::Waits::kOnTimedLock;
  }
  return thread;
}

}  // namespace

void Examination::serve(Trial& trial) {
  // On its own port when it took none of the one it was given.
  const auto& all = facts_.start.listening;
  auto at = std::find_if(all.begin(), all.end(),
                         [&](const Listening& l) { return l.port == facts_.start.port; });
  if (at == all.end()) at = all.begin();
  io::SocketAddress to = trial.address(at->port);
  if (at->ip == "::1") to.ip = "::1";
  if (at->reach == Listening::Reach::kOneAddress && at->ip.find(' ') == std::string::npos) {
    to.ip = at->ip;
  }
  Requests requests(ports_.patience, ports_.net, to, facts_.target.request_path);
  ask(trial, requests);
  const bool answers = facts_.request.answered && !trial.ended() && !ports_.patience.given_up();
  if (answers && facts_.target.concurrency > 1) overlap(requests);
  if (!trial.ended()) note_memory(trial);
  if (!trial.ended()) note_pools(trial);
  if (facts_.target.throttled && !trial.ended()) leave_alone(trial);
  facts_.request.sent = requests.sent();
}

void Examination::ask(Trial& trial, Requests& requests) {
  ports_.progress(fmt::format("sending {} requests to {}", kRequests, facts_.target.request_path));
  facts_.memory.idle = private_memory(trial.processes());
  RequestFacts& facts = facts_.request;
  if (!facts_.target.probe_path.empty()) {
    const auto probe = requests.one(facts_.target.probe_path, limits_.request);
    if (probe.came) facts_.probe_status = probe.status;
  }
  // The first may load what the others find loaded.
  auto answer = requests.one(limits_.request);
  facts.answered = answer.came;
  facts.status = answer.status;
  facts.error = answer.error;
  facts.latency = answer.after;
  for (int i = 1; i < kRequests && answer.came && !ports_.patience.given_up(); ++i) {
    const bool watch = i <= 3 && facts.latency >= kSlowRequest;
    answer = requests.one(facts_.target.request_path, limits_.request, [&] {
      if (!watch) return;
      int running = 0;
      for (const ThreadLook& look : threads_of(trial.processes())) running += look.state == 'R';
      facts.most_running = std::max(facts.most_running, running);
    });
    if (answer.came) facts.latency = answer.after;
    if (facts.latency > seconds(1) && i >= 3) break;  // slow ones: a few tell enough
  }
}

void Examination::overlap(Requests& requests) {
  ports_.progress("sending overlapping requests");
  const Duration latency = facts_.request.latency;
  const Duration patient = std::clamp<Duration>(latency * 10, kLeastPatience, kMostPatience);
  if (latency < kMostPatience / 2) facts_.overlap.held = requests.hold_and_ask(patient);
  if (latency >= kSlowRequest) {
    facts_.overlap.timed =
        requests.time_together(latency, limits_.request * 4, facts_.overlap.ends);
  }
}

void Examination::note_memory(Trial& trial) {
  MemoryFacts& memory = facts_.memory;
  memory.requests = kRequests;
  if (ports_.is_container) {
    struct statvfs facts {};
    if (::statvfs(tmp_of(trial.main_pid()).c_str(), &facts) == 0) {
      memory.tmp = {static_cast<int64_t>((facts.f_blocks - facts.f_bfree) * facts.f_frsize)};
    }
  }
  memory.peak = {std::max(memory.idle.value, private_memory(trial.processes()).value) +
                 memory.tmp.value};
}

void Examination::note_pools(Trial& trial) {
  PoolFacts& pools = facts_.pools;
  pools.cpus = rounded_up_cpus(facts_.target.instance.cpu_millis);
  const std::vector<pid_t> pids = trial.processes();
  std::map<pid_t, int> threads;
  for (const ThreadLook& look : threads_of(pids)) {
    pools.most_in_all = std::max(pools.most_in_all, ++threads[look.pid]);
  }
  std::set<pid_t> serving;
  for (const pid_t pid : pids) {
    if (holds_listening_socket(pid)) serving.insert(pid);
  }
  for (const pid_t pid : serving) pools.workers += serving.contains(parent_of(pid)) ? 1 : 0;
  for (const pid_t pid : pids) {
    const std::vector<std::string> libraries = compute_libraries(pid);
    if (libraries.empty()) continue;
    pools.compute = libraries;
    pools.most_threads = std::max(pools.most_threads, threads[pid]);
  }
  if (pids.empty()) return;
  const pid_t server = serving.empty() ? pids[0] : *serving.rbegin();
  const std::string environment = read_text(fmt::format("/proc/{}/environ", server));
  for (const char* name : kPoolVariables) {
    const std::string prefix = std::string(name) + "=";
    size_t at = environment.starts_with(prefix) ? 0 : environment.find('\0' + prefix);
    if (at == std::string::npos) continue;
    at = environment.find('=', at) + 1;
    pools.variables.emplace_back(name, std::atoi(environment.c_str() + at));
  }
}

void Examination::leave_alone(Trial& trial) {
  ports_.progress("leaving it alone, then frozen, to see who works between requests");
  ports_.patience.rest(kSettle);
  IdleFacts& idle = facts_.idle;
  std::map<pid_t, Watched> threads;
  const std::vector<pid_t> before = trial.processes();
  std::set<pid_t> known(before.begin(), before.end());
  const Duration cpu = trial.instance().usage().cpu;
  const int lines = trial.lines();
  const Instant begin = ports_.patience.now();
  while (ports_.patience.now() - begin < kIdleWindow && !ports_.patience.given_up()) {
    const std::vector<pid_t> pids = trial.processes();
    for (const pid_t pid : pids) idle.processes_started += known.insert(pid).second ? 1 : 0;
    for (const ThreadLook& look : threads_of(pids)) {
      Watched& watched = threads[look.tid];
      if (watched.looks++ == 0) watched.first = look;
      watched.last = look;
      watched.on_timer += look.waits == IdleThread::Waits::kOnTimer;
      watched.on_lock += look.waits == IdleThread::Waits::kOnTimedLock;
    }
    ports_.patience.rest(kLookEvery);
    if (trial.ended()) return;
  }
  idle.window = ports_.patience.now() - begin;
  idle.cpu = trial.instance().usage().cpu - cpu;
  idle.lines = trial.lines() - lines;
  if (idle.lines > 0 && !trial.kept_lines().empty()) idle.last_line = trial.kept_lines().back();
  for (const auto& [tid, watched] : threads) {
    IdleThread thread = summary_of(watched);
    thread.is_main = watched.last.pid == watched.last.tid &&
                     (thread.pid == trial.main_pid() || holds_listening_socket(thread.pid));
    if (thread.wakes > 0 || thread.waits == IdleThread::Waits::kOnTimer) {
      idle.threads.push_back(thread);
    }
  }
  if (const Status frozen = trial.instance().freeze(); !frozen) {
    facts_.not_seen.push_back("work left undone while frozen: " + frozen.error().message());
    return;
  }
  const Duration cpu_frozen = trial.instance().usage().cpu;
  const int lines_frozen = trial.lines();
  const Instant frozen_at = ports_.patience.now();
  ports_.patience.rest(kFrozenWindow);
  idle.frozen_window = ports_.patience.now() - frozen_at;
  idle.frozen_cpu = trial.instance().usage().cpu - cpu_frozen;
  idle.frozen_lines = trial.lines() - lines_frozen;
  trial.instance().thaw();
  idle.measured = !ports_.patience.given_up();
}

}  // namespace thaw::doctor
