#include "sandbox/machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <vector>

#include "sandbox/text.h"

namespace thaw::sandbox {
namespace {

constexpr ByteCount kMaxMountinfo = mib(16);
constexpr int kCapSysAdmin = 21;  // linux/capability.h
constexpr int kCapSysResource = 24;

/// The v1 controllers that limits and statistics need.
constexpr std::string_view kNeeded[] = {"memory", "cpu", "cpuacct", "pids"};

/// mountinfo writes blanks in paths as "\040" and so on.
std::string unescape(std::string_view path) {
  std::string out;
  for (size_t i = 0; i < path.size(); ++i) {
    int value = 0;
    const char* digits = path.data() + i + 1;
    if (path[i] == '\\' && i + 3 < path.size() &&
        std::from_chars(digits, digits + 3, value, 8).ptr == digits + 3) {
      out += static_cast<char>(value);
      i += 3;
    } else {
      out += path[i];
    }
  }
  return out;
}

struct Mount {
  std::string point;
  std::string_view type;
  std::string_view options;  // of the file system
};

/// "36 35 98:0 /root /point rw,noatime master:1 - type source options"
bool parse_mount(std::string_view line, Mount& mount) {
  const std::vector<std::string_view> words = split(line, ' ');
  const auto dash = std::find(words.begin(), words.end(), "-");
  if (words.size() < 6 || words.end() - dash < 4) return false;
  mount = {unescape(words[4]), dash[1], dash[3]};
  return true;
}

}  // namespace

void read_cgroup_mounts(std::string_view mountinfo, std::string_view unified_controllers,
                        Machine& machine) {
  machine.controllers.clear();
  machine.hierarchies.clear();
  machine.unified.clear();
  for (std::string_view line : split(mountinfo, '\n')) {
    Mount mount;
    if (!parse_mount(line, mount)) continue;
    if (mount.type == "cgroup2") machine.unified = mount.point;
    if (mount.type == "cgroup" || mount.type == "cgroup2") {
      machine.hierarchies.push_back(mount.point);
    }
    if (mount.type != "cgroup") continue;
    for (std::string_view option : split(mount.options, ',')) {
      if (option == "rw" || option == "ro" || option.find('=') != option.npos) continue;
      machine.controllers.emplace(option, mount.point);
    }
  }
  const bool v1 = !machine.controllers.empty();
  const bool v2 = !machine.unified.empty();
  machine.cgroups = v1 && v2 ? Machine::Cgroups::kHybrid
                    : v1     ? Machine::Cgroups::kV1
                    : v2     ? Machine::Cgroups::kV2
                             : Machine::Cgroups::kNone;
  if (machine.cgroups != Machine::Cgroups::kV2) return;
  for (std::string_view name : split(trim(unified_controllers), ' ')) {
    if (!name.empty()) machine.controllers.emplace(name, machine.unified);
  }
  // cgroup v2 counts CPU time without a controller.
  machine.controllers.emplace("cpuacct", machine.unified);
}

void read_privileges(std::string_view status, std::string_view limits, Machine& machine) {
  machine.user = std::string(trim(field(status, "Uid")));
  machine.user = machine.user.substr(0, machine.user.find_first_of(" \t"));
  const std::string_view hex = trim(field(status, "CapEff"));
  uint64_t capabilities = 0;
  std::from_chars(hex.data(), hex.data() + hex.size(), capabilities, 16);
  machine.root = machine.user == "0" && (capabilities >> kCapSysAdmin & 1) != 0;
  machine.open_files = 0;
  if ((capabilities >> kCapSysResource & 1) != 0) return;
  // "Max open files            1024                 20000                files"
  const std::string_view row = field(limits, "Max open files");
  const size_t soft_end = row.find(' ');
  if (soft_end != row.npos) machine.open_files = number(row.substr(soft_end));
}

Result<Machine> inspect_machine(io::Disk& disk) {
  Machine machine;
  ASSIGN_OR_RETURN(const std::string status, disk.read_file("/proc/self/status", mib(1)));
  ASSIGN_OR_RETURN(const std::string limits, disk.read_file("/proc/self/limits", mib(1)));
  read_privileges(status, limits, machine);
  ASSIGN_OR_RETURN(const std::string mounts, disk.read_file("/proc/self/mountinfo", kMaxMountinfo));
  read_cgroup_mounts(mounts, "", machine);
  if (machine.cgroups == Machine::Cgroups::kV2) {
    ASSIGN_OR_RETURN(const std::string names,
                     disk.read_file(machine.unified + "/cgroup.controllers", mib(1)));
    read_cgroup_mounts(mounts, names, machine);
    machine.swap_limit = true;
  } else if (machine.controllers.contains("memory")) {
    machine.swap_limit =
        disk.exists(machine.controllers["memory"] + "/memory.memsw.limit_in_bytes");
  }
  for (const char* path : {"/usr/bin/crun", "/usr/local/bin/crun", "/usr/sbin/crun", "/bin/crun"}) {
    if (machine.crun.empty() && disk.exists(path)) machine.crun = path;
  }
  return machine;
}

std::string why_no_containers(const Machine& machine) {
  if (!machine.root) {
    return fmt::format("the platform runs as uid {} without CAP_SYS_ADMIN; start it as root",
                       machine.user);
  }
  if (machine.crun.empty()) return "crun is not installed; apt install crun";
  if (machine.cgroups == Machine::Cgroups::kHybrid) {
    return fmt::format("cgroup v1 and v2 are both mounted ({}), which crun refuses; unmount {}",
                       machine.unified, machine.unified);
  }
  for (std::string_view needed : kNeeded) {
    if (machine.controllers.contains(std::string(needed))) continue;
    return fmt::format(
        "the cgroup controller '{}' is not there; enable it in the kernel's "
        "command line or in the outer container",
        needed);
  }
  return "";
}

}  // namespace thaw::sandbox
