#include "probes/net_prober.h"

#include <algorithm>
#include <utility>

#include "probes/attempt.h"
#include "serving/words.h"

namespace thaw::probes {
namespace {

using Outcome = serving::Prober::Outcome;

constexpr Duration kShortestPause = std::chrono::milliseconds(1);
constexpr Duration kLongestPause = std::chrono::milliseconds(100);

/// A startup probe: attempts until one passes.
class Attempts final : public serving::Probing {
 public:
  Attempts(io::Clock& clock, io::Timers& timers, io::Net& net, const io::SocketAddress& address,
           const serving::Probe& probe, serving::Prober::OnProbed done)
      : clock_(clock),
        timers_(timers),
        net_(net),
        address_(address),
        probe_(probe),
        done_(std::move(done)),
        began_(clock.now()) {
    give_up_timer_ =
        timers_.at(began_ + serving::allowed_start(probe), [this] { finish(Outcome::kFailed); });
    retry_timer_ = timers_.at(began_ + probe.initial_delay, [this] { attempt(); });
  }

 private:
  void attempt() {
    if (probe_.kind == serving::Probe::Kind::kAlive) return finish(Outcome::kPassed);
    attempt_ = std::make_unique<Attempt>(clock_, timers_, net_, address_, probe_,
                                         [this](const Verdict& verdict) {
                                           last_ = verdict.why;
                                           if (verdict.passed()) return finish(Outcome::kPassed);
                                           retry();
                                         });
  }

  void retry() {
    const Duration passed = clock_.now() - began_ - probe_.initial_delay;
    retry_timer_ = timers_.after(std::clamp(passed / 20, kShortestPause, kLongestPause), [this] {
      attempt_.reset();
      attempt();
    });
  }

  /// Last: this may be destroyed inside.
  void finish(Outcome outcome) {
    retry_timer_.cancel();
    give_up_timer_.cancel();
    const auto done = std::move(done_);
    const std::string why = last_;
    done(outcome, why);
  }

  io::Clock& clock_;
  io::Timers& timers_;
  io::Net& net_;
  io::SocketAddress address_;
  serving::Probe probe_;
  serving::Prober::OnProbed done_;
  Instant began_;
  std::string last_ = "it was not asked";
  std::unique_ptr<Attempt> attempt_;
  io::Timer give_up_timer_;
  io::Timer retry_timer_;
};

}  // namespace

std::unique_ptr<serving::Probing> NetProber::probe(const io::SocketAddress& address,
                                                   const serving::Probe& probe, OnProbed done) {
  return std::make_unique<Attempts>(clock_, timers_, net_, address, probe, std::move(done));
}

std::unique_ptr<serving::Probing> NetProber::check(const io::SocketAddress& address,
                                                   const serving::Probe& probe, OnProbed done) {
  return std::make_unique<Attempt>(
      clock_, timers_, net_, address, probe, [done = std::move(done)](const Verdict& verdict) {
        // The attempt may be dropped inside, and this with it.
        const OnProbed tell = done;
        const Verdict said = verdict;
        tell(said.passed() ? Outcome::kPassed : Outcome::kFailed, said.why);
      });
}

}  // namespace thaw::probes
