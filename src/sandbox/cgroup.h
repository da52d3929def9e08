// Cgroups: the kernel's account of each instance, in cgroup v1 and v2.
//
// Not for setting limits: crun does that. Every instance has a group of its own below one parent
// ("thaw-1f3a..") that belongs to the data directory, so that a later run knows its leftovers.
// Thread: the loop's; small blocking reads of kernel memory. Owner: `disk` outlives it.
// Limits: none of its own.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/disk.h"
#include "sandbox/machine.h"
#include "sandbox/page_out.h"
#include "sandbox/sandbox.h"

namespace thaw::sandbox {

struct CgroupFacts {
  Usage usage;
  ByteCount memory_limit;  // 0: none
  int64_t oom_kills = 0;   // processes that the kernel killed at the limit
};

class Cgroups {
 public:
  /// `parent`: one path component, e.g. "thaw-1f3a".
  Cgroups(io::Disk& disk, const Machine& machine, std::string parent);

  /// "/PARENT/NAME", as crun takes it in cgroupsPath.
  std::string path(const std::string& name) const { return "/" + parent_ + "/" + name; }

  /// What the files say now; what is missing or malformed is 0.
  CgroupFacts read(const std::string& name) const;
  int64_t oom_kills(const std::string& name) const;

  /// Asks the kernel to give its processes no CPU: cgroup.freeze, or the freezer of v1. They stop
  /// within microseconds, when each leaves the kernel.
  Status freeze(const std::string& name) const;
  /// Lets frozen processes go on (in v1 a SIGKILL reaches them only then); nothing when none is.
  void thaw(const std::string& name) const;

  /// In v2 an instance has no swap while it runs, since memory and swap share its limit; one that
  /// hibernates may use it. In v1 the kernel keeps the sum and nothing is to be done.
  enum class Swap { kNone, kAllowed };
  void allow(const std::string& name, Swap swap) const;
  /// Its limit of CPU time, 1000 being one core.
  Status limit_cpu(const std::string& name, int cpu_millis) const;
  SqueezeFiles squeeze_files(const std::string& name) const;
  /// The group's folder where the kernel has memory.reclaim (v2, Linux 5.19), else empty.
  std::string reclaimable(const std::string& name) const;

  /// Names below the parent in any hierarchy, sorted, each once.
  std::vector<std::string> list() const;
  std::vector<pid_t> processes(const std::string& name) const;
  /// Removes the group with the groups below it from every hierarchy. kUnavailable while
  /// processes are in it.
  Status remove(const std::string& name) const;
  /// Removes the parent where it is empty.
  void remove_parent() const;

 private:
  std::string freezer(const std::string& name) const;
  std::string file(const char* controller, const std::string& name, const char* leaf) const;
  std::string read_file(const std::string& path) const;
  std::vector<std::string> roots() const;

  io::Disk& disk_;
  Machine machine_;
  std::string parent_;
};

}  // namespace thaw::sandbox
