// ServingCourier: brings deliveries of stream sources to instances of our services.
//
// It asks the pool for a slot, which waits and starts instances as a request does, and only then
// sends: a busy service is not found out by refusals. Deliveries are counted and billed as
// requests are.
//
// **Thread**: the loop's. **Owner**: everything given outlives it; it outlives its errands.
// **Limits**: those of serving's queue; answers of 1 MiB, of which only a failure's first line is
// read.
#pragma once

#include <memory>
#include <string>

#include "app/switchboard.h"
#include "http/client.h"
#include "io/entropy.h"
#include "messaging/stream_source.h"
#include "serving/serving.h"

namespace thaw::app {

class ServingCourier final : public messaging::Courier {
 public:
  ServingCourier(io::Net& net, io::Loop& loop, io::Entropy& entropy, serving::Serving& serving,
                 Switchboard& switchboard);

  std::unique_ptr<messaging::Errand> deliver(const std::string& service, http::Request request,
                                             Duration timeout,
                                             std::function<void(Outcome)> done) override;

 private:
  class Trip;
  io::Loop& loop_;
  io::Entropy& entropy_;
  serving::Serving& serving_;
  Switchboard& switchboard_;
  http::Client client_;
};

}  // namespace thaw::app
