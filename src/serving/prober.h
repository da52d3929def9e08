// Prober: asks an instance whether it is up. The one piece of serving's I/O; tcp_prober.h does it
// over io::Net, the simulator from its model.
//
// **Thread**: the loop's. **Owner**: dropping the Probing gives up; no callback comes afterwards.
// **Limits**: one attempt is bounded by its timeout.
#pragma once

#include <functional>
#include <memory>

#include "io/net.h"
#include "serving/revision_config.h"

namespace thaw::serving {

class Probing {
 public:
  virtual ~Probing() = default;
};

class Prober {
 public:
  virtual ~Prober() = default;
  enum class Outcome { kPassed, kFailed };
  /// Tries until it passes or `probe.failure_threshold` periods went by (contract 1.2), then calls
  /// `done` once, never inside this call; `done` may drop the Probing. `address` leads to the port
  /// that is to be asked (probe.port may be another number, inside a container). Between attempts
  /// it waits 1 ms at first, growing to 100 ms: a start is noticed soon, and late starters cost
  /// little.
  virtual std::unique_ptr<Probing> probe(const io::SocketAddress& address,
                                         const StartupProbe& probe,
                                         std::function<void(Outcome)> done) = 0;
};

}  // namespace thaw::serving
