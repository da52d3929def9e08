// How many threads are worth having: the CPUs this process may use, as its cgroup limits them.
// Thread: any.
#pragma once

#include <optional>
#include <string_view>

namespace thaw::tensor {

/// CPUs of cgroup v2's "max 100000" or "150000 100000", rounded up; nullopt: no limit.
std::optional<int> parse_cpu_max(std::string_view text);
/// The same of v1's cpu.cfs_quota_us and cpu.cfs_period_us.
std::optional<int> parse_cfs(std::string_view quota, std::string_view period);

/// At least 1: the least of what the scheduler allows and every limit of the cgroup.
int usable_cpus();

}  // namespace thaw::tensor
