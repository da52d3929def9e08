#include "io_linux/socket_address.h"

#include <arpa/inet.h>

#include <cstring>

namespace thaw::io_linux {

Result<KernelAddress> to_kernel(const io::SocketAddress& address) {
  KernelAddress kernel{};
  if (::inet_pton(AF_INET, address.ip.c_str(), &kernel.v4.sin_addr) == 1) {
    kernel.v4.sin_family = AF_INET;
    kernel.v4.sin_port = htons(address.port);
    return kernel;
  }
  if (::inet_pton(AF_INET6, address.ip.c_str(), &kernel.v6.sin6_addr) == 1) {
    kernel.v6.sin6_family = AF_INET6;
    kernel.v6.sin6_port = htons(address.port);
    return kernel;
  }
  return Error(Code::kInvalidArgument,
               "'" + address.ip + "' is no IP address; write one like 127.0.0.1 or ::1");
}

socklen_t length_of(const KernelAddress& address) {
  return address.any.sa_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
}

bool is_loopback(const KernelAddress& address) {
  if (address.any.sa_family == AF_INET) return ntohl(address.v4.sin_addr.s_addr) >> 24 == 127;
  return address.any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr);
}

io::SocketAddress from_kernel(const KernelAddress& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.any.sa_family == AF_INET) {
    ::inet_ntop(AF_INET, &address.v4.sin_addr, text, sizeof text);
    return {text, ntohs(address.v4.sin_port)};
  }
  if (address.any.sa_family != AF_INET6) return {};
  const in6_addr& ip = address.v6.sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&ip)) {
    ::inet_ntop(AF_INET, &ip.s6_addr[12], text, sizeof text);
  } else {
    ::inet_ntop(AF_INET6, &ip, text, sizeof text);
  }
  return {text, ntohs(address.v6.sin6_port)};
}

}  // namespace thaw::io_linux
