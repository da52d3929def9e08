#include "sandbox/cgroup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>
#include <string>

#include "sandbox/bundle.h"
#include "sandbox/own_fd.h"
#include "sandbox/text.h"

namespace thaw::sandbox {
namespace {

// cgroup v1 writes "no limit" as the largest page-aligned number.
constexpr int64_t kNoLimit = int64_t{1} << 60;

/// One write(2) into a control file that is there: a wake waits for this.
Status write_control(const std::string& path, std::string_view word) {
  const OwnFd file(::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
  if (!file) return errno_error("open " + path, errno);
  if (::write(file.get(), word.data(), word.size()) < 0) return errno_error("write " + path, errno);
  return {};
}

/// Removes a folder of a cgroup file system and the folders below it.
Status remove_groups(io::Disk& disk, const std::string& path, int depth = 0) {
  if (::rmdir(path.c_str()) == 0 || errno == ENOENT) return {};
  const int error = errno;
  if (error != EBUSY && error != ENOTEMPTY) return errno_error("rmdir " + path, error);
  if (depth < 16) {
    if (auto names = disk.list(path)) {
      for (const std::string& name : *names) {
        // Control files have a dot after their controller's name, or are one of these two.
        if (disk.exists(path + "/" + name + "/cgroup.procs")) {
          RETURN_IF_ERROR(remove_groups(disk, path + "/" + name, depth + 1));
        }
      }
    }
  }
  if (::rmdir(path.c_str()) == 0 || errno == ENOENT) return {};
  return errno_error("rmdir " + path, errno);
}

}  // namespace

Cgroups::Cgroups(io::Disk& disk, const Machine& machine, std::string parent)
    : disk_(disk), machine_(machine), parent_(std::move(parent)) {}

CgroupFacts Cgroups::read(const std::string& name) const {
  CgroupFacts facts;
  const bool v2 = machine_.cgroups == Machine::Cgroups::kV2;
  const char* current = v2 ? "memory.current" : "memory.usage_in_bytes";
  const char* peak = v2 ? "memory.peak" : "memory.max_usage_in_bytes";
  const char* limit = v2 ? "memory.max" : "memory.limit_in_bytes";
  facts.usage.memory = {number(read_file(file("memory", name, current)))};
  if (v2) {
    facts.usage.swapped = {number(read_file(file("memory", name, "memory.swap.current")))};
  } else {
    facts.usage.swapped = {number(field(read_file(file("memory", name, "memory.stat")), "swap"))};
  }
  facts.usage.memory_peak = {number(read_file(file("memory", name, peak)))};
  facts.memory_limit = {number(read_file(file("memory", name, limit)))};
  if (facts.memory_limit.value >= kNoLimit) facts.memory_limit = {0};
  if (v2) {
    const std::string stat = read_file(file("cpuacct", name, "cpu.stat"));
    facts.usage.cpu = std::chrono::microseconds(number(field(stat, "usage_usec")));
  } else {
    facts.usage.cpu = Duration(number(read_file(file("cpuacct", name, "cpuacct.usage"))));
  }
  facts.oom_kills = oom_kills(name);
  return facts;
}

int64_t Cgroups::oom_kills(const std::string& name) const {
  const bool v2 = machine_.cgroups == Machine::Cgroups::kV2;
  return number(field(read_file(file("memory", name, v2 ? "memory.events" : "memory.oom_control")),
                      "oom_kill"));
}

Status Cgroups::freeze(const std::string& name) const {
  const std::string path = freezer(name);
  if (path.empty()) return Error(Code::kUnavailable, "this machine has no freezer cgroup");
  return write_control(path, machine_.cgroups == Machine::Cgroups::kV2 ? "1" : "FROZEN");
}

void Cgroups::thaw(const std::string& name) const {
  const std::string path = freezer(name);
  if (path.empty()) return;
  (void)write_control(path, machine_.cgroups == Machine::Cgroups::kV2 ? "0" : "THAWED");
}

void Cgroups::allow(const std::string& name, Swap swap) const {
  if (machine_.cgroups != Machine::Cgroups::kV2) return;
  (void)write_control(file("memory", name, "memory.swap.max"),
                      swap == Swap::kAllowed ? "max" : "0");
}

Status Cgroups::limit_cpu(const std::string& name, int cpu_millis) const {
  const int64_t quota = cpu_quota_us(cpu_millis);
  if (machine_.cgroups == Machine::Cgroups::kV2) {
    return write_control(file("cpu", name, "cpu.max"), fmt::format("{} {}", quota, kCpuPeriodUs));
  }
  return write_control(file("cpu", name, "cpu.cfs_quota_us"), std::to_string(quota));
}

SqueezeFiles Cgroups::squeeze_files(const std::string& name) const {
  const bool v2 = machine_.cgroups == Machine::Cgroups::kV2;
  return {.stat = file("memory", name, "memory.stat"),
          .usage = file("memory", name, v2 ? "memory.current" : "memory.usage_in_bytes"),
          .limit = file("memory", name, v2 ? "memory.high" : "memory.limit_in_bytes"),
          .swappiness = v2 ? "" : file("memory", name, "memory.swappiness")};
}

std::string Cgroups::reclaimable(const std::string& name) const {
  const std::string path = file("memory", name, "memory.reclaim");
  if (machine_.cgroups != Machine::Cgroups::kV2 || !disk_.exists(path)) return "";
  return machine_.unified + this->path(name);
}

std::string Cgroups::freezer(const std::string& name) const {
  if (machine_.cgroups != Machine::Cgroups::kV2) return file("freezer", name, "freezer.state");
  return machine_.unified + path(name) + "/cgroup.freeze";
}

std::vector<std::string> Cgroups::list() const {
  std::set<std::string> names;
  for (const std::string& root : roots()) {
    const auto entries = disk_.list(root + "/" + parent_);
    if (!entries) continue;
    for (const std::string& name : *entries) {
      if (disk_.exists(root + path(name) + "/cgroup.procs")) names.insert(name);
    }
  }
  return {names.begin(), names.end()};
}

std::vector<pid_t> Cgroups::processes(const std::string& name) const {
  std::set<pid_t> pids;
  for (const std::string& root : roots()) {
    const std::string text = read_file(root + path(name) + "/cgroup.procs");
    for (std::string_view line : split(text, '\n')) {
      if (number(line) > 0) pids.insert(static_cast<pid_t>(number(line)));
    }
  }
  return {pids.begin(), pids.end()};
}

Status Cgroups::remove(const std::string& name) const {
  for (const std::string& root : roots()) {
    RETURN_IF_ERROR(remove_groups(disk_, root + path(name)));
  }
  return {};
}

void Cgroups::remove_parent() const {
  for (const std::string& root : roots()) {
    const std::string path = root + "/" + parent_;
    (void)::rmdir(path.c_str());
  }
}

std::string Cgroups::file(const char* controller, const std::string& name, const char* leaf) const {
  const auto found = machine_.controllers.find(controller);
  if (found == machine_.controllers.end()) return "";
  return found->second + path(name) + "/" + leaf;
}

std::string Cgroups::read_file(const std::string& path) const {
  if (path.empty()) return "";
  return disk_.read_file(path, mib(4)).value_or("");
}

/// The mount points of all hierarchies, also those that only crun uses (named ones).
std::vector<std::string> Cgroups::roots() const {
  std::set<std::string> roots(machine_.hierarchies.begin(), machine_.hierarchies.end());
  return {roots.begin(), roots.end()};
}

}  // namespace thaw::sandbox
