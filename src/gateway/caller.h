// Who is a caller, among whom a service's places are shared while requests wait.
//
// The address that the gateway's peer has; of IPv6 the first 64 bits, which is what one host or
// home is given and may choose addresses from. What a client says of itself (X-Forwarded-For) is
// not believed: behind a proxy all are one caller, served in order of arrival. Thread: any. Owner:
// none. Limits: none.
#pragma once

#include <string>

#include "serving/caller_id.h"

namespace thaw::gateway {

/// `ip` as io::SocketAddress has it. What is no address is one caller.
serving::CallerId caller_of(const std::string& ip);

}  // namespace thaw::gateway
