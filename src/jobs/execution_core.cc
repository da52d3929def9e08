#include "jobs/execution_core.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"

namespace thaw::jobs {
namespace {

using TaskState = ExecutionCore::TaskState;

constexpr std::string_view kStateNames[] = {"waiting", "running", "succeeded", "failed",
                                            "cancelled"};

}  // namespace

ExecutionCore::ExecutionCore(const ExecutionSettings& settings)
    : settings_(settings), tasks_(static_cast<size_t>(settings.task_count)) {
  CHECK(settings.task_count >= 1 && settings.task_count <= kMostTasks);
  for (int task = 0; task < settings.task_count; ++task) waiting_.insert(task);
}

Result<ExecutionCore> ExecutionCore::from_json(const ExecutionSettings& settings,
                                               const Json& json) {
  ExecutionCore core(settings);
  const Json& tasks = json["tasks"];
  if (!tasks.is_array() || tasks.as_array().size() != core.tasks_.size()) {
    return Error(Code::kDataLoss, "the execution's tasks are not as many as its job has");
  }
  for (size_t i = 0; i < core.tasks_.size(); ++i) {
    const Json& kept = tasks.as_array()[i];
    Task& task = core.tasks_[i];
    task.attempt = static_cast<int>(std::clamp<int64_t>(kept.int_or("attempt", 0), 0, 1000));
    const std::string state = kept.string_or("state");
    const auto found = std::ranges::find(kStateNames, state);
    if (found == std::end(kStateNames)) {
      return Error(Code::kDataLoss, fmt::format("task {} is '{}'", i, state));
    }
    task.state = static_cast<TaskState>(found - std::begin(kStateNames));
    if (task.state == TaskState::kRunning) task.state = TaskState::kWaiting;
    if (task.state == TaskState::kWaiting) continue;
    core.waiting_.erase(static_cast<int>(i));
    ++core.ended_;
  }
  core.fault_ = json.string_or("fault");
  core.cancelled_ = json.bool_or("cancelled", false);
  return core;
}

Json ExecutionCore::task_json(int number) const {
  const Task& task = tasks_[static_cast<size_t>(number)];
  return Json::object(
      {{"state", kStateNames[static_cast<size_t>(task.state)]}, {"attempt", task.attempt}});
}

Json ExecutionCore::to_json() const {
  Json tasks = Json::array();
  for (int task = 0; task < settings_.task_count; ++task) tasks.push_back(task_json(task));
  return Json::object({{"tasks", tasks}, {"fault", fault_}, {"cancelled", cancelled_}});
}

void ExecutionCore::start_more(Instant now, Actions& actions) {
  const int most = settings_.parallelism > 0 ? settings_.parallelism : settings_.task_count;
  while (!cancelled_ && running_ < most && !waiting_.empty()) {
    const int number = *waiting_.begin();
    waiting_.erase(waiting_.begin());
    Task& task = tasks_[static_cast<size_t>(number)];
    task.state = TaskState::kRunning;
    task.deadline = now + settings_.timeout;
    task.timed_out = false;
    ++running_;
    actions.push_back(Start{number, task.attempt});
  }
}

ExecutionCore::Actions ExecutionCore::begin(Instant now) {
  Actions actions;
  if (cancelled_) return cancel();
  start_more(now, actions);
  if (has_ended()) actions.push_back(Ended{});
  return actions;
}

ExecutionCore::Actions ExecutionCore::on_exit(int number, Outcome outcome, const std::string& why,
                                              Instant now) {
  Task& task = tasks_[static_cast<size_t>(number)];
  CHECK(task.state == TaskState::kRunning);
  --running_;
  task.deadline = Instant::max();
  if (outcome == Outcome::kSucceeded && !task.timed_out) {
    task.state = TaskState::kSucceeded;
    ++ended_;
  } else if (cancelled_) {
    task.state = TaskState::kCancelled;
    ++ended_;
  } else if (task.attempt < settings_.max_retries) {
    ++task.attempt;
    task.state = TaskState::kWaiting;
    waiting_.insert(number);
  } else {
    task.state = TaskState::kFailed;
    ++ended_;
    const std::string reason =
        task.timed_out ? fmt::format("it ran longer than {}", format_duration(settings_.timeout))
                       : why;
    if (fault_.empty()) {
      fault_ = fmt::format(
          "task {} failed {}: {}", number,
          task.attempt == 0 ? "at its only attempt" : fmt::format("{} times", task.attempt + 1),
          reason);
    }
  }
  return after_end(now);
}

ExecutionCore::Actions ExecutionCore::after_end(Instant now) {
  Actions actions;
  start_more(now, actions);
  if (has_ended()) actions.push_back(Ended{});
  return actions;
}

ExecutionCore::Actions ExecutionCore::on_time(Instant now) {
  Actions actions;
  for (size_t i = 0; i < tasks_.size(); ++i) {
    Task& task = tasks_[i];
    if (task.state != TaskState::kRunning || now < task.deadline) continue;
    task.timed_out = true;
    task.deadline = Instant::max();
    actions.push_back(Stop{static_cast<int>(i)});
  }
  return actions;
}

ExecutionCore::Actions ExecutionCore::cancel() {
  Actions actions;
  cancelled_ = true;
  for (const int number : waiting_) {
    tasks_[static_cast<size_t>(number)].state = TaskState::kCancelled;
    ++ended_;
  }
  waiting_.clear();
  for (size_t i = 0; i < tasks_.size(); ++i) {
    if (tasks_[i].state != TaskState::kRunning) continue;
    tasks_[i].deadline = Instant::max();
    actions.push_back(Stop{static_cast<int>(i)});
  }
  if (has_ended()) actions.push_back(Ended{});
  return actions;
}

Instant ExecutionCore::next_wake() const {
  Instant first = Instant::max();
  for (const Task& task : tasks_) first = std::min(first, task.deadline);
  return first;
}

ExecutionCore::State ExecutionCore::state() const {
  if (ended_ < settings_.task_count) return State::kRunning;
  if (cancelled_) return State::kCancelled;
  const bool failed = std::ranges::any_of(
      tasks_, [](const Task& task) { return task.state == TaskState::kFailed; });
  return failed ? State::kFailed : State::kSucceeded;
}

ExecutionCore::Counts ExecutionCore::counts() const {
  Counts counts;
  for (const Task& task : tasks_) {
    if (task.state == TaskState::kRunning) ++counts.running;
    if (task.state == TaskState::kSucceeded) ++counts.succeeded;
    if (task.state == TaskState::kFailed) ++counts.failed;
    if (task.state == TaskState::kCancelled) ++counts.cancelled;
    counts.retried += task.attempt;
  }
  return counts;
}

}  // namespace thaw::jobs
