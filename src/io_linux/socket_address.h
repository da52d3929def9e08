// Between io::SocketAddress and the kernel's sockaddr. Thread: any.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/result.h"
#include "io/net.h"

namespace thaw::io_linux {

union KernelAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

/// kInvalidArgument when `ip` is no address in digits; names are not looked up.
Result<KernelAddress> to_kernel(const io::SocketAddress& address);
socklen_t length_of(const KernelAddress& address);
bool is_loopback(const KernelAddress& address);
/// IPv4 addresses mapped into IPv6 come out as IPv4.
io::SocketAddress from_kernel(const KernelAddress& address);

}  // namespace thaw::io_linux
