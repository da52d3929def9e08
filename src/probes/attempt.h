// Attempt: one try of a probe: a connection, a question, an answer, within its timeout.
//
// **Thread**: the loop's. **Owner**: dropping it gives up, without a callback; clock, timers and
// net outlive it. **Limits**: see question.h.
#pragma once

#include <functional>
#include <memory>

#include "http/send_queue.h"
#include "io/clock.h"
#include "io/net.h"
#include "io/timers.h"
#include "probes/question.h"
#include "serving/prober.h"

namespace thaw::probes {

class Attempt final : public serving::Probing, private io::StreamEvents {
 public:
  /// `done` comes once, never inside this call, and may drop the attempt.
  Attempt(io::Clock& clock, io::Timers& timers, io::Net& net, const io::SocketAddress& address,
          const serving::Probe& probe, std::function<void(const Verdict&)> done);

 private:
  void connected(Result<std::unique_ptr<io::Stream>> stream);
  void on_readable() override;
  void on_writable() override;
  void finish(const Verdict& verdict);

  io::Clock& clock_;
  serving::Probe probe_;
  std::function<void(const Verdict&)> done_;
  std::unique_ptr<Question> question_;
  http::SendQueue out_;
  std::unique_ptr<io::Connecting> connecting_;
  std::unique_ptr<io::Stream> stream_;
  io::Timer timeout_;
};

}  // namespace thaw::probes
