// TcpProber: the startup probe over io::Net: a TCP connection, or one HTTP/1.1 GET.
//
// Attempts follow each other quickly: 1 ms apart at first, later a twentieth of the time that
// passed, at most 100 ms. An instance that takes 40 ms to listen is seen 2 ms later; one that
// takes a minute costs ten attempts a second.
//
// **Thread**: the loop's. **Owner**: see Prober; net, clock and timers outlive it.
// **Limits**: of an answer only the first 1 KiB is read.
#pragma once

#include <functional>
#include <memory>

#include "io/clock.h"
#include "io/net.h"
#include "io/timers.h"
#include "serving/prober.h"

namespace thaw::serving {

class TcpProber final : public Prober {
 public:
  TcpProber(io::Clock& clock, io::Timers& timers, io::Net& net)
      : clock_(clock), timers_(timers), net_(net) {}

  std::unique_ptr<Probing> probe(const io::SocketAddress& address, const StartupProbe& probe,
                                 std::function<void(Outcome)> done) override;

 private:
  io::Clock& clock_;
  io::Timers& timers_;
  io::Net& net_;
};

}  // namespace thaw::serving
