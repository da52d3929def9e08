// Open files: how many descriptors this program may have.
//
// **Thread**: raise_open_files() before any other starts; else any. **Owner**: nobody.
#pragma once

#include <sys/resource.h>

#include <cstdint>

namespace thaw::io_linux {

/// Raises the soft limit to the hard one, and answers that. The soft one is low (often 1024) for
/// the sake of programs that use select(): those that spawn() starts get it as it was.
int64_t raise_open_files();

/// What the limits were before; null: they were not raised.
const rlimit* open_files_before();

}  // namespace thaw::io_linux
