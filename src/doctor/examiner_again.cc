// The parts of an examination that start the program once more.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

#include "doctor/examination.h"
#include "doctor/import_times.h"
#include "doctor/processes.h"
#include "sandbox/text.h"

namespace thaw::doctor {
namespace {

constexpr uint16_t kOtherPort = 28080;
constexpr size_t kMostModules = 20'000;
constexpr size_t kMostCompiled = 2000;
constexpr int64_t kMoreMemory = 8;  // times the limit that was too small
constexpr int kRequests = 20;

/// CPU time that compiling the files named as arguments takes.
constexpr const char* kCompile =
    "import sys, time\n"
    "begin = time.process_time()\n"
    "for path in sys.argv[1:]:\n"
    "    try:\n"
    "        compile(open(path, 'rb').read(), path, 'exec')\n"
    "    except Exception:\n"
    "        pass\n"
    "print('compiled in', time.process_time() - begin)\n";

bool listens(Trial& trial) { return !listening_of(trial.processes()).empty(); }

ByteCount free_memory() {
  const std::string text = read_text("/proc/meminfo");
  return kib(sandbox::number(sandbox::trim(sandbox::field(text, "MemAvailable"))));
}

}  // namespace

/// How much memory it takes when it may.
void Examination::measure_need() {
  ports_.progress("starting it again with more memory");
  sandbox::InstanceSpec spec = spec_on(facts_.target, kOtherPort);
  spec.memory = {std::min(spec.memory.value * kMoreMemory, free_memory().value / 2)};
  if (spec.memory <= facts_.target.instance.memory) return;
  open_views(spec, "more");
  Trial trial(room(), spec, Trial::Trap::kYes);
  trial.start();
  const Duration limit = limits_.max_wait.value_or(facts_.target.probe_deadline);
  ByteCount peak;
  const auto look = [&] { peak = std::max(peak, private_memory(trial.processes())); };
  (void)ports_.patience.until(
      [&] {
        look();
        return trial.ended() || (trial.executed() && listens(trial));
      },
      limit);
  if (!trial.ended() && trial.executed() && listens(trial)) {
    const auto all = listening_of(trial.processes());
    Requests requests(ports_.patience, ports_.net, trial.address(all[0].port),
                      facts_.target.request_path);
    for (int i = 0; i < kRequests && !trial.ended(); ++i) {
      if (!requests.one(facts_.target.request_path, limits_.request, look).came) break;
      look();
    }
    if (!trial.ended()) facts_.memory.needed = peak;
  }
  trial.finish();
}

void Examination::measure_imports() {
  ports_.progress("starting it again to time each import");
  sandbox::InstanceSpec spec = spec_on(facts_.target, kOtherPort);
  spec.env.emplace_back("PYTHONPROFILEIMPORTTIME=1");
  ImportFacts& imports = facts_.imports;
  open_views(spec, "imports");
  Trial trial(room(), spec, Trial::Trap::kYes);
  trial.on_line = [&](std::string_view line) {
    auto module = parse_import_line(line);
    if (!module) return false;
    if (imports.modules.size() < kMostModules) imports.modules.push_back(*std::move(module));
    return true;
  };
  trial.start();
  const Duration limit = limits_.max_wait.value_or(facts_.target.probe_deadline) * 2;
  (void)ports_.patience.until([&] { return trial.ended() || (trial.executed() && listens(trial)); },
                              limit);
  // Of a server with workers the import goes on after its first process listens.
  if (!trial.ended()) ports_.patience.rest(milliseconds(200));
  Duration waited{0};
  for (const ThreadLook& look : threads_of(trial.processes())) {
    waited = std::max(waited, look.waited);
  }
  const Duration age = trial.age();
  trial.finish();
  imports.measured = !imports.modules.empty();
  imports.total = total_of(imports.modules);
  if (age > Duration::zero()) {
    imports.ran_share = std::clamp(1 - to_seconds(waited) / to_seconds(age), 0.0, 1.0);
  }
  if (imports.measured && !ports_.patience.given_up()) measure_compiling();
}

/// In a fresh view of the folder: the starts before have left byte code in theirs.
void Examination::measure_compiling() {
  ports_.progress("looking for modules without byte code");
  sandbox::InstanceSpec spec = spec_on(facts_.target, kOtherPort);
  spec.env.emplace_back("PYTHONVERBOSE=1");
  ImportFacts& imports = facts_.imports;
  open_views(spec, "verbose");
  {
    Trial trial(room(), spec, Trial::Trap::kYes);
    trial.on_line = [&](std::string_view line) {
      auto path = parse_compiled_line(line);
      if (path && imports.source_files.size() < kMostCompiled &&
          std::find(imports.source_files.begin(), imports.source_files.end(), *path) ==
              imports.source_files.end()) {
        imports.source_files.push_back(*std::move(path));
      }
      return true;
    };
    trial.start();
    const Duration limit = limits_.max_wait.value_or(facts_.target.probe_deadline) * 2;
    (void)ports_.patience.until(
        [&] { return trial.ended() || (trial.executed() && listens(trial)); }, limit);
    trial.finish();
  }
  imports.from_source = static_cast<int>(imports.source_files.size());
  if (imports.source_files.empty() || ports_.patience.given_up()) return;
  spec = spec_on(facts_.target, kOtherPort);
  open_views(spec, "compile");
  spec.argv = {python_, "-c", kCompile};
  spec.argv.insert(spec.argv.end(), imports.source_files.begin(), imports.source_files.end());
  Trial trial(room(), spec, Trial::Trap::kNo);
  trial.on_line = [&](std::string_view line) {
    constexpr std::string_view kPrefix = "compiled in ";
    if (!line.starts_with(kPrefix)) return false;
    line.remove_prefix(kPrefix.size());
    double value = 0;
    std::from_chars(line.data(), line.data() + line.size(), value);
    imports.compile_cpu = seconds(value);
    return true;
  };
  trial.start();
  (void)ports_.patience.until([&] { return trial.ended(); }, seconds(60));
  trial.finish();
}

}  // namespace thaw::doctor
