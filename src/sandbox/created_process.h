// What is done to a container that crun has created and whose program has not been executed yet.
//
// System calls that the ports do not have, all short. Thread: the loop's. Owner: none.
// Limits: none.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/result.h"

namespace thaw::sandbox {

/// Lets the program be executed as `crun start` does, without starting a process for it:
/// see docs/decisions/0005-instance-isolation.md. `state_folder` is crun's for this container.
/// kNotFound when crun keeps no gate there, kUnavailable when nobody waits behind it.
Status open_exec_gate(const std::string& state_folder);

/// Where the program file of a process is, as the kernel names it; empty when the process has
/// ended. Changes with exec.
std::string program_of(pid_t pid);

/// Where programs on Google Cloud find their metadata server.
inline constexpr char kMetadataAddress[] = "169.254.169.254";

/// Makes sure that 127.0.0.1 and kMetadataAddress are this machine's in the network namespace of
/// `pid`.
Status raise_loopback(pid_t pid);

/// A file that the program of a container has written, read as the container sees it: no link leads
/// out of its root. kNotFound when there is none; kInvalidArgument when it is no plain file or
/// longer than `limit_bytes`.
Result<std::string> read_in_container(pid_t pid, const std::string& path, size_t limit_bytes);

/// True when SIGTERM would be lost on this process, the first of its pid namespace: it neither
/// handles, ignores nor blocks it (pid_namespaces(7)).
bool ignores_sigterm_by_default(std::string_view proc_status);

/// By /proc/PID/status: a SIGKILL was sent to it and has not reached it, as it is frozen in v1.
bool kill_is_pending(std::string_view proc_status);

}  // namespace thaw::sandbox
