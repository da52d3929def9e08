// FrontDoor: the gateway's question whether a request may pass, answered by the services' policies.
//
// Thread: the loop's. Owner: guard outlives it; control is set before the first request.
#pragma once

#include <string>
#include <utility>

#include "control/control.h"
#include "gateway/door.h"
#include "identity/guard.h"

namespace thaw::app {

class FrontDoor final : public gateway::Door {
 public:
  /// `base_domain`: services are called by SERVICE.BASE_DOMAIN.
  FrontDoor(identity::Guard& guard, std::string base_domain)
      : guard_(guard), base_domain_(std::move(base_domain)) {}
  void set_control(const control::Controller& control) { control_ = &control; }

  bool is_open(const ServiceId& service) const override { return guard_.is_open(service.str()); }
  std::optional<gateway::Reply> refuse(const ServiceId& service,
                                       const gateway::Credentials& credentials) override;

 private:
  identity::Guard& guard_;
  std::string base_domain_;
  const control::Controller* control_ = nullptr;
};

}  // namespace thaw::app
