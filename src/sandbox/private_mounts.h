// The platform's own mount namespace, and the tree that instances see as their root.
//
// Mounts made here are seen by nobody else and go with the last process in the namespace, also
// after kill -9. Not for the mounts inside an instance: those are in its bundle.
// Thread: before any other thread is started. Owner: the process.
// Limits: needs Linux 5.12 (mount_setattr).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "io/disk.h"

namespace thaw::sandbox {

struct PrivateMounts {
  std::string rootfs;               // an absolute path; the folder is made
  std::vector<std::string> hidden;  // absolute paths that no instance may open; absent ones are OK
};

/// Moves the process into a mount namespace of its own, where
/// - cgroup2 is unmounted if v1 controllers are there too, because crun refuses such machines;
/// - `rootfs` has everything that the host's "/" has now, read-only, without set-uid and devices,
///   with everything `hidden` unopenable; /proc, /sys, /dev, /run and /tmp are empty folders, for
///   the instance's own.
/// Needs root (CAP_SYS_ADMIN); after an error nothing may be relied upon but the old tree.
Status enter_private_mounts(const PrivateMounts& mounts);

/// Where secrets usually lie: password hashes, host keys, and for root and each user the
/// credentials of ssh, clouds, registries and shells' histories. Names files present or not.
std::vector<std::string> host_secrets(io::Disk& disk);

}  // namespace thaw::sandbox
