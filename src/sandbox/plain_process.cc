#include "sandbox/plain_process.h"

#include <fmt/format.h>

#include <csignal>
#include <utility>

#include "sandbox/leftovers.h"
#include "sandbox/text.h"

namespace thaw::sandbox {
namespace {

constexpr Duration kOutputLimit = seconds(1);  // after the end, for writers that left the session
constexpr ByteCount kMaxFile = mib(1);

std::vector<std::string> environment(const InstanceSpec& spec, uint16_t port,
                                     const std::string& mark) {
  std::vector<std::string> env;
  for (const std::string& variable : spec.env) {
    const bool ours = variable.starts_with("PORT=") || variable.starts_with("THAW_INSTANCE=");
    if (!ours) env.push_back(variable);
  }
  if (spec.port != 0) env.push_back(fmt::format("PORT={}", port));
  env.push_back("THAW_INSTANCE=" + mark);
  return env;
}

}  // namespace

PlainProcess::PlainProcess(io::Loop& loop, io::Disk& disk, InstanceSpec spec, std::string mark,
                           uint16_t port, InstanceObserver& observer, std::function<void()> on_gone)
    : loop_(loop),
      disk_(disk),
      spec_(std::move(spec)),
      mark_(std::move(mark)),
      address_{.ip = "127.0.0.1", .port = port},
      observer_(&observer),
      on_gone_(std::move(on_gone)) {}

PlainProcess::~PlainProcess() {
  if (!ended_) kill_session();
}

void PlainProcess::spawn(io::Processes& processes) {
  io::SpawnOptions how;
  how.argv = spec_.argv;
  how.env = environment(spec_, address_.port, mark_);
  how.working_dir = spec_.working_dir.empty() ? "/" : spec_.working_dir;
  how.out = how.err = io::SpawnOptions::Output::kCapture;
  how.group = io::SpawnOptions::Group::kOwnSession;
  how.parent = io::SpawnOptions::Parent::kDiesWithUs;
  auto spawned = processes.spawn(how, [this](io::ProcessExit exit) { on_main_exit(exit); });
  if (!spawned) {
    failure_ = spawned.error().message();
    exited_ = true;
    return post(&PlainProcess::end);
  }
  main_ = *std::move(spawned);
  const auto pump = [this](OutputStream stream, std::unique_ptr<io::Stream> pipe) {
    return std::make_unique<OutputPump>(
        loop_, std::move(pipe),
        [this, stream](std::string_view line) {
          announce();
          if (observer_ != nullptr) observer_->on_output(stream, line);
        },
        [this] { on_output_end(); });
  };
  out_ = pump(OutputStream::kStdout, main_->take_out());
  err_ = pump(OutputStream::kStderr, main_->take_err());
  post(&PlainProcess::announce);
}

/// spawn() has seen exec succeed; that is told in a later turn.
void PlainProcess::announce() {
  if (std::exchange(announced_, true)) return;
  if (observer_ != nullptr && main_ != nullptr) observer_->on_main_process(main_->pid());
  if (observer_ != nullptr && main_ != nullptr) tell_rung();
  if (observer_ != nullptr) observer_->on_sandbox_ready();
  if (observer_ != nullptr) observer_->on_executed();
}

void PlainProcess::tell_rung() {
  if (spec_.templates == InstanceSpec::Templates::kOff) return;
  observer_->on_rung(InstanceObserver::Rung::kCold,
                     "started cold, without a template: a template is a container, and instances "
                     "are plain processes here; start the platform as root");
}

void PlainProcess::detach() {
  observer_ = nullptr;
  kill();
}

Status PlainProcess::signal(int number) {
  if (main_ == nullptr || exited_) return Error(Code::kFailedPrecondition, "it is not running");
  return main_->signal_group(number);
}

void PlainProcess::terminate() {
  stop_asked_ = true;
  if (main_ != nullptr && !exited_) (void)main_->signal(SIGTERM);
}

void PlainProcess::kill() {
  stop_asked_ = true;
  if (!exited_) kill_session();
}

void PlainProcess::kill_session() {
  if (main_ == nullptr) return;
  (void)main_->signal_group(SIGKILL);
  (void)main_->signal(SIGKILL);
  kill_marked_once(disk_, mark_);
}

void PlainProcess::look(const std::vector<ProcessStat>& members) {
  if (exited_) return;
  Duration cpu{0};
  int64_t quick = 0;
  for (const ProcessStat& member : members) {
    cpu += member.cpu;
    const auto status = disk_.read_file(fmt::format("/proc/{}/status", member.pid), kMaxFile);
    if (status) quick += own_memory(*status).value;
  }
  int64_t memory = quick;
  if (quick > spec_.memory.value) {
    memory = 0;
    for (const ProcessStat& member : members) {
      const auto map = disk_.read_file(fmt::format("/proc/{}/smaps_rollup", member.pid), kMaxFile);
      if (map) memory += shared_out_memory(*map).value;
    }
  }
  usage_.cpu = std::max(usage_.cpu, cpu);
  usage_.memory = {memory};
  usage_.memory_peak = std::max(usage_.memory_peak, usage_.memory);
  if (memory <= spec_.memory.value) return;
  over_limit_ = !stop_asked_;
  kill_session();
}

void PlainProcess::on_main_exit(io::ProcessExit exit) {
  announce();
  exit_ = exit;
  exited_ = true;
  // The leader of a session stays readable until its Process is dropped.
  if (const auto last = read_stat(disk_, main_->pid())) {
    usage_.cpu = std::max(usage_.cpu, last->cpu);
  }
  kill_session();
  output_limit_ = loop_.after(kOutputLimit, [this] {
    out_->drain_and_close();
    err_->drain_and_close();
    end();
  });
  on_output_end();
}

void PlainProcess::on_output_end() {
  if (exited_ && out_->ended() && err_->ended()) post(&PlainProcess::end);
}

void PlainProcess::end() {
  if (std::exchange(ended_, true)) return;
  output_limit_.cancel();
  if (observer_ != nullptr) {
    const ExitReport report = make_report();
    std::exchange(observer_, nullptr)->on_exit(report);
  }
  loop_.post(std::exchange(on_gone_, nullptr));
}

ExitReport PlainProcess::make_report() const {
  using Kind = ExitReport::Kind;
  ExitReport report;
  report.exit_code = exit_.code;
  report.signal = exit_.signal;
  report.memory_peak = usage_.memory_peak;
  report.memory_limit = spec_.memory;
  report.cpu = usage_.cpu;
  if (stop_asked_) {
    report.kind = Kind::kStopped;
  } else if (!failure_.empty()) {
    report.kind = Kind::kNotStarted;
    report.detail = failure_;
  } else if (over_limit_) {
    report.kind = Kind::kOutOfMemory;
  } else {
    report.kind = exit_.signal != 0 ? Kind::kSignalled : Kind::kExited;
  }
  return report;
}

void PlainProcess::post(void (PlainProcess::*step)()) {
  loop_.post([weak = weak_from_this(), step] {
    if (const auto self = weak.lock()) (self.get()->*step)();
  });
}

}  // namespace thaw::sandbox
