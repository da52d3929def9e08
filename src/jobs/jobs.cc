#include "jobs/jobs.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "control/policy.h"

namespace thaw::jobs {
namespace {

constexpr int kSuffixLength = 5;

Error no_job(const std::string& name) {
  return {Code::kNotFound, fmt::format("job '{}' is not deployed", name)};
}
Error no_execution(const std::string& name) {
  return {Code::kNotFound, fmt::format("there is no execution '{}'", name)};
}

/// How an attempt ended that was no success, in words.
std::string why(const sandbox::ExitReport& report) {
  using Kind = sandbox::ExitReport::Kind;
  switch (report.kind) {
    case Kind::kExited:
      return fmt::format("it ended with exit code {}", report.exit_code);
    case Kind::kSignalled:
      return fmt::format("it was ended by signal {}", report.signal);
    case Kind::kOutOfMemory:
      return fmt::format("it exceeded its memory limit of {} and was killed",
                         format_bytes(report.memory_limit));
    case Kind::kStopped:
      return "it was stopped";
    case Kind::kNotStarted:
      return "it could not be started: " + report.detail;
  }
  return "";
}

bool is_success(const sandbox::ExitReport& report) {
  return report.kind == sandbox::ExitReport::Kind::kExited && report.exit_code == 0;
}

ExecutionSettings bounded(ExecutionSettings settings) {
  const int wanted = settings.parallelism > 0 ? settings.parallelism : settings.task_count;
  settings.parallelism = std::min(wanted, kMostRunning);
  return settings;
}

}  // namespace

/// One instance that runs a task once.
class Jobs::Attempt final : private sandbox::InstanceObserver {
 public:
  Attempt(Jobs& owner, std::string job, std::string execution, int task, InstanceId id)
      : owner_(owner),
        job_(std::move(job)),
        execution_(std::move(execution)),
        task_(task),
        id_(std::move(id)) {}
  ~Attempt() { owner_.parts_.observer.on_gone(id_); }
  Attempt(const Attempt&) = delete;
  Attempt& operator=(const Attempt&) = delete;

  void start(const sandbox::InstanceSpec& spec, std::string account) {
    account_ = std::move(account);
    instance_ = owner_.parts_.sandbox.start(id_, spec, *this);
  }
  /// SIGTERM, and SIGKILL when that is not enough.
  void stop() {
    instance_->terminate();
    kill_timer_ = owner_.parts_.timers.after(kGrace, [this] { instance_->kill(); });
  }

 private:
  void on_network(const io::SocketAddress& address) override {
    owner_.parts_.observer.on_network(id_, address, account_);
  }
  void on_sandbox_ready() override {}
  void on_executed() override {}
  void on_output(sandbox::OutputStream stream, std::string_view line) override {
    owner_.parts_.observer.on_line(job_, id_, stream, line);
  }
  void on_exit(const sandbox::ExitReport& report) override {
    if (!is_success(report)) {
      owner_.parts_.observer.on_event(job_, id_, Observer::Severity::kError,
                                      fmt::format("Task {}: {}.", task_, why(report)));
    }
    owner_.ended(execution_, task_, report);  // drops this attempt
  }

  Jobs& owner_;
  std::string job_;
  std::string execution_;
  int task_;
  InstanceId id_;
  std::string account_;
  std::unique_ptr<sandbox::Instance> instance_;
  io::Timer kill_timer_;
};

struct Jobs::Run {
  Run(Execution of, ExecutionCore state) : execution(std::move(of)), core(std::move(state)) {}
  Execution execution;
  ExecutionCore core;
  std::map<int, std::unique_ptr<Attempt>> attempts;  // by task
  io::Timer timer;
  int64_t order = 0;
};

Jobs::Jobs(Parts parts) : parts_(std::move(parts)) {}
Jobs::~Jobs() = default;

Result<std::vector<std::string>> Jobs::load() {
  std::vector<std::string> unreadable;
  ASSIGN_OR_RETURN(std::vector<Job> jobs, parts_.catalog.jobs(unreadable));
  for (Job& job : jobs) {
    const std::string name = job.name;
    jobs_.emplace(name, std::move(job));
  }
  ASSIGN_OR_RETURN(auto executions, parts_.catalog.executions(unreadable));
  for (StoredExecution& stored : executions) {
    const std::string name = stored.execution.name;
    auto run = std::make_unique<Run>(std::move(stored.execution), std::move(stored.core));
    run->order = ++last_order_;
    runs_.emplace(name, std::move(run));
  }
  for (const auto& [name, run] : runs_) {
    if (!run->execution.completed) carry_out(*run, run->core.begin(parts_.clock.now()));
  }
  return unreadable;
}

void Jobs::stop() {
  stopped_ = true;
  for (const auto& [name, run] : runs_) {
    run->timer.cancel();
    run->attempts.clear();
  }
}

// ---- Jobs ---------------------------------------------------------------------------------------

Result<Job> Jobs::put(Job job, Mode mode) {
  const auto known = jobs_.find(job.name);
  if (mode == Mode::kCreate) {
    if (known != jobs_.end()) {
      return Error(Code::kAlreadyExists, fmt::format("job '{}' is deployed already", job.name));
    }
    if (jobs_.size() >= kMostJobs) {
      return Error(Code::kResourceExhausted, fmt::format("{} jobs already", kMostJobs));
    }
    job.uid = control::uuid_of(parts_.entropy.next(), parts_.entropy.next());
    job.created = parts_.clock.wall_now();
    job.generation = 1;
  } else {
    if (known == jobs_.end()) return no_job(job.name);
    job.uid = known->second.uid;
    job.created = known->second.created;
    job.runs = known->second.runs;
    job.generation = known->second.generation + 1;
  }
  RETURN_IF_ERROR(parts_.catalog.put(job));
  jobs_[job.name] = job;
  return job;
}

Result<Job> Jobs::get(const std::string& name) const {
  const auto found = jobs_.find(name);
  if (found == jobs_.end()) return no_job(name);
  return found->second;
}

std::vector<Job> Jobs::list() const {
  std::vector<Job> all;
  for (const auto& [name, job] : jobs_) all.push_back(job);
  return all;
}

Status Jobs::remove(const std::string& name) {
  if (!jobs_.contains(name)) return no_job(name);
  RETURN_IF_ERROR(parts_.catalog.remove(name));
  std::erase_if(runs_, [&](const auto& each) { return each.second->execution.job == name; });
  jobs_.erase(name);
  parts_.observer.on_removed(name);
  return {};
}

// ---- Executions ---------------------------------------------------------------------------------

size_t Jobs::under_way() const {
  return static_cast<size_t>(std::ranges::count_if(
      runs_, [](const auto& each) { return !each.second->execution.completed; }));
}

Result<Jobs::View> Jobs::run(const std::string& name, const Json& request) {
  const auto known = jobs_.find(name);
  if (known == jobs_.end()) return no_job(name);
  if (under_way() >= kMostUnderWay) {
    return Error(Code::kResourceExhausted,
                 fmt::format("{} executions are under way already", kMostUnderWay));
  }
  ASSIGN_OR_RETURN(Job of, with_overrides(known->second, request));
  std::string free_name;
  do {
    free_name = execution_name(name, parts_.entropy.name(kSuffixLength));
  } while (runs_.contains(free_name));
  Execution execution{.name = free_name,
                      .job = name,
                      .uid = control::uuid_of(parts_.entropy.next(), parts_.entropy.next()),
                      .created = parts_.clock.wall_now()};
  of.settings = bounded(of.settings);
  execution.of = std::move(of);
  ExecutionCore core(execution.of.settings);
  RETURN_IF_ERROR(parts_.catalog.put(execution, core));
  ++known->second.runs;
  kept(parts_.catalog.put(known->second));
  const std::string id = execution.name;
  auto& run = runs_[id] = std::make_unique<Run>(std::move(execution), std::move(core));
  run->order = ++last_order_;
  forget_old(name);
  carry_out(*run, run->core.begin(parts_.clock.now()));
  return View{run->execution, run->core};
}

Jobs::Run* Jobs::find(const std::string& name) const {
  const auto found = runs_.find(name);
  return found == runs_.end() ? nullptr : found->second.get();
}

Result<Jobs::View> Jobs::execution(const std::string& name) const {
  const Run* run = find(name);
  if (run == nullptr) return no_execution(name);
  return View{run->execution, run->core};
}

std::vector<Jobs::View> Jobs::executions(const std::string& job) const {
  std::vector<const Run*> found;
  for (const auto& [name, run] : runs_) {
    if (job.empty() || run->execution.job == job) found.push_back(run.get());
  }
  std::ranges::sort(found, [](const Run* a, const Run* b) { return a->order > b->order; });
  std::vector<View> views;
  for (const Run* run : found) views.push_back({run->execution, run->core});
  return views;
}

Result<Jobs::View> Jobs::cancel(const std::string& name) {
  Run* run = find(name);
  if (run == nullptr) return no_execution(name);
  if (run->core.has_ended()) {
    return Error(Code::kFailedPrecondition, fmt::format("execution '{}' has ended", name));
  }
  const auto actions = run->core.cancel();
  const Status stored = parts_.catalog.put(run->execution, run->core);
  carry_out(*run, actions);
  if (!stored) return stored.error();
  return View{run->execution, run->core};
}

Status Jobs::remove_execution(const std::string& name) {
  if (find(name) == nullptr) return no_execution(name);
  RETURN_IF_ERROR(parts_.catalog.remove_execution(name));
  runs_.erase(name);
  return {};
}

void Jobs::carry_out(Run& run, const ExecutionCore::Actions& actions) {
  for (const ExecutionCore::Action& action : actions) {
    if (const auto* wanted = std::get_if<ExecutionCore::Start>(&action)) {
      if (!stopped_) start(run, wanted->task, wanted->attempt);
    } else if (const auto* unwanted = std::get_if<ExecutionCore::Stop>(&action)) {
      if (const auto found = run.attempts.find(unwanted->task); found != run.attempts.end()) {
        found->second->stop();
      }
    } else {
      finish(run);
    }
  }
  arm(run);
}

void Jobs::arm(Run& run) {
  const Instant when = run.core.next_wake();
  if (when == Instant::max()) return run.timer.cancel();
  run.timer = parts_.timers.at(when, [this, name = run.execution.name] {
    if (Run* found = find(name)) carry_out(*found, found->core.on_time(parts_.clock.now()));
  });
}

sandbox::InstanceSpec Jobs::spec_of(const Run& run, int task, int attempt) const {
  control::Revision revision;
  revision.name = RevisionId(run.execution.name);
  revision.service = ServiceId(run.execution.job);
  revision.template_ = run.execution.of.template_;
  const control::Runtime runtime{parts_.serve_argv, parts_.instance_env,
                                 spec::ServiceKind::kWorkerPool};
  sandbox::InstanceSpec spec =
      control::runtime_config(revision, runtime, {}, serving::Reachability::kReachable).instance;
  std::erase_if(spec.env,
                [](const std::string& each) { return each.starts_with("CLOUD_RUN_WORKER_POOL"); });
  spec.env.push_back("CLOUD_RUN_JOB=" + run.execution.job);
  spec.env.push_back("CLOUD_RUN_EXECUTION=" + run.execution.name);
  spec.env.push_back(fmt::format("CLOUD_RUN_TASK_INDEX={}", task));
  spec.env.push_back(fmt::format("CLOUD_RUN_TASK_ATTEMPT={}", attempt));
  spec.env.push_back(fmt::format("CLOUD_RUN_TASK_COUNT={}", run.execution.of.settings.task_count));
  return spec;
}

void Jobs::start(Run& run, int task, int attempt) {
  const InstanceId id(
      fmt::format("{}-{}-{}-{}", run.execution.name, task, attempt, parts_.entropy.name(4)));
  auto made = std::make_unique<Attempt>(*this, run.execution.job, run.execution.name, task, id);
  Attempt* const raw = made.get();
  run.attempts[task] = std::move(made);
  const Json& inner = run.execution.of.spec["template"]["spec"]["template"]["spec"];
  raw->start(spec_of(run, task, attempt), inner.string_or("serviceAccountName"));
}

void Jobs::ended(const std::string& name, int task, const sandbox::ExitReport& report) {
  Run* run = find(name);
  if (run == nullptr) return;
  // Dropped when this returns: it is the caller.
  const auto attempt = run->attempts.extract(task);
  const auto outcome =
      is_success(report) ? ExecutionCore::Outcome::kSucceeded : ExecutionCore::Outcome::kFailed;
  const auto actions = run->core.on_exit(task, outcome, why(report), parts_.clock.now());
  kept(parts_.catalog.put_task(run->execution, run->core, task));
  carry_out(*run, actions);
}

void Jobs::finish(Run& run) {
  run.execution.completed = parts_.clock.wall_now();
  for (int task = 0; task < run.execution.of.settings.task_count; ++task) {
    const auto state = run.core.tasks()[static_cast<size_t>(task)].state;
    // Those that never ran end without an exit of their own.
    if (state == ExecutionCore::TaskState::kCancelled) {
      kept(parts_.catalog.put_task(run.execution, run.core, task));
    }
  }
  kept(parts_.catalog.put(run.execution, run.core));
  using State = ExecutionCore::State;
  const State state = run.core.state();
  const std::string name = run.execution.name;
  const std::string text = state == State::kSucceeded
                               ? fmt::format("Execution {} has completed.", name)
                           : state == State::kCancelled
                               ? fmt::format("Execution {} was cancelled.", name)
                               : fmt::format("Execution {} failed: {}.", name, run.core.fault());
  parts_.observer.on_event(
      run.execution.job, InstanceId(),
      state == State::kFailed ? Observer::Severity::kError : Observer::Severity::kInfo, text);
}

void Jobs::forget_old(const std::string& job) {
  const auto all = executions(job);
  for (size_t i = kKeptExecutions; i < all.size(); ++i) {
    if (all[i].execution.completed) kept(remove_execution(all[i].execution.name));
  }
}

void Jobs::kept(const Status& status) const {
  if (!status) {
    log_error("a job's progress is not on the disk; after a crash its task runs again",
              {{"why", status.error().message()}});
  }
}

}  // namespace thaw::jobs
