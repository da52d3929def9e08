#include "sandbox/container.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "sandbox/bundle.h"
#include "sandbox/created_process.h"
#include "sandbox/process_table.h"
#include "sandbox/start_failure.h"
#include "sandbox/text.h"

namespace thaw::sandbox {
namespace {

/// A loopback address of the container's own network that nobody binds by name: who listens on
/// 127.0.0.1 only is not reached, as on Cloud Run (contract 1.1).
constexpr std::string_view kReachedAt = "127.0.8.80";

constexpr Duration kDeleteLimit = seconds(30);
constexpr Duration kOutputLimit = seconds(1);  // after the end; no writer is left by then
constexpr Duration kFirstLook = std::chrono::microseconds(50);
constexpr Duration kLongestLook = milliseconds(5);
constexpr Duration kMemoryLook = seconds(1);
constexpr Duration kRemovalRetry = milliseconds(25);
constexpr int kRemovalTries = 200;
constexpr ByteCount kMaxLog = mib(1);
constexpr size_t kMaxHeld = 2000;

const std::vector<std::string>& crun_env() {
  static const std::vector<std::string> env = {
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
  return env;
}

}  // namespace

Container::Container(ContainerEnv& env, std::string name, InstanceSpec spec,
                     PythonTemplates::Way way, Hooks hooks)
    : env_(env),
      name_(std::move(name)),
      spec_(std::move(spec)),
      way_(way),
      hooks_(std::move(hooks)) {}

Container::~Container() {
  if (main_ != nullptr && !is_over()) signal(SIGKILL);
  if (helper_ != nullptr && state_ == State::kCreating) (void)helper_->signal(SIGKILL);
}

void Container::create() {
  env_.creates.enter([this] {
    has_place_ = true;
    if (state_ == State::kWaiting) return spawn_create();
    leave_creates();
    post(&Container::remove);  // stopped while it waited
  });
}

void Container::leave_creates() {
  if (std::exchange(has_place_, false)) env_.creates.leave();
}

std::vector<std::string> Container::crun(std::initializer_list<const char*> words) const {
  std::vector<std::string> argv = {env_.machine.crun,           "--root", env_.crun_state,
                                   "--cgroup-manager=cgroupfs", "--log",  log_path(),
                                   "--log-format=json"};
  argv.insert(argv.end(), words.begin(), words.end());
  return argv;
}

void Container::spawn_create() {
  state_ = State::kCreating;
  was_spawned_ = true;
  BundleOptions options;
  const InstanceSpec run = choose_files(options);
  options.rootfs = env_.settings.rootfs;
  options.cgroups_path = env_.cgroups.path(name_);
  options.cgroup_v2 = env_.machine.cgroups == Machine::Cgroups::kV2;
  options.swap_limit = env_.machine.swap_limit;
  options.open_files = env_.machine.open_files;
  options.var_tmp = env_.disk.exists("/var/tmp");
  options.own_program = env_.settings.own_program;
  options.background = works_ahead();
  options.uid = env_.settings.uid;
  options.gid = env_.settings.gid;
  Status made = env_.disk.make_dirs(folder());
  if (made && !options.python_folder.empty()) made = write_python_folder();
  if (made)
    made = env_.disk.write_file(folder() + "/config.json", make_bundle(run, options).dump());
  if (!made) return fail(made.error().message());
  const std::string bundle = folder();
  const std::string pid_file = folder() + "/pid";
  io::SpawnOptions how;
  how.argv =
      crun({"create", "--bundle", bundle.c_str(), "--pid-file", pid_file.c_str(), name_.c_str()});
  how.env = crun_env();
  how.out = how.err = io::SpawnOptions::Output::kCapture;
  how.group = io::SpawnOptions::Group::kOwnSession;
  how.parent = io::SpawnOptions::Parent::kDiesWithUs;
  auto helper = env_.processes.spawn(how, [this](io::ProcessExit exit) { on_create_exit(exit); });
  if (!helper) return fail(helper.error().message());
  helper_ = *std::move(helper);
  const auto pump = [this](OutputStream stream, std::unique_ptr<io::Stream> pipe) {
    return std::make_unique<OutputPump>(
        env_.loop, std::move(pipe),
        [this, stream](std::string_view line) { on_line(stream, line); },
        [this] { on_output_end(); });
  };
  out_ = pump(OutputStream::kStdout, helper_->take_out());
  err_ = pump(OutputStream::kStderr, helper_->take_err());
  timer_ = env_.loop.after(env_.settings.create_limit, [this] {
    failure_ = "crun create took longer than " + format_duration(env_.settings.create_limit);
    (void)helper_->signal(SIGKILL);
  });
}

void Container::on_create_exit(io::ProcessExit exit) {
  if (exit.signal != 0) kill_orphans();
  helper_ = nullptr;
  timer_.cancel();
  leave_creates();
  if (!failure_.empty()) return fail(std::exchange(failure_, ""));
  if (exit.code != 0 || exit.signal != 0) {
    const std::string log = env_.disk.read_file(log_path(), kMaxLog).value_or("");
    if (exit.signal != 0)
      return fail(fmt::format("crun create was ended by signal {}", exit.signal));
    return fail(explain_start_failure(spec_, last_error_of_log(log)));
  }
  if (Status adopted = adopt_created(); !adopted) return fail(adopted.error().message());
  state_ = State::kCreated;
  if (stop_asked_) return signal(SIGKILL);
  if (observer_ != nullptr || works_ahead()) return begin();
  if (hooks_.on_created) hooks_.on_created();
}

/// A crun that was killed leaves its children to us: in its session, or, when they have made their
/// own, in the container's group. Adopted so that they are reaped.
void Container::kill_orphans() {
  std::vector<pid_t> orphans = env_.cgroups.processes(name_);
  auto sessions = read_sessions(env_.disk);
  for (const ProcessStat& child : sessions[helper_->pid()]) {
    if (child.pid != helper_->pid()) orphans.push_back(child.pid);
  }
  for (pid_t pid : orphans) {
    if (auto orphan = env_.processes.adopt(pid, nullptr)) (void)(*orphan)->signal(SIGKILL);
  }
}

Status Container::adopt_created() {
  ASSIGN_OR_RETURN(const std::string text, env_.disk.read_file(folder() + "/pid", kib(1)));
  const auto pid = static_cast<pid_t>(number(text));
  if (pid <= 1) return Error(Code::kInternal, "crun wrote no process id");
  ASSIGN_OR_RETURN(main_,
                   env_.processes.adopt(pid, [this](io::ProcessExit exit) { on_main_exit(exit); }));
  program_before_ = program_of(pid);
  RETURN_IF_ERROR(raise_loopback(pid));
  ASSIGN_OR_RETURN(auto where, env_.settings.open_net_namespace(pid));
  address_ = {.ip = std::string(kReachedAt), .port = spec_.port, .in = std::move(where)};
  return {};
}

void Container::attach(InstanceObserver& observer) {
  CHECK(observer_ == nullptr, "a container has one instance");
  observer_ = &observer;
  if (stop_asked_) return;
  if (state_ == State::kCreated) begin();
}

void Container::detach() {
  observer_ = nullptr;
  kill();
}

void Container::begin() {
  state_ = State::kReleased;
  if (observer_ != nullptr) {
    observer_->on_main_process(main_->pid());
    observer_->on_network(address_);
  }
  if (works_ahead()) limit_making();
  tell_rung();
  if (const Status opened = open_exec_gate(state_folder()); !opened) {
    log_warning("starting by crun instead",
                {{"container", name_}, {"error", opened.error().message()}});
    start_by_crun();
  }
  post(&Container::announce);
}

void Container::start_by_crun() {
  io::SpawnOptions how;
  how.argv = crun({"start", name_.c_str()});
  how.env = crun_env();
  how.parent = io::SpawnOptions::Parent::kDiesWithUs;
  auto helper = env_.processes.spawn(how, [this](io::ProcessExit exit) {
    helper_ = nullptr;
    if (exit.code == 0 && exit.signal == 0) return;
    const std::string log = env_.disk.read_file(log_path(), kMaxLog).value_or("");
    fail(explain_start_failure(spec_, last_error_of_log(log)));
  });
  if (!helper) return fail(helper.error().message());
  helper_ = *std::move(helper);
}

void Container::announce() {
  if (std::exchange(announced_, true)) return;
  if (observer_ != nullptr) observer_->on_sandbox_ready();
  watch_exec(kFirstLook);
}

void Container::watch_exec(Duration next_look) {
  if (state_ != State::kReleased || look_for_exec()) return;
  timer_ = env_.loop.after(
      next_look, [this, next_look] { watch_exec(std::min(next_look * 2, kLongestLook)); });
}

bool Container::look_for_exec() {
  if (was_executed_) return true;
  if (state_ != State::kReleased || !announced_) return false;
  const std::string program = program_of(main_->pid());
  if (program.empty() || program == program_before_) return false;  // ended, or not yet
  state_ = State::kRunning;
  executed();
  watch_memory();
  return true;
}

void Container::executed() {
  was_executed_ = true;
  timer_.cancel();
  if (observer_ != nullptr) observer_->on_executed();
  for (const HeldLine& line : std::exchange(held_, {})) {
    deliver(line.stream, line.text);
  }
  if (hooks_.on_executed) hooks_.on_executed();
}

/// The kernel kills one process at the limit; the contract (1.4) ends the instance.
void Container::watch_memory() {
  memory_timer_ = env_.loop.after(kMemoryLook, [this] {
    ++memory_looks_;
    if (env_.cgroups.oom_kills(name_) == 0) return watch_memory();
    signal(SIGKILL);
  });
}

Status Container::freeze() {
  if (state_ != State::kRunning) return Error(Code::kFailedPrecondition, "it is not running");
  take_record();
  RETURN_IF_ERROR(env_.cgroups.freeze(name_));
  frozen_ = true;
  watch_frozen();
  return {};
}

/// It asks for no memory, but may be killed: by hand, which in v1 reaches it at the thaw only, or
/// one of its processes for the need of the whole machine. Seen here, not by its next request.
void Container::watch_frozen() {
  memory_timer_ = env_.loop.after(env_.settings.frozen_look, [this] {
    const std::string status =
        env_.disk.read_file(fmt::format("/proc/{}/status", main_->pid()), mib(1)).value_or("");
    if (!kill_is_pending(status) && env_.cgroups.oom_kills(name_) == 0) return watch_frozen();
    signal(SIGKILL);
  });
}

void Container::thaw() {
  if (state_ != State::kRunning) return;
  wake_memory();
  env_.cgroups.thaw(name_);
  watch_memory();
}

void Container::terminate() {
  if (state_ != State::kRunning) return kill();
  stop_asked_ = true;
  take_record();
  const std::string status =
      env_.disk.read_file(fmt::format("/proc/{}/status", main_->pid()), mib(1)).value_or("");
  signal(ignores_sigterm_by_default(status) ? SIGKILL : SIGTERM);
}

void Container::kill() {
  if (is_over()) return;
  stop_asked_ = true;
  if (state_ == State::kWaiting) {
    state_ = State::kEnded;
    post(&Container::end);
  } else if (main_ != nullptr) {
    signal(SIGKILL);
  }
  // While crun creates it, on_create_exit() goes on from here.
}

void Container::signal(int number) {
  if (main_ == nullptr) return;
  // The first process of a pid namespace takes all others with it.
  (void)main_->signal(number);
  if (number == SIGKILL) env_.cgroups.thaw(name_);
}

Usage Container::usage() const {
  if (state_ < State::kCreated) return {};
  return is_over() ? facts_.usage : env_.cgroups.read(name_).usage;
}

void Container::on_line(OutputStream stream, std::string_view line) {
  if (!look_for_exec()) {
    // At most what a pipe holds.
    if (held_.size() < kMaxHeld) held_.push_back({stream, std::string(line)});
  } else {
    deliver(stream, line);
  }
}

void Container::deliver(OutputStream stream, std::string_view line) {
  if (take_report(stream, line) || observer_ == nullptr) return;
  observer_->on_output(stream, line);
}

void Container::on_main_exit(io::ProcessExit exit) {
  exit_ = exit;
  facts_ = env_.cgroups.read(name_);
  if (state_ == State::kReleased) announce();
  if (state_ < State::kReleased && !stop_asked_)
    failure_ = "it ended before its program was executed";
  state_ = State::kEnded;
  memory_timer_.cancel();
  hibernating_ = nullptr;
  making_timer_.cancel();
  timer_ = env_.loop.after(kOutputLimit, [this] {
    out_->drain_and_close();
    err_->drain_and_close();
    end();
  });
  on_output_end();
}

void Container::on_output_end() {
  if (state_ == State::kEnded && main_ != nullptr && out_->ended() && err_->ended()) {
    timer_.cancel();
    post(&Container::end);
  }
}

void Container::fail(std::string detail) {
  leave_creates();
  if (failure_.empty()) failure_ = std::move(detail);
  if (main_ != nullptr) return signal(SIGKILL);
  state_ = State::kEnded;
  post(&Container::end);
}

void Container::end() {
  if (state_ != State::kEnded) return;
  state_ = State::kRemoving;
  if (announced_ && !was_executed_ && failure_.empty() && !stop_asked_) settle_exec();
  judge_template();
  tell_made();
  if (observer_ != nullptr) {
    const ExitReport report = make_report();
    std::exchange(observer_, nullptr)->on_exit(report);
  }
  if (was_spawned_) remove();
}

/// It ended before exec was seen: either the program was that quick, or exec failed.
void Container::settle_exec() {
  if (exit_.code != 0) {
    for (const HeldLine& line : held_) {
      if (line.stream == OutputStream::kStderr && exec_failure(line.text)) {
        failure_ = explain_start_failure(spec_, line.text);
        return;
      }
    }
  }
  executed();
}

ExitReport Container::make_report() const {
  using Kind = ExitReport::Kind;
  ExitReport report;
  report.exit_code = exit_.code;
  report.signal = exit_.signal;
  report.memory_peak = facts_.usage.memory_peak;
  report.memory_limit = spec_.memory;
  report.cpu = facts_.usage.cpu;
  if (stop_asked_) {
    report.kind = Kind::kStopped;
  } else if (!failure_.empty()) {
    report.kind = Kind::kNotStarted;
    report.detail = failure_;
  } else if (facts_.oom_kills > 0) {
    report.kind = Kind::kOutOfMemory;
  } else {
    report.kind = exit_.signal != 0 ? Kind::kSignalled : Kind::kExited;
  }
  return report;
}

void Container::remove() {
  state_ = State::kRemoving;
  out_ = nullptr;
  err_ = nullptr;
  main_ = nullptr;
  if (!was_spawned_) return gone();
  env_.removes.enter([this] {
    io::SpawnOptions how;
    how.argv = crun({"delete", "--force", name_.c_str()});
    how.env = crun_env();
    how.parent = io::SpawnOptions::Parent::kDiesWithUs;
    auto helper = env_.processes.spawn(how, [this](io::ProcessExit) {
      helper_ = nullptr;
      after_delete();
    });
    if (!helper) return post(&Container::after_delete);
    helper_ = *std::move(helper);
    timer_ = env_.loop.after(kDeleteLimit, [this] { (void)helper_->signal(SIGKILL); });
  });
}

/// Makes sure of what `crun delete` did; after a failed create it knows nothing of the container.
void Container::after_delete() {
  for (pid_t pid : env_.cgroups.processes(name_)) (void)::kill(pid, SIGKILL);
  const Status removed = env_.cgroups.remove(name_);
  if (!removed && ++removal_tries_ < kRemovalTries) {
    timer_ = env_.loop.after(kRemovalRetry, [this] { after_delete(); });
    return;
  }
  if (!removed) {
    log_warning("a container's group is left for the next start",
                {{"container", name_}, {"error", removed.error().message()}});
  }
  (void)env_.disk.remove_tree(state_folder());
  (void)env_.disk.remove_tree(folder());
  env_.removes.leave();
  gone();
}

void Container::gone() {
  timer_.cancel();
  hooks_.on_gone();
}

void Container::post(void (Container::*step)()) {
  env_.loop.post([weak = weak_from_this(), step] {
    if (const auto self = weak.lock()) (self.get()->*step)();
  });
}

}  // namespace thaw::sandbox
