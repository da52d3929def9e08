// spawn(): starts a program without copying this one: the child borrows our memory until exec.
//
// Thread: any. Limits: what the kernel grants.
#pragma once

#include <sys/types.h>

#include "base/result.h"
#include "io/process.h"
#include "io_linux/fd.h"

namespace thaw::io_linux {

struct Spawned {
  pid_t pid = 0;
  Fd pidfd;
  Fd out;  // read ends, non-blocking; closed when not captured
  Fd err;
};

/// The child starts with default signal handlers, no blocked signal, standard input from
/// /dev/null, the limit on open files that this program was started with, and no descriptor of ours
/// but those asked for. Errors of exec are returned, and then
/// no child is left.
Result<Spawned> spawn(const io::SpawnOptions& options);

}  // namespace thaw::io_linux
