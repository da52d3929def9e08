// PushTargets of the platform: its own services by their host names, everything else by number.
//
// **Thread**: the loop's. **Owner**: switchboard and guard outlive it. **Limits**: names other than
// localhost and those of services are not looked up.
#pragma once

#include <string>
#include <utility>

#include "app/switchboard.h"
#include "identity/guard.h"
#include "messaging/pusher.h"

namespace thaw::app {

class PlatformTargets final : public messaging::PushTargets {
 public:
  /// `gateway`: where it listens.
  PlatformTargets(const Switchboard& switchboard, identity::Guard& guard, std::string base_domain,
                  io::SocketAddress gateway)
      : switchboard_(switchboard),
        guard_(guard),
        base_domain_(std::move(base_domain)),
        gateway_(std::move(gateway)) {}

  Result<Target> find(const messaging::Endpoint& endpoint) const override;
  Result<std::string> token(const std::string& account,
                            const std::string& audience) const override {
    ASSIGN_OR_RETURN(identity::Guard::Token token, guard_.token_for(account, audience));
    return std::move(token.text);
  }

 private:
  const Switchboard& switchboard_;
  identity::Guard& guard_;
  std::string base_domain_;
  io::SocketAddress gateway_;
};

}  // namespace thaw::app
