#include "sandbox/python_template.h"

#include <algorithm>
#include <utility>

#include "sandbox/python_command.h"
#include "sandbox/text.h"

namespace thaw::sandbox {
namespace {

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

}  // namespace

std::optional<TemplateStatus> parse_template_status(std::string_view text) {
  constexpr size_t kMostWords = 200;
  TemplateStatus status;
  bool is_first = true;
  for (const std::string_view line : split(text, '\n')) {
    if (std::exchange(is_first, false)) {
      if (line.starts_with("none ")) {
        status.none = line.substr(5, kMostWords);
        return status;
      }
      if (!line.starts_with("ready ")) return std::nullopt;
      status.modules = static_cast<int>(std::min<int64_t>(number(line.substr(6)), 1'000'000));
    } else if (line.starts_with("left-out ")) {
      ++status.left_out;
    }
  }
  return status;
}

bool PythonTemplates::is_python(const InstanceSpec& spec) const {
  return spec.templates != InstanceSpec::Templates::kOff && command_of(disk_, spec).has_value();
}

PythonTemplates::Way PythonTemplates::way_of_start(const InstanceSpec& spec) const {
  return !known_.contains(spec.revision) && is_python(spec) ? Way::kRecording : Way::kPlain;
}

PythonTemplates::Way PythonTemplates::way_of_ready(const InstanceSpec& spec) const {
  const auto known = known_.find(spec.revision);
  // What is kept ready may be the first to run.
  if (known == known_.end()) return is_python(spec) ? Way::kRecording : Way::kPlain;
  const bool wanted = known->second.distrust.empty() && is_python(spec);
  return wanted ? Way::kTemplate : Way::kPlain;
}

InstanceSpec PythonTemplates::apply(Way way, const InstanceSpec& spec) const {
  InstanceSpec run = spec;
  if (way == Way::kRecording) {
    const std::string name = "PYTHONPATH=";
    run.env.push_back("THAW_TEMPLATE_RECORD=1");
    for (std::string& variable : run.env) {
      if (!variable.starts_with(name)) continue;
      variable.insert(name.size(), std::string(kTemplateFolder) + ":");
      return run;
    }
    run.env.push_back(name + kTemplateFolder);
    run.env.push_back("THAW_TEMPLATE_PYTHONPATH=none");
  } else if (way == Way::kTemplate) {
    const std::optional<PythonCommand> command = command_of(disk_, spec);
    if (!command) return run;
    const std::string folder = kTemplateFolder;
    run.argv = command->interpreter;
    const bool module = spec.templates == InstanceSpec::Templates::kModule;
    for (std::string word :
         {folder + "/template.py", folder + "/preload", std::string(kTemplateStatus),
          std::string(module ? "module" : "libraries"),
          std::string(command->kind == PythonCommand::Kind::kModule ? "module" : "script"),
          command->target}) {
      run.argv.push_back(std::move(word));
    }
    run.argv.insert(run.argv.end(), command->arguments.begin(), command->arguments.end());
  }
  return run;
}

Status PythonTemplates::write_folder(const InstanceSpec& spec, const std::string& folder) const {
  RETURN_IF_ERROR(disk_.make_dirs(folder));
  const auto known = known_.find(spec.revision);
  if (known == known_.end())
    return disk_.write_file(folder + "/sitecustomize.py", std::string(python_recorder_source()));
  RETURN_IF_ERROR(disk_.write_file(folder + "/preload", known->second.imports));
  return disk_.write_file(folder + "/template.py", std::string(python_template_source()));
}

void PythonTemplates::record(const RevisionId& revision, std::string imports) {
  known_[revision].imports = std::move(imports);
}

void PythonTemplates::distrust(const RevisionId& revision, std::string why) {
  known_[revision].distrust = std::move(why);
}

std::string PythonTemplates::why_none(const RevisionId& revision) const {
  const auto known = known_.find(revision);
  return known == known_.end() ? "" : known->second.distrust;
}

}  // namespace thaw::sandbox
