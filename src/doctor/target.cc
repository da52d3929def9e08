#include "doctor/target.h"

#include <algorithm>
#include <filesystem>

#include "control/runtime_config.h"
#include "doctor/launch.h"
#include "spec/defaults.h"
#include "spec/parse.h"
#include "spec/settings.h"

namespace thaw::doctor {
namespace {

constexpr ByteCount kLargestFile = mib(1);

std::string last_part(const std::string& path) { return path.substr(path.rfind('/') + 1); }

/// A service's name: letters, digits, dashes, a letter first.
std::string as_name(const std::string& text) {
  std::string name;
  for (const char c : text) {
    if (name.size() >= 40) break;
    if ((c >= 'a' && c <= 'z') || (!name.empty() && c >= '0' && c <= '9')) {
      name += c;
    } else if (c >= 'A' && c <= 'Z') {
      name += static_cast<char>(c - 'A' + 'a');
    } else if (!name.empty() && name.back() != '-') {
      name += '-';
    }
  }
  while (name.ends_with('-')) name.pop_back();
  return name.empty() ? "program" : name;
}

/// What the image keeps at its WORKDIR lies in the folder here.
void move_paths(Launch& launch, const std::string& directory) {
  const std::string from = launch.working_dir;
  if (!from.starts_with('/') || from == "/") return;
  for (std::string& word : launch.argv) {
    if (word == from || word.starts_with(from + "/")) word = directory + word.substr(from.size());
  }
}

/// Images of Python call it python; Debian calls it python3.
void use_python3(Launch& launch) {
  std::string& word = launch.argv[0] == "/bin/sh" ? launch.argv.back() : launch.argv[0];
  const size_t at = word.starts_with("exec ") ? 5 : 0;
  const std::string_view rest = std::string_view(word).substr(at);
  if (rest == "python" || rest.starts_with("python ")) word.insert(at + 6, "3");
}

Result<spec::Service> service_of_folder(const Request& request, io::Disk& disk, Target& target) {
  const auto read = [&](std::string_view name) -> std::optional<std::string> {
    auto text = disk.read_file(request.directory + "/" + std::string(name), kLargestFile);
    if (!text) return std::nullopt;
    return *std::move(text);
  };
  auto launch = launch_of(read);
  if (!launch) return std::move(launch).error().with_context(request.directory);
  move_paths(*launch, request.directory);
  use_python3(*launch);
  target.found_by = launch->found_by;
  target.directory = request.directory;
  spec::Service service;
  spec::Container container;
  container.command = launch->argv;
  for (const auto& [name, value] : launch->env) {
    if (name != "PORT" && name != "PATH") container.env.push_back({name, value});
  }
  container.working_dir = request.directory;
  service.template_.spec.containers.push_back(std::move(container));
  return service;
}

void apply_limits(const Request& request, spec::Service& service) {
  spec::Container& container = service.template_.spec.containers[0];
  if (request.memory) container.resources.memory = request.memory;
  if (request.cpu) container.resources.cpu = request.cpu;
  if (request.concurrency) service.template_.spec.container_concurrency = *request.concurrency;
}

/// The folder that the service's program lies in, as far as its words tell.
std::string folder_of(const sandbox::InstanceSpec& instance) {
  if (!instance.working_dir.empty() && instance.working_dir != "/") return instance.working_dir;
  for (const std::string& word : instance.argv) {
    const size_t slash = word.rfind('/');
    const bool is_script = word.ends_with(".py") || word.ends_with(".js") || word.ends_with(".sh");
    if (word.starts_with('/') && is_script && slash > 0) return word.substr(0, slash);
  }
  return "";
}

bool is_below(std::string_view path, std::string_view folder) {
  return path == folder || (path.starts_with(folder) && path[folder.size()] == '/');
}

/// In folders of the system nothing of the program's own lies; instances see them as they are.
bool is_of_the_system(std::string_view path) {
  for (std::string_view folder :
       {"/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/proc", "/sys", "/dev", "/boot"}) {
    if (is_below(path, folder)) return true;
  }
  return false;
}

/// The folder of a file, or the file where instances have their own instead of its folder.
std::string shown_for(const std::string& path, io::Disk& disk) {
  if (disk.list(path)) return path;
  const std::string folder = path.substr(0, path.rfind('/'));
  for (std::string_view own : {"", "/tmp", "/var/tmp", "/run"}) {
    if (folder == own) return path;
  }
  return folder;
}

/// What words of the command name outside of the program's folder: "/srv/app.py", "../app.py",
/// "--config=/srv/app.yaml".
std::vector<std::string> elsewhere_of(const Target& target, io::Disk& disk) {
  constexpr size_t kMost = 4;
  std::vector<std::string> found;
  for (const std::string& word : target.instance.argv) {
    const size_t equals = word.starts_with('-') ? word.find('=') : word.npos;
    std::string path = equals == word.npos ? word : word.substr(equals + 1);
    if (path.find('/') == path.npos) continue;
    if (!path.starts_with('/')) path.insert(0, target.instance.working_dir + "/");
    path = std::filesystem::path(path).lexically_normal();
    while (path.size() > 1 && path.ends_with('/')) path.pop_back();
    if (path == "/" || is_of_the_system(path) || !disk.exists(path)) continue;
    const std::string shown = shown_for(path, disk);
    const auto covers = [&](const std::string& folder) { return is_below(shown, folder); };
    if (!target.directory.empty() && covers(target.directory)) continue;
    if (std::any_of(found.begin(), found.end(), covers)) continue;
    std::erase_if(found, [&](const std::string& other) { return is_below(other, shown); });
    if (found.size() < kMost) found.push_back(shown);
  }
  // A folder is shown before what is mounted in it.
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

Result<Target> target_of(const Request& request, io::Disk& disk,
                         const std::vector<std::string>& serve_argv) {
  Target target;
  spec::Service service;
  if (request.service) {
    service = *request.service;
    target.kind = request.deployed ? Target::Kind::kService : Target::Kind::kFile;
    target.name = service.metadata.name;
  } else if (!request.directory.empty()) {
    target.kind = Target::Kind::kDirectory;
    target.name = last_part(request.directory);
    ASSIGN_OR_RETURN(service, service_of_folder(request, disk, target));
  } else {
    target.kind = Target::Kind::kCommand;
    target.name = last_part(request.command[0]);
    target.directory = request.working_dir;
    spec::Container container;
    container.command = request.command;
    container.working_dir = request.working_dir;
    service.template_.spec.containers.push_back(std::move(container));
  }
  if (!request.service) {
    service.metadata.name = as_name(target.name);
    service.template_.spec.containers[0].image = spec::kHostImage;
  }
  apply_limits(request, service);
  RETURN_IF_ERROR(spec::validate(service));
  const auto& ports = service.template_.spec.containers[0].ports;
  target.port_stated = !ports.empty() && ports[0].container_port != 0;
  spec::apply_defaults(service);

  control::Revision revision;
  revision.service = ServiceId(service.metadata.name);
  revision.name = RevisionId(service.metadata.name + "-doctor");
  revision.template_ = service.template_;
  const serving::RevisionConfig config = control::runtime_config(
      revision, {serve_argv, {}}, control::own_bounds(revision), serving::Reachability::kReachable);
  target.instance = config.instance;
  target.concurrency = config.container_concurrency;
  target.throttled = config.cpu == serving::CpuAllocation::kRequestBased;
  target.probe_deadline = spec::settings_of(service.template_).startup_probe.deadline();
  if (config.startup_probe.kind == serving::Probe::Kind::kHttpGet) {
    target.probe_path = config.startup_probe.path;
  }
  target.request_path = request.request_path;
  if (target.directory.empty()) target.directory = folder_of(target.instance);
  target.elsewhere = elsewhere_of(target, disk);
  return target;
}

}  // namespace thaw::doctor
