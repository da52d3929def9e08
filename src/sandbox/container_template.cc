// Container and the templates of Python programs: what it records, restores and makes.
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>

#include <utility>

#include "base/log.h"
#include "sandbox/container.h"
#include "sandbox/created_process.h"

namespace thaw::sandbox {
namespace {

using Way = PythonTemplates::Way;
using Rung = InstanceObserver::Rung;

constexpr Duration kMakeLimit = seconds(300);
constexpr size_t kMaxReport = 64 * 1024;
constexpr int kSettledLooks = 10;  // seconds a program has run well
constexpr std::string_view kMakerSays = "thaw-template: ";
constexpr std::string_view kRestorerSays = "thaw-restore: ";

}  // namespace

bool Container::works_ahead() const { return way_ == Way::kMaking || way_ == Way::kCompiling; }

/// What is run, and which files of the platform's it sees.
InstanceSpec Container::choose_files(BundleOptions& options) {
  const PythonTemplates::Files files = env_.templates.files(way_, spec_);
  // It may have gone while this container waited for its turn.
  if (way_ == Way::kRestoring && !env_.disk.exists(files.snapshot)) way_ = Way::kPlain;
  if (way_ == Way::kPlain || way_ == Way::kRecording) byte_code_ = env_.byte_code.use(spec_);
  if (way_ != Way::kPlain || byte_code_.is_watched) options.python_folder = env_.python;
  if (way_ == Way::kCompiling) {
    options.files = env_.byte_code.compiler_files(spec_);
    options.file_limit = kMaxByteCode.value;
    return env_.byte_code.compiler(spec_);
  }
  options.preload = files.preload;
  options.snapshot = way_ == Way::kPlain ? "" : files.snapshot;
  options.writes_snapshot = way_ == Way::kMaking;
  options.file_limit = files.limit.value;
  options.files = {{byte_code_.cache, kByteCode}};
  if (env_.disk.exists(env_.hosts)) options.files.push_back({env_.hosts, kHostsFile});
  InstanceSpec run = env_.templates.apply(way_, spec_);
  if (byte_code_.is_watched) {
    PythonByteCode::watch(run, way_ == Way::kRecording ? PythonByteCode::Recorder::kRuns
                                                       : PythonByteCode::Recorder::kAbsent);
  }
  return run;
}

/// What runs in there is never changed while something may run it.
Status Container::write_python_folder() {
  if (env_.disk.exists(env_.python)) return {};
  const std::string folder = env_.python + ".new";
  RETURN_IF_ERROR(env_.disk.remove_tree(folder));
  RETURN_IF_ERROR(env_.disk.make_dirs(folder));
  const std::pair<const char*, std::string_view> files[] = {
      {"/sitecustomize.py", python_recorder_source()},
      {"/bytecode.py", python_bytecode_source()},
      {"/compile_sources.py", python_compiler_source()},
      {"/template.py", python_template_source()},
      {"/snapshot.py", python_snapshot_source()},
      {"/thaw-restore", snapshot_restorer_program()},
      {"/thaw-point.so", snapshot_point_library()}};
  for (const auto& [name, content] : files) {
    RETURN_IF_ERROR(env_.disk.write_file(folder + name, content));
    if (::chmod((folder + name).c_str(), 0755) != 0) return errno_error("chmod " + folder, errno);
  }
  if (::chmod(folder.c_str(), 0755) != 0) return errno_error("chmod " + folder, errno);
  return env_.disk.rename(folder, env_.python);
}

/// One that is restored tells by its first line on stderr: take_report().
void Container::tell_rung() {
  if (observer_ == nullptr || way_ == Way::kRestoring) return;
  const TemplateState state = env_.templates.state(spec_.revision);
  std::string words;
  if (state.phase == TemplateState::Phase::kRefused)
    words = "started cold, without a template: " + state.why;
  if (byte_code_.modules > 0) {
    words += fmt::format("{} the byte code of {} modules compiled ahead",
                         words.empty() ? "started cold, with" : "; with", byte_code_.modules);
  }
  if (!words.empty()) observer_->on_rung(Rung::kCold, words);
}

/// True for a line of ours among the program's output.
bool Container::take_report(OutputStream stream, std::string_view line) {
  if (works_ahead()) {
    if (line.starts_with(kMakerSays) && report_.size() + line.size() < kMaxReport)
      report_ += fmt::format("{}\n", line.substr(kMakerSays.size()));
    return true;
  }
  if (way_ != Way::kRestoring || stream != OutputStream::kStderr) return false;
  if (std::exchange(saw_stderr_, true) || !line.starts_with(kRestorerSays)) return false;
  line.remove_prefix(kRestorerSays.size());
  restored_ = line == "restored";
  if (observer_ != nullptr && restored_) {
    const TemplateState state = env_.templates.state(spec_.revision);
    observer_->on_rung(Rung::kTemplated,
                       fmt::format("started from a template: {} modules were imported ahead, {} "
                                   "left to the program",
                                   state.modules, state.left_out));
  } else if (observer_ != nullptr) {
    observer_->on_rung(Rung::kCold, fmt::format("started cold, without its template: {}", line));
  }
  if (hooks_.on_restored) hooks_.on_restored(restored_ ? "" : std::string(line));
  return true;
}

void Container::limit_making() {
  making_timer_ = env_.loop.after(kMakeLimit, [this] { fail("it took longer than five minutes"); });
}

void Container::tell_made() {
  if (!works_ahead() || stop_asked_ || !hooks_.on_made) return;
  std::string why = failure_;
  if (why.empty() && facts_.oom_kills > 0)
    why = "importing its modules ahead takes more than its memory limit";
  if (why.empty() && (exit_.code != 0 || exit_.signal != 0))
    why = fmt::format("importing its modules ahead ended the process ({} {})",
                      exit_.signal != 0 ? "signal" : "exit code",
                      exit_.signal != 0 ? exit_.signal : exit_.code);
  hooks_.on_made(report_, why);
}

/// What it has imported so far; asked when it has served a request or is to end.
void Container::take_record() {
  if (std::exchange(recorded_, true)) return;
  env_.read_ahead.note(spec_.revision, env_.cgroups.processes(name_), byte_code_.cache);
  if (byte_code_.is_watched && hooks_.on_lacked) {
    const auto sources = read_in_container(main_->pid(), kSourceRecord, kMaxSourceRecord.value);
    if (sources || sources.error().code() == Code::kNotFound)
      hooks_.on_lacked(sources.value_or(""));
  }
  if (way_ != Way::kRecording) return;
  const auto text = read_in_container(main_->pid(), kImportRecord, kMaxImportRecord.value + 4096);
  if (text && !text->empty() && hooks_.on_recorded) hooks_.on_recorded(*text);
}

void Container::read_ahead(ByteCount size) {
  if (observer_ != nullptr) observer_->on_read_ahead(size);
}

/// A program that fails soon after it began may fail because of the template: the next start is
/// without one.
void Container::judge_template() {
  if (!restored_ || stop_asked_ || memory_looks_ >= kSettledLooks) return;
  if (exit_.code == 0 && exit_.signal == 0) return;
  if (!hooks_.on_template_failed) return;
  hooks_.on_template_failed(fmt::format("the program failed when started from one ({} {})",
                                        exit_.signal != 0 ? "signal" : "exit code",
                                        exit_.signal != 0 ? exit_.signal : exit_.code));
}

}  // namespace thaw::sandbox
