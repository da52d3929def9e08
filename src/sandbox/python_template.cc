#include "sandbox/python_template.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "sandbox/leftovers.h"
#include "sandbox/text.h"

namespace thaw::sandbox {
namespace {

using Phase = TemplateState::Phase;
constexpr int kMostRemakes = 3;
constexpr size_t kMostWords = 200;

/// What a record and a snapshot hold for: a change of any of it makes them worthless.
std::string mark_of(const InstanceSpec& spec) {
  std::string text = fmt::format("{}\n{}\n{}\n{}\n", static_cast<int>(spec.templates),
                                 spec.working_dir, spec.cpu_millis, spec.memory.value);
  for (const std::string& word : spec.argv) text += word + '\0';
  text += '\n';
  for (const std::string& variable : spec.env) text += variable + '\0';
  for (const std::string_view part : {python_template_source(), python_recorder_source(),
                                      python_snapshot_source(), snapshot_restorer_program()}) {
    text += part;
  }
  return data_dir_hash(text);
}

ByteCount size_of(const std::string& path) {
  struct stat facts {};
  return ByteCount{::stat(path.c_str(), &facts) == 0 ? facts.st_blocks * 512 : 0};
}

}  // namespace

std::optional<PythonCommand> command_of(io::Disk& disk, const InstanceSpec& spec) {
  // A program that runs in the root's own files is looked for there; instances see the host's.
  return python_command(spec.argv, spec.env,
                        [&disk](const std::string& path) -> std::optional<std::string> {
                          auto text = disk.read_file(path, mib(1));
                          if (!text && !disk.exists(path)) return std::nullopt;
                          if (!text) return "";  // too long for a script
                          return text->substr(0, 256);
                        });
}

void run_recorder(InstanceSpec& spec) {
  const std::string name = "PYTHONPATH=";
  for (std::string& variable : spec.env) {
    if (!variable.starts_with(name)) continue;
    variable.insert(name.size(), std::string(kTemplateFolder) + ":");
    return;
  }
  spec.env.push_back(name + kTemplateFolder);
  spec.env.push_back("THAW_TEMPLATE_PYTHONPATH=none");
}

std::optional<TemplateReport> parse_template_report(std::string_view text) {
  TemplateReport report;
  for (const std::string_view line : split(text, '\n')) {
    if (line.starts_with("none ")) {
      report.none = line.substr(5, kMostWords);
      return report;
    }
    if (!line.starts_with("ready ")) continue;
    const auto words = split(line, ' ');
    if (words.size() < 3) return std::nullopt;
    report.modules = static_cast<int>(std::min<int64_t>(number(words[1]), 1'000'000));
    report.left_out = static_cast<int>(std::min<int64_t>(number(words[2]), 1'000'000));
    return report;
  }
  return std::nullopt;
}

bool PythonTemplates::is_python(const InstanceSpec& spec) const {
  return spec.templates != InstanceSpec::Templates::kOff && !snapshot_restorer_program().empty() &&
         command_of(disk_, spec).has_value();
}

std::string PythonTemplates::place(const RevisionId& revision) const {
  return folder_ + "/" + data_dir_hash(revision.str());
}

/// The file `state`: the mark, then "recorded", "ready MODULES LEFT-OUT" or "none WHY".
PythonTemplates::Known PythonTemplates::read(const InstanceSpec& spec) const {
  Known known;
  known.mark = mark_of(spec);
  known.state.phase = Phase::kRecording;
  const std::string folder = place(spec.revision);
  const std::string text = disk_.read_file(folder + "/state", kib(4)).value_or("");
  const size_t end = text.find('\n');
  if (end == text.npos || text.substr(0, end) != known.mark) return known;
  const std::string_view rest = std::string_view(text).substr(end + 1);
  if (rest.starts_with("recorded") && disk_.exists(folder + "/imports")) {
    known.state.phase = Phase::kRecorded;
  } else if (const auto report = parse_template_report(rest)) {
    const bool ready = report->none.empty() && disk_.exists(folder + "/image");
    known.state = {.phase = ready                  ? Phase::kReady
                            : report->none.empty() ? Phase::kRecorded
                                                   : Phase::kRefused,
                   .modules = report->modules,
                   .left_out = report->left_out,
                   .size = ready ? size_of(folder + "/image") : ByteCount{0},
                   .why = report->none};
  }
  return known;
}

PythonTemplates::Known* PythonTemplates::find(const InstanceSpec& spec) {
  if (!is_python(spec)) return nullptr;
  auto& known = known_[spec.revision];
  if (known.mark.empty()) known = read(spec);
  return &known;
}

PythonTemplates::Way PythonTemplates::way_of_start(const InstanceSpec& spec) {
  Known* known = find(spec);
  if (known == nullptr) return Way::kPlain;
  known->used = ++uses_;
  if (known->state.phase == Phase::kReady && disk_.exists(place(spec.revision) + "/image"))
    return Way::kRestoring;
  return known->state.phase == Phase::kRecording ? Way::kRecording : Way::kPlain;
}

bool PythonTemplates::wants_snapshot(const InstanceSpec& spec) {
  const Known* known = find(spec);
  return known != nullptr && known->state.phase == Phase::kRecorded;
}

InstanceSpec PythonTemplates::apply(Way way, const InstanceSpec& spec) const {
  InstanceSpec run = spec;
  const std::string folder = kTemplateFolder;
  if (way == Way::kRecording) {
    run.env.push_back("THAW_TEMPLATE_RECORD=1");
    run_recorder(run);
  } else if (way == Way::kRestoring) {
    run.argv = {folder + "/thaw-restore", kSnapshot, "0"};
    run.argv.insert(run.argv.end(), spec.argv.begin(), spec.argv.end());
  } else if (way == Way::kMaking) {
    const std::optional<PythonCommand> command = command_of(disk_, spec);
    if (!command) return run;
    run.argv = command->interpreter;
    const bool module = spec.templates == InstanceSpec::Templates::kModule;
    for (std::string word :
         {folder + "/template.py", std::string(kPreload), std::string(kSnapshot),
          std::string(module ? "module" : "libraries"), std::to_string(spec.cpu_millis),
          std::string(command->kind == PythonCommand::Kind::kModule ? "module" : "script"),
          command->target}) {
      run.argv.push_back(std::move(word));
    }
    run.argv.insert(run.argv.end(), command->arguments.begin(), command->arguments.end());
  }
  return run;
}

PythonTemplates::Files PythonTemplates::files(Way way, const InstanceSpec& spec) const {
  const std::string folder = place(spec.revision);
  if (way == Way::kRestoring) return {.snapshot = folder + "/image"};
  if (way != Way::kMaking) return {};
  return {.preload = folder + "/imports",
          .snapshot = folder + "/image.new",
          .limit = std::min(spec.memory, most_)};
}

void PythonTemplates::settle(const RevisionId& revision, TemplateState state) {
  Known& known = known_[revision];
  known.state = std::move(state);
  const TemplateState& now = known.state;
  const std::string words = now.phase == Phase::kReady
                                ? fmt::format("ready {} {}", now.modules, now.left_out)
                            : now.phase == Phase::kRefused ? "none " + now.why.substr(0, kMostWords)
                                                           : "recorded";
  const std::string folder = place(revision);
  Status kept = disk_.make_dirs(folder);
  if (kept)
    kept = disk_.write_file_durably(folder + "/state", fmt::format("{}\n{}\n", known.mark, words));
  if (now.phase != Phase::kReady) {
    (void)disk_.remove_file(folder + "/image");
    (void)disk_.remove_file(folder + "/image.new");
  }
  if (!kept) {
    log_warning("the state of a template was not kept",
                {{"revision", revision}, {"error", kept.error().message()}});
  }
}

void PythonTemplates::record(const InstanceSpec& spec, std::string_view imports) {
  Known* known = find(spec);
  if (known == nullptr || known->state.phase != Phase::kRecording) return;
  const std::string folder = place(spec.revision);
  Status kept = disk_.make_dirs(folder);
  if (kept) kept = disk_.write_file_durably(folder + "/imports", imports);
  if (!kept) return distrust(spec.revision, kept.error().message());
  settle(spec.revision, {.phase = Phase::kRecorded});
}

Status PythonTemplates::prepare(const InstanceSpec& spec) {
  const std::string path = place(spec.revision) + "/image.new";
  (void)disk_.remove_file(path);
  return disk_.write_file(path, "");
}

void PythonTemplates::made(const InstanceSpec& spec, std::string_view report, std::string why) {
  const Known* known = find(spec);
  if (known == nullptr || known->state.phase != Phase::kRecorded) return;  // discarded meanwhile
  const auto said = parse_template_report(report);
  if (said && !said->none.empty()) why = said->none;
  if (!said && why.empty()) why = "importing its modules ahead ended the process";
  if (!why.empty()) return distrust(spec.revision, std::move(why));
  const std::string folder = place(spec.revision);
  if (const Status renamed = disk_.rename(folder + "/image.new", folder + "/image"); !renamed)
    return distrust(spec.revision, renamed.error().message());
  settle(spec.revision, {.phase = Phase::kReady,
                         .modules = said->modules,
                         .left_out = said->left_out,
                         .size = size_of(folder + "/image")});
  make_room(spec.revision);
}

/// Others go until all together are within the limit, also those that an earlier run has left.
void PythonTemplates::make_room(const RevisionId& revision) {
  std::vector<std::pair<uint64_t, std::string>> places;  // when used, which
  int64_t sum = 0;
  for (const std::string& name : disk_.list(folder_).value_or(std::vector<std::string>())) {
    uint64_t used = 0;
    for (const auto& [id, known] : known_) {
      if (place(id) == folder_ + "/" + name) used = id == revision ? UINT64_MAX : known.used;
    }
    sum += size_of(folder_ + "/" + name + "/image").value;
    places.emplace_back(used, folder_ + "/" + name);
  }
  std::ranges::sort(places);
  for (const auto& [used, path] : places) {
    if (sum <= most_.value || used == UINT64_MAX) return;
    sum -= size_of(path + "/image").value;
    (void)disk_.remove_tree(path);
    std::erase_if(known_,
                  [&, &path = path](const auto& entry) { return place(entry.first) == path; });
  }
}

bool PythonTemplates::refused(const InstanceSpec& spec, std::string_view why) {
  Known* known = find(spec);
  if (known == nullptr || known->state.phase != Phase::kReady) return false;
  if (++known->remakes > kMostRemakes) {
    distrust(spec.revision, std::string(why.substr(0, kMostWords)));
    return false;
  }
  settle(spec.revision, {.phase = Phase::kRecorded});
  return true;
}

void PythonTemplates::restored(const RevisionId& revision) {
  const auto known = known_.find(revision);
  if (known != known_.end()) known->second.remakes = 0;
}

void PythonTemplates::distrust(const RevisionId& revision, std::string why) {
  if (!known_.contains(revision)) return;  // discarded meanwhile
  log_warning("a revision has no template", {{"revision", revision}, {"why", why}});
  settle(revision, {.phase = Phase::kRefused, .why = std::move(why)});
}

void PythonTemplates::discard(const RevisionId& revision) {
  known_.erase(revision);
  (void)disk_.remove_tree(place(revision));
}

TemplateState PythonTemplates::state(const RevisionId& revision) const {
  const auto known = known_.find(revision);
  return known == known_.end() ? TemplateState{} : known->second.state;
}

}  // namespace thaw::sandbox
