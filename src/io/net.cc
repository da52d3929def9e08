#include "io/net.h"

namespace thaw::io {

std::string SocketAddress::str() const {
  const bool v6 = ip.find(':') != std::string::npos;
  return (v6 ? "[" + ip + "]" : ip) + ":" + std::to_string(port);
}

}  // namespace thaw::io
