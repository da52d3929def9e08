// Why an instance did not start, in words for its user: crun's messages made plain.
//
// Thread: any. Owner: values. Limits: none.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sandbox/sandbox.h"

namespace thaw::sandbox {

/// The last error in crun's log (--log-format=json); empty when there is none.
std::string last_error_of_log(std::string_view log);

/// A sentence for ExitReport::detail out of crun's message, e.g. "exec /app: no such file or
/// directory". Messages that are not known come as they are.
std::string explain_start_failure(const InstanceSpec& spec, std::string_view message);

/// crun's message when exec failed after the start; it prints it, in the format of its log, to the
/// program's own standard error. Nothing when `line` is not one.
std::optional<std::string> exec_failure(std::string_view line);

}  // namespace thaw::sandbox
