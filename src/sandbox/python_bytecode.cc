#include "sandbox/python_bytecode.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "sandbox/leftovers.h"
#include "sandbox/python_template.h"
#include "sandbox/text.h"

namespace thaw::sandbox {
namespace {

constexpr int kMostCompiles = 8;

/// What a cache holds for. Whether a source has changed is looked at by the start that reads it.
std::string mark_of(const InstanceSpec& spec) {
  std::string text = spec.working_dir + '\n';
  for (const std::string& word : spec.argv) text += word + '\0';
  text += '\n';
  for (const std::string& variable : spec.env) text += variable + '\0';
  text += python_bytecode_source();
  text += python_compiler_source();
  return data_dir_hash(text);
}

ByteCount size_of(const std::string& path) {
  struct stat facts {};
  return ByteCount{::stat(path.c_str(), &facts) == 0 ? facts.st_size : 0};
}

}  // namespace

std::string PythonByteCode::place(const RevisionId& revision) const {
  return folder_ + "/" + data_dir_hash(revision.str());
}

PythonByteCode::Known* PythonByteCode::find(const InstanceSpec& spec) {
  if (spec.byte_code == InstanceSpec::ByteCode::kOff || !command_of(disk_, spec)) return nullptr;
  Known& known = known_[spec.revision];
  const std::string mark = mark_of(spec);
  if (known.mark == mark) return &known;
  known = {.mark = mark};
  // The file `state`: the mark, then the number of modules.
  const std::string text = disk_.read_file(place(spec.revision) + "/state", kib(4)).value_or("");
  const auto lines = split(text, '\n');
  if (lines.size() >= 2 && lines[0] == mark && disk_.exists(place(spec.revision) + "/code"))
    known.modules = static_cast<int>(std::min<int64_t>(number(lines[1]), 1'000'000));
  return &known;
}

PythonByteCode::Use PythonByteCode::use(const InstanceSpec& spec) {
  Known* known = find(spec);
  if (known == nullptr) return {};
  known->used = ++uses_;
  const std::string cache = place(spec.revision) + "/code";
  const bool has_cache = known->modules > 0 && disk_.exists(cache);
  if (!has_cache) known->modules = 0;
  return {.is_watched = has_cache || !known->settled,
          .cache = has_cache ? cache : "",
          .modules = known->modules};
}

void PythonByteCode::watch(InstanceSpec& spec, Recorder recorder) {
  spec.env.push_back("THAW_BYTECODE=1");
  if (recorder == Recorder::kAbsent) run_recorder(spec);
}

bool PythonByteCode::record(const InstanceSpec& spec, std::string_view sources) {
  Known* known = find(spec);
  if (known == nullptr) return false;
  // What could not be compiled is lacked by every start.
  const std::string lacked = sources.empty() ? "" : data_dir_hash(std::string(sources));
  if (lacked.empty() || known->compiles >= kMostCompiles ||
      std::exchange(known->lacked, lacked) == lacked) {
    known->settled = true;
    return false;
  }
  const std::string folder = place(spec.revision);
  Status kept = disk_.make_dirs(folder);
  if (kept) kept = disk_.write_file(folder + "/sources", sources);
  if (kept) return true;
  log_warning("byte code is not compiled ahead",
              {{"revision", spec.revision.str()}, {"error", kept.error().message()}});
  known->settled = true;
  return false;
}

Status PythonByteCode::prepare(const InstanceSpec& spec) {
  Known* known = find(spec);
  if (known == nullptr) return Error(Code::kFailedPrecondition, "byte code is off");
  ++known->compiles;
  return disk_.write_file(place(spec.revision) + "/code.new", "");
}

InstanceSpec PythonByteCode::compiler(const InstanceSpec& spec) const {
  InstanceSpec run = spec;
  const auto command = command_of(disk_, spec);
  if (!command) return run;
  run.argv = command->interpreter;
  // Without `site`: nothing of the program's is run.
  for (const char* word : {"-S", "-B"}) run.argv.emplace_back(word);
  run.argv.push_back(std::string(kTemplateFolder) + "/compile_sources.py");
  for (const char* word : {kSourceList, kByteCode, kNewByteCode}) run.argv.emplace_back(word);
  return run;
}

std::vector<OwnFile> PythonByteCode::compiler_files(const InstanceSpec& spec) const {
  const std::string folder = place(spec.revision);
  const std::string old = folder + "/code";
  return {{folder + "/sources", kSourceList},
          {disk_.exists(old) ? old : "", kByteCode},
          {folder + "/code.new", kNewByteCode, OwnFile::Use::kWrite}};
}

void PythonByteCode::made(const InstanceSpec& spec, std::string_view report, std::string why) {
  const auto known = known_.find(spec.revision);
  if (known == known_.end()) return;  // discarded meanwhile
  const std::string folder = place(spec.revision);
  const auto said = parse_template_report(report);
  if (why.empty() && !said) why = "the compiler said nothing";
  if (said && !said->none.empty()) why = said->none;
  if (why.empty()) {
    Status kept = disk_.rename(folder + "/code.new", folder + "/code");
    if (kept) {
      kept = disk_.write_file(folder + "/state",
                              fmt::format("{}\n{}\n", known->second.mark, said->modules));
    }
    if (!kept) why = kept.error().message();
  }
  (void)disk_.remove_file(folder + "/code.new");
  if (!why.empty()) {
    log_info("byte code was not compiled ahead", {{"revision", spec.revision.str()}, {"why", why}});
    known->second.settled = true;
    return;
  }
  known->second.modules = said->modules;
  make_room(spec.revision);
}

/// Others go until all together are within the limit, also those that an earlier run has left.
void PythonByteCode::make_room(const RevisionId& revision) {
  std::vector<std::pair<uint64_t, std::string>> places;  // when used, which
  int64_t sum = 0;
  for (const std::string& name : disk_.list(folder_).value_or(std::vector<std::string>())) {
    const std::string path = folder_ + "/" + name;
    uint64_t used = 0;
    for (const auto& [id, known] : known_) {
      if (place(id) == path) used = id == revision ? UINT64_MAX : known.used;
    }
    sum += size_of(path + "/code").value;
    places.emplace_back(used, path);
  }
  std::ranges::sort(places);
  for (const auto& [used, path] : places) {
    if (sum <= most_.value || used == UINT64_MAX) return;
    sum -= size_of(path + "/code").value;
    (void)disk_.remove_tree(path);
    std::erase_if(known_,
                  [&, &path = path](const auto& entry) { return place(entry.first) == path; });
  }
}

void PythonByteCode::discard(const RevisionId& revision) {
  known_.erase(revision);
  (void)disk_.remove_tree(place(revision));
}

}  // namespace thaw::sandbox
