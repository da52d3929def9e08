// NetProber: probes over io::Net: a TCP connection, one HTTP/1.1 GET, or one gRPC health check.
//
// Attempts of a startup probe follow each other quickly: 1 ms apart at first, later a twentieth of
// the time that passed, at most 100 ms. An instance that takes 40 ms to listen is seen 2 ms later;
// one that takes a minute costs ten attempts a second.
//
// **Thread**: the loop's. **Owner**: see serving::Prober; net, clock and timers outlive it.
// **Limits**: those of question.h.
#pragma once

#include <functional>
#include <memory>

#include "io/clock.h"
#include "io/net.h"
#include "io/timers.h"
#include "serving/prober.h"

namespace thaw::probes {

class NetProber final : public serving::Prober {
 public:
  NetProber(io::Clock& clock, io::Timers& timers, io::Net& net)
      : clock_(clock), timers_(timers), net_(net) {}

  std::unique_ptr<serving::Probing> probe(const io::SocketAddress& address,
                                          const serving::Probe& probe, OnProbed done) override;
  std::unique_ptr<serving::Probing> check(const io::SocketAddress& address,
                                          const serving::Probe& probe, OnProbed done) override;

 private:
  io::Clock& clock_;
  io::Timers& timers_;
  io::Net& net_;
};

}  // namespace thaw::probes
