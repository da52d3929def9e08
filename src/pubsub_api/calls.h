// Calls: the service's methods in protobuf's bytes, as gRPC carries them; all but StreamingPull
// (streaming_pull.h).
//
// **Thread**: the loop's. **Owner**: the service outlives it. **Limits**: the service's.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "pubsub_api/definitions.h"
#include "pubsub_api/service.h"

namespace thaw::pubsub_api {

class Calls {
 public:
  explicit Calls(Service& service) : service_(service) {}

  using Done = std::function<void(Answer<std::string> answer)>;
  /// `path`: "/google.pubsub.v1.Publisher/Publish". `done` may run inside this call; dropping what
  /// is returned ends a pull that waits.
  [[nodiscard]] Service::Pending call(std::string_view path, const std::string& request,
                                      const Service::Context& context, Done done);

  /// The google.rpc.Status that goes with a fault, for grpc-status-details-bin; "": it says no more
  /// than status and message do. `status`: gRPC's number of the code.
  std::string details(const Fault& fault, int status);

 private:
  Service::Pending call_by_json(std::string_view path, const std::string& request,
                                const Service::Context& context, Done done);

  Service& service_;
  Definitions definitions_;
};

}  // namespace thaw::pubsub_api
