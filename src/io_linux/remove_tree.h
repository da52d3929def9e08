// remove_tree(): rm -rf that follows no link and leaves other mounts alone. Thread: any.
#pragma once

#include <string>

#include "base/result.h"

namespace thaw::io_linux {

/// Absent is OK. kFailedPrecondition names a mount found inside, a folder over 256 levels deep;
/// what could be removed before is gone then.
Status remove_tree(const std::string& path);

}  // namespace thaw::io_linux
