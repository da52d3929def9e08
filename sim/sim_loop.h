// SimLoop: the loop on a virtual clock. Time jumps from callback to callback.
//
// What is due at the same time runs in an order drawn from the seed: Timers promises none.
//
// **Thread**: one. **Owner**: outlives all who hold it. **Limits**: run_until() aborts when the
// clock stands still for a million callbacks.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <tuple>
#include <unordered_map>

#include "io/loop.h"
#include "random.h"

namespace thaw::sim {

class SimLoop final : public io::Loop {
 public:
  explicit SimLoop(Random& random) : random_(random) {}

  Instant now() const override { return now_; }
  WallTime wall_now() const override {
    return WallTime(std::chrono::hours(24 * 365 * 50)) + now_.time_since_epoch();
  }
  io::Timer at(Instant when, std::function<void()> callback) override;
  io::Timer after(Duration delay, std::function<void()> callback) override {
    return at(now_ + delay, std::move(callback));
  }
  void post(std::function<void()> work) override { posted_.push_back(std::move(work)); }
  /// It has no descriptors.
  void rest(Duration) override {}
  /// Until stop(), or nothing is left to do.
  void run() override;
  void stop() override { stopping_ = true; }

  void run_until(Instant end);
  /// Callbacks that will run.
  size_t pending() const { return timers_.size() + posted_.size(); }
  uint64_t steps() const { return steps_; }

 private:
  using Key = std::tuple<Instant, uint64_t, uint64_t>;  // time, drawn order, id
  void cancel(uint64_t id) override;
  bool step(Instant end);

  Random& random_;
  Instant now_{};
  std::map<Key, std::function<void()>> timers_;
  std::unordered_map<uint64_t, Key> keys_;
  std::deque<std::function<void()>> posted_;
  uint64_t last_id_ = 0;
  uint64_t steps_ = 0;
  uint64_t steps_now_ = 0;
  bool stopping_ = false;
};

}  // namespace thaw::sim
