// Machine: what this machine has for isolating instances, found out once at start.
//
// Facts only; which sandbox is used is decided by who starts the platform (why_no_containers).
// Thread: any. Owner: values. Limits: none.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "io/disk.h"

namespace thaw::sandbox {

struct Machine {
  enum class Cgroups {
    kNone,
    kV1,
    kV2,
    kHybrid,  // v1 controllers beside a cgroup2 mount; crun 1.8 refuses these
  };

  bool root = false;  // uid 0 with CAP_SYS_ADMIN
  std::string user;   // the uid, for messages
  std::string crun;   // path of the program, or empty
  Cgroups cgroups = Cgroups::kNone;
  std::map<std::string, std::string> controllers;  // "memory" -> "/sys/fs/cgroup/memory"
  std::vector<std::string> hierarchies;            // mount points of all of them, named ones too
  std::string unified;                             // where cgroup2 is mounted, or empty
  bool swap_limit = false;                         // memory and swap can be limited together
  int64_t open_files = 0;  // the most that an instance may be allowed; 0: no bound
};

/// Fills cgroups, controllers, hierarchies and unified from the text of /proc/self/mountinfo
/// (proc(5)) and, for pure cgroup v2, from the text of its cgroup.controllers.
void read_cgroup_mounts(std::string_view mountinfo, std::string_view unified_controllers,
                        Machine& machine);

/// Fills root and user from the text of /proc/self/status, open_files from it and from that of
/// /proc/self/limits: only CAP_SYS_RESOURCE gives more than one has oneself.
void read_privileges(std::string_view status, std::string_view limits, Machine& machine);

/// Looks at the machine as this process sees it now: after enter_private_mounts(), not before.
Result<Machine> inspect_machine(io::Disk& disk);

/// Why instances cannot run in containers here, one sentence that ends in what to do; empty when
/// they can.
std::string why_no_containers(const Machine& machine);

}  // namespace thaw::sandbox
