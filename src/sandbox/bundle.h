// The OCI bundle of an instance: what crun is told, as a pure function.
//
// The format is the OCI runtime specification's config.json, 1.0. The security choices in it and
// their reasons: docs/decisions/0005-instance-isolation.md.
// Thread: any. Owner: values. Limits: none.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "base/json.h"
#include "sandbox/machine.h"
#include "sandbox/sandbox.h"

namespace thaw::sandbox {

/// A file of the platform's that an instance sees.
struct OwnFile {
  std::string source;
  const char* target = "";
  enum class Use { kRead, kWrite } use = Use::kRead;
};

struct BundleOptions {
  std::string rootfs;        // a read-only copy of the host's tree, see private_mounts.h
  std::string cgroups_path;  // from the root of each hierarchy, e.g. "/thaw-1f/x.1"
  bool cgroup_v2 = false;    // then the instance sees its own limits under /sys/fs/cgroup
  bool swap_limit = true;
  int64_t open_files = 0;  // Machine::open_files
  bool var_tmp = true;     // the host has a /var/tmp, which the instance gets its own of
  /// Thaw's own program on the host. An instance that runs it finds it at kProgramPath, wherever on
  /// the host it lies, be that in a folder that instances do not see. Empty: none.
  std::string own_program;
  std::string python_folder;  // seen at kTemplateFolder, read-only; empty: none
  std::string preload;        // seen at kPreload, read-only; empty: none
  std::string snapshot;       // seen at kSnapshot; empty: none
  bool writes_snapshot = false;
  int64_t file_limit = 0;      // of bytes in one file; 0: none
  std::vector<OwnFile> files;  // without a source: none
  bool background = false;     // yields the processor to the others
  int uid = 0;
  int gid = 0;
};
inline constexpr char kProgramPath[] = "/run/thaw/thaw";
inline constexpr char kHostsFile[] = "/etc/hosts";

/// The contents of config.json.
Json make_bundle(const InstanceSpec& spec, const BundleOptions& options);

/// CPU time per 100 ms period, in microseconds: cpu_millis 1000 is one core.
constexpr int64_t cpu_quota_us(int cpu_millis) {
  return std::max<int64_t>(1000, int64_t{cpu_millis} * 100);  // the kernel wants 1 ms at least
}
constexpr int64_t kCpuPeriodUs = 100'000;

}  // namespace thaw::sandbox
