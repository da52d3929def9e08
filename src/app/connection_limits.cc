#include "app/connection_limits.h"

#include <algorithm>

#include "base/log.h"
#include "gateway/gateway.h"
#include "http/server.h"
#include "io_linux/open_files.h"

namespace thaw::app {

ConnectionLimits connection_limits(int64_t open_files) {
  const auto share = [open_files](int64_t divisor, size_t most) {
    return std::min(static_cast<size_t>(std::max<int64_t>(open_files / divisor, 1)), most);
  };
  return {.gateway = share(4, gateway::GatewayOptions().max_connections),
          .api = share(8, http::Server::Options().max_connections)};
}

ConnectionLimits share_open_files() {
  const int64_t open_files = io_linux::raise_open_files();
  const ConnectionLimits limits = connection_limits(open_files);
  if (limits.gateway < gateway::GatewayOptions().max_connections) {
    log_warning(
        "few clients at once: the limit on open files (ulimit -Hn, LimitNOFILE= of systemd) is low",
        {{"open_files", open_files},
         {"gateway_connections", static_cast<int64_t>(limits.gateway)},
         {"api_connections", static_cast<int64_t>(limits.api)}});
  }
  return limits;
}

}  // namespace thaw::app
