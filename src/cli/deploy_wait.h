// Waiting until a deployed service is ready, with progress shown.
//
// Thread: the caller's of run(). Owner: arguments outlive the call.
// Limits: gives up after kLongestWait; the longest startup probe takes 10 minutes.
#pragma once

#include "cli/api.h"
#include "cli/context.h"
#include "spec/service.h"

namespace thaw::cli {

inline constexpr Duration kLongestWait = seconds(1800);

/// What the condition Ready says, once it speaks of the newest generation.
enum class Readiness { kPending, kReady, kFailed };
Readiness readiness_of(const spec::Service& service);
/// The condition of that type, or nullptr.
const spec::Condition* condition(const spec::Service& service, std::string_view type);

/// Asks for the service until it is ready or failed, and returns it as it was last seen.
Outcome<spec::Service> wait_until_ready(Context& context, Api& api, spec::Service service);

}  // namespace thaw::cli
