// PushTargets of the platform: its own services by their host names, everything else by number.
//
// **Thread**: the loop's. **Owner**: the switchboard outlives it. **Limits**: names other than
// localhost and those of services are not looked up.
#pragma once

#include <string>
#include <utility>

#include "app/switchboard.h"
#include "messaging/pusher.h"

namespace thaw::app {

class PlatformTargets final : public messaging::PushTargets {
 public:
  /// `gateway`: where it listens.
  PlatformTargets(const Switchboard& switchboard, std::string base_domain,
                  io::SocketAddress gateway)
      : switchboard_(switchboard),
        base_domain_(std::move(base_domain)),
        gateway_(std::move(gateway)) {}

  Result<Target> find(const messaging::Endpoint& endpoint) const override;

 private:
  const Switchboard& switchboard_;
  std::string base_domain_;
  io::SocketAddress gateway_;
};

}  // namespace thaw::app
