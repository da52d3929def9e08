// Network namespaces of other processes, to listen and connect inside of them.
//
// Thread: any. Owner: shared; the namespace lives as long as it is referenced.
#pragma once

#include <sys/types.h>

#include <memory>

#include "base/result.h"
#include "io/net.h"

namespace thaw::io_linux {

/// The namespace that `pid` is in. kNotFound when the process is gone, kPermissionDenied without
/// CAP_SYS_ADMIN or the process's own user.
Result<std::shared_ptr<const io::NetNamespace>> open_net_namespace(pid_t pid);

/// socket(2) inside `in` (null: here), close-on-exec and non-blocking. The calling thread is back
/// in its own namespace afterwards.
Result<int> socket_in(const io::NetNamespace* in, int family);

}  // namespace thaw::io_linux
