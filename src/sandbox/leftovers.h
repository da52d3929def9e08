// What an earlier run of the platform left behind: finding and ending it.
//
// Blocking; for recover() only. Thread: the loop's, before it runs. Owner: values.
// Limits: 10 s until everything has to be gone.
#pragma once

#include <string>

#include "base/result.h"
#include "io/disk.h"
#include "sandbox/cgroup.h"

namespace thaw::sandbox {

/// Kills what is in the groups below our parent, removes the groups. Returns how many instances
/// there were; kUnavailable names what would not go.
Result<int> remove_leftover_groups(const Cgroups& cgroups);

/// Kills the processes whose environment has a variable "THAW_INSTANCE=PREFIX-...", and waits for
/// their end. Returns how many different instances they were of.
Result<int> kill_marked_processes(io::Disk& disk, const std::string& prefix);

/// Kills the processes whose THAW_INSTANCE is exactly `mark`, without waiting.
void kill_marked_once(io::Disk& disk, const std::string& mark);

/// 12 hex digits that stand for a data directory in names of groups and processes.
std::string data_dir_hash(const std::string& data_dir);

}  // namespace thaw::sandbox
