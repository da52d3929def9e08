#include "doctor/examiner.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "doctor/examination.h"
#include "doctor/processes.h"
#include "doctor/requests.h"

namespace thaw::doctor {
namespace {

constexpr uint16_t kOtherPort = 28080;
constexpr Duration kStandsStill = seconds(30);  // without work: it will not listen any more
constexpr Duration kLeastWork = milliseconds(10);
constexpr Duration kOtherPortGrace = seconds(2);  // a second socket may be the one
constexpr Duration kLongestLook = milliseconds(100);
constexpr Duration kStopLimit = seconds(10);  // contract 1.4
constexpr size_t kShownLines = 8;
constexpr size_t kShownRefusals = 4;

bool tells_of_read_only(std::string_view line) {
  return line.find("Read-only file system") != std::string_view::npos ||
         line.find("EROFS") != std::string_view::npos;
}

}  // namespace

sandbox::InstanceSpec spec_on(const Target& target, uint16_t port) {
  sandbox::InstanceSpec spec = target.instance;
  spec.port = port;
  for (std::string& variable : spec.env) {
    if (variable.starts_with("PORT=")) variable = "PORT=" + std::to_string(port);
  }
  return spec;
}

void Examination::run() {
  if (facts_.target.kind == Target::Kind::kDirectory) {
    ports_.progress("weighing the folder");
    facts_.weight = weigh(facts_.target.directory);
  }
  sandbox::InstanceSpec spec = spec_on(facts_.target, kOtherPort);
  const WallTime began = ports_.patience.loop().wall_now();
  open_views(spec, "main");
  trial_.emplace(room(), spec, Trial::Trap::kYes);
  trial_->on_line = [this](std::string_view line) {
    if (tells_of_read_only(line) && facts_.refused_writes.size() < kShownRefusals) {
      facts_.refused_writes.emplace_back(line.substr(0, 200));
    }
    return false;
  };
  ports_.progress("starting the program with PORT=" + std::to_string(spec.port));
  trial_->start();
  watch_start();
  note_network();
  if (!ports_.patience.given_up() && !facts_.start.listening.empty() && !trial_->ended()) {
    serve(*trial_);
  }
  note_end();
  note_files(began);
  if (!ports_.patience.given_up() && !trial_->ended()) stop();
  trial_->finish();
  facts_.last_lines = trial_->last_lines(kShownLines);
  trial_.reset();
  if (facts_.end && facts_.end->report.kind == sandbox::ExitReport::Kind::kOutOfMemory) {
    measure_need();
  }
  if (!python_.empty() && !facts_.start.listening.empty()) measure_imports();
}

void Examination::open_views(sandbox::InstanceSpec& spec, const std::string& name) {
  views_.clear();
  if (!ports_.is_container) return;
  std::vector<std::string> folders = facts_.target.elsewhere;
  const std::string& own = facts_.target.directory;
  if (!own.empty() && own != "/") folders.push_back(own);
  std::sort(folders.begin(), folders.end());  // one around another is mounted first
  for (size_t i = 0; i < folders.size(); ++i) {
    open_view(spec, folders[i], name + std::to_string(i));
  }
}

void Examination::open_view(sandbox::InstanceSpec& spec, const std::string& folder,
                            const std::string& name) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    // A file alone: a copy, so that it stays as it is.
    const std::string copy = ports_.scratch + "/" + name;
    std::filesystem::create_directories(ports_.scratch, error);
    if (std::filesystem::copy_file(folder, copy, error)) {
      spec.binds.push_back({.source = copy, .target = folder});
    } else {
      facts_.not_seen.push_back("the program does not see " + folder + ": " + error.message());
    }
    return;
  }
  auto view = WritableView::open(folder, ports_.scratch + "/" + name, spec.memory);
  if (!view) {
    facts_.not_seen.push_back("files that the program writes into " + folder + ": " +
                              view.error().message());
    return;
  }
  views_.push_back(*std::move(view));
  spec.binds.push_back(views_.back().bind());
}

/// Waits until it listens, ends, or is not going to.
void Examination::watch_start() {
  StartFacts& start = facts_.start;
  Trial& trial = *trial_;
  (void)ports_.patience.until([&] { return trial.executed() || trial.ended(); }, seconds(60));
  if (!trial.executed()) return;
  // Without a container the sandbox chose the port.
  start.port = ports_.is_container ? kOtherPort : trial.instance().address().port;
  // Longer than the probe: late is another fault than never.
  const Duration deadline = facts_.target.probe_deadline;
  const Duration limit =
      limits_.max_wait.value_or(deadline + std::max<Duration>(seconds(30), deadline / 2));
  Instant next_look{};
  Instant worked_last = ports_.patience.now();
  std::optional<Instant> listens_since;
  Duration cpu_then{0};
  const auto settled = [&] {
    const Instant now = ports_.patience.now();
    if (trial.ended()) return true;
    if (now < next_look) return false;
    next_look = now + std::min<Duration>(kLongestLook, trial.age() / 20);
    start.listening = listening_of(trial.processes());
    start.until_listening = trial.age();
    const bool on_port = std::any_of(start.listening.begin(), start.listening.end(),
                                     [&](const Listening& l) { return l.port == start.port; });
    if (!start.listening.empty() && !listens_since) listens_since = now;
    if (on_port || (listens_since && now - *listens_since > kOtherPortGrace)) return true;
    const Duration cpu = trial.instance().usage().cpu;
    if (cpu - cpu_then > kLeastWork) {
      cpu_then = cpu;
      worked_last = now;
    }
    start.stood_still = now - worked_last > kStandsStill;
    return start.stood_still;
  };
  (void)ports_.patience.until(settled, limit);
  if (listens_since) start.until_listening -= ports_.patience.now() - *listens_since;
  start.cpu = trial.instance().usage().cpu;
  const std::vector<pid_t> pids = trial.processes();
  for (const ThreadLook& look : threads_of(pids)) {
    start.waited_for_cpu = std::max(start.waited_for_cpu, look.waited);
  }
  for (const pid_t pid : pids) {
    if (program_name(pid).starts_with("python")) python_ = program_path(pid);
  }
}

void Examination::note_network() {
  if (NetworkTrap* trap = trial_->trap()) {
    facts_.network = trap->calls();
    trap->stop_counting();
    return;
  }
  facts_.not_seen.push_back(ports_.is_container ? "whom the program calls while it starts: " +
                                                      trial_->trap_failure()
                                                : "whom the program calls while it starts: it has "
                                                  "this machine's network; as root it gets "
                                                  "one of its own");
}

void Examination::note_end() {
  if (!trial_->ended()) return;
  EndFacts end{.report = *trial_->report(), .after = trial_->age_at_end()};
  end.when = facts_.start.listening.empty() ? EndFacts::When::kStarting : EndFacts::When::kServing;
  facts_.end = std::move(end);
}

void Examination::note_files(WallTime began) {
  const std::string& folder = facts_.target.directory;
  for (const WritableView& view : views_) {
    for (WrittenFile& file : view.written()) facts_.written.push_back(std::move(file));
  }
  if (!ports_.is_container && !folder.empty() && folder != "/") {
    facts_.written = younger_files(folder, began);
    facts_.not_seen.push_back("files written elsewhere than in " + folder +
                              ": that needs a container, which needs root");
    facts_.not_seen.emplace_back(
        "modules whose byte code the first start has just written beside them");
  }
  if (!ports_.is_container || trial_->ended()) return;
  const std::string tmp = "/proc/" + std::to_string(trial_->main_pid()) + "/root/tmp";
  for (WrittenFile& file : files_below(tmp, "/tmp")) {
    const bool in_folder = std::any_of(views_.begin(), views_.end(), [&](const WritableView& view) {
      return view.shows(file.path);
    });
    if (file.kind == WrittenFile::Kind::kDatabase && !in_folder) {
      facts_.written.push_back(std::move(file));
    }
  }
}

void Examination::stop() {
  StopFacts& stop = facts_.stop;
  const pid_t main = trial_->main_pid();
  const std::string status = "/proc/" + std::to_string(main) + "/status";
  stop.tried = true;
  stop.term = sigterm_of(read_text(status));
  stop.main_program = program_name(main);
  const bool main_serves = holds_listening_socket(main);
  for (const pid_t pid : trial_->processes()) {
    stop.child_serves |= !main_serves && pid != main && holds_listening_socket(pid);
  }
  if (stop.term != StopFacts::Signal::kCaught) return;  // what comes is known
  ports_.progress("sending SIGTERM");
  const Instant begin = ports_.patience.now();
  trial_->instance().terminate();
  stop.ended = ports_.patience.until([this] { return trial_->ended(); }, kStopLimit);
  stop.after = ports_.patience.now() - begin;
  if (!stop.ended) stop.term_after = sigterm_of(read_text(status));
}

Result<Facts> examine(const Target& target, const Limits& limits, Ports ports) {
  Examination examination(target, limits, ports);
  examination.run();
  if (ports.patience.given_up()) return Error(Code::kCancelled, "interrupted");
  return std::move(examination).facts();
}

}  // namespace thaw::doctor
