// The system calls that a program in an instance may make, as libseccomp's JSON for crun.
//
// An allowlist: a call that nobody thought of answers ENOSYS, as on an older kernel, so that
// programs fall back; calls refused for a reason (see kRefused in seccomp.cc) answer EPERM.
// Thread: any. Owner: values. Limits: the machine's own architecture only; 32-bit calls end the
// program.
#pragma once

#include "base/json.h"

namespace thaw::sandbox {

/// The value of linux.seccomp in an OCI config.json (runtime-spec 1.0, config-linux, "Seccomp").
Json default_seccomp_profile();

}  // namespace thaw::sandbox
