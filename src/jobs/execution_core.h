// ExecutionCore: one execution of a job: which task runs when, what its end means, when all is
// over. A step machine without I/O.
//
// Cloud Run's rules: tasks 0..taskCount-1 each run to a successful end; at most `parallelism` at
// the same time; one that fails is tried again up to maxRetries times, with the next attempt's
// number; an attempt that takes longer than the timeout is stopped and counts as failed. A task
// that failed for good fails the execution once all others have ended. Cancelling stops what runs
// and starts nothing more.
//
// An attempt that the platform itself interrupted (it was killed) is run again under the same
// number: only the program's own failures count.
//
// **Thread**: any. **Owner**: values. **Limits**: kMostTasks.
#pragma once

#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"

namespace thaw::jobs {

inline constexpr int kMostTasks = 10'000;

struct ExecutionSettings {
  int task_count = 1;
  int parallelism = 0;  // 0: as many as there are tasks
  int max_retries = 3;
  Duration timeout = seconds(600);  // of an attempt
};

class ExecutionCore {
 public:
  struct Start {
    int task;
    int attempt;
  };
  struct Stop {  // SIGTERM, then kill: on_exit follows
    int task;
  };
  struct Ended {};  // completed, failed or cancelled: see state()
  using Action = std::variant<Start, Stop, Ended>;
  using Actions = std::vector<Action>;

  explicit ExecutionCore(const ExecutionSettings& settings);
  /// As it was kept (to_json). kDataLoss when it is none. What ran is to be started again.
  static Result<ExecutionCore> from_json(const ExecutionSettings& settings, const Json& json);
  /// Which tasks have ended how, and after how many attempts.
  Json to_json() const;
  Json task_json(int task) const;  // its part of it

  Actions begin(Instant now);
  enum class Outcome { kSucceeded, kFailed };
  /// `why`: of a failure, for the message.
  Actions on_exit(int task, Outcome outcome, const std::string& why, Instant now);
  /// At or after next_wake().
  Actions on_time(Instant now);
  Actions cancel();
  /// When a running attempt's time is over; Instant::max(): nothing runs.
  Instant next_wake() const;

  enum class State { kRunning, kSucceeded, kFailed, kCancelled };
  State state() const;
  bool has_ended() const { return state() != State::kRunning; }
  struct Counts {
    int running = 0;
    int succeeded = 0;
    int failed = 0;
    int cancelled = 0;
    int retried = 0;
  };
  Counts counts() const;
  /// The first failure for good, in words; empty without one.
  const std::string& fault() const { return fault_; }

  enum class TaskState { kWaiting, kRunning, kSucceeded, kFailed, kCancelled };
  struct Task {
    TaskState state = TaskState::kWaiting;
    int attempt = 0;
    Instant deadline = Instant::max();
    bool timed_out = false;
  };
  const std::vector<Task>& tasks() const { return tasks_; }

 private:
  void start_more(Instant now, Actions& actions);
  Actions after_end(Instant now);

  ExecutionSettings settings_;
  std::vector<Task> tasks_;
  std::set<int> waiting_;  // tasks to be started, lowest first
  int running_ = 0;
  int ended_ = 0;
  bool cancelled_ = false;
  std::string fault_;
};

}  // namespace thaw::jobs
