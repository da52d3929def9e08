// Prober: asks an instance whether it is up, or well. The one piece of serving's I/O; the room
// probes does it over io::Net, the simulator from its model.
//
// **Thread**: the loop's. **Owner**: dropping the Probing gives up; no callback comes afterwards.
// **Limits**: one attempt is bounded by its timeout.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

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
  /// `why`: of a failure, what the last try met, without a full stop.
  using OnProbed = std::function<void(Outcome, std::string_view why)>;
  /// Tries until it passes or `probe.failure_threshold` periods went by (contract 1.2), then calls
  /// `done` once, never inside this call; `done` may drop the Probing. `address` leads to the port
  /// that is to be asked (probe.port may be another number, inside a container). Between attempts
  /// it waits 1 ms at first, growing to 100 ms: a start is noticed soon, and late starters cost
  /// little.
  virtual std::unique_ptr<Probing> probe(const io::SocketAddress& address, const Probe& probe,
                                         OnProbed done) = 0;
  /// One try, at most `probe.timeout` long; `done` as above.
  virtual std::unique_ptr<Probing> check(const io::SocketAddress& address, const Probe& probe,
                                         OnProbed done) = 0;
};

}  // namespace thaw::serving
