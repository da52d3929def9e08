#include "tensor/cpu_limit.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <string>

namespace thaw::tensor {
namespace {

std::optional<int64_t> first_number(std::string_view text) {
  int64_t value = 0;
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault != std::errc()) return std::nullopt;
  return value;
}

std::optional<int> cpus(std::optional<int64_t> quota, std::optional<int64_t> period) {
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  constexpr int64_t kMany = 4096;
  return static_cast<int>(std::clamp<int64_t>((*quota - 1) / *period + 1, 1, kMany));
}

std::string read_small(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  return text.str();
}

/// The limits of a cgroup and all above it; `root` is where its hierarchy is mounted.
void apply_limits(const std::string& root, std::string path, int& count) {
  for (;;) {
    const std::string folder = root + path;
    const auto v2 = parse_cpu_max(read_small(folder + "/cpu.max"));
    const auto v1 = parse_cfs(read_small(folder + "/cpu.cfs_quota_us"),
                              read_small(folder + "/cpu.cfs_period_us"));
    if (v2) count = std::min(count, *v2);
    if (v1) count = std::min(count, *v1);
    const size_t slash = path.rfind('/');
    if (path.empty() || slash == std::string::npos) return;
    path.resize(slash);
  }
}

}  // namespace

std::optional<int> parse_cpu_max(std::string_view text) {
  const size_t space = text.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  return cpus(first_number(text), first_number(text.substr(space + 1)));
}

std::optional<int> parse_cfs(std::string_view quota, std::string_view period) {
  return cpus(first_number(quota), first_number(period));
}

int usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  int count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
  std::ifstream own("/proc/self/cgroup");
  for (std::string line; std::getline(own, line);) {  // "ID:CONTROLLERS:PATH"
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    std::string path = line.substr(second + 1);
    if (path == "/") path.clear();
    if (controllers.empty()) {
      apply_limits("/sys/fs/cgroup", path, count);
    } else if (("," + controllers + ",").find(",cpu,") != std::string::npos) {
      apply_limits("/sys/fs/cgroup/" + controllers, path, count);
      apply_limits("/sys/fs/cgroup/cpu", path, count);
    }
  }
  return std::max(count, 1);
}

}  // namespace thaw::tensor
