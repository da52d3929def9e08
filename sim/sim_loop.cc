#include "sim_loop.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace thaw::sim {

io::Timer SimLoop::at(Instant when, std::function<void()> callback) {
  const Key key{std::max(when, now_), random_.next(), ++last_id_};
  timers_.emplace(key, std::move(callback));
  keys_.emplace(last_id_, key);
  return io::Timer(*this, last_id_);
}

void SimLoop::cancel(uint64_t id) {
  const auto found = keys_.find(id);
  if (found == keys_.end()) return;
  timers_.erase(found->second);
  keys_.erase(found);
}

bool SimLoop::step(Instant end) {
  std::function<void()> work;
  if (!posted_.empty()) {
    work = std::move(posted_.front());
    posted_.pop_front();
  } else {
    if (timers_.empty() || std::get<0>(timers_.begin()->first) > end) return false;
    const Key key = timers_.begin()->first;
    work = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    keys_.erase(std::get<2>(key));
    if (std::get<0>(key) > now_) steps_now_ = 0;
    now_ = std::get<0>(key);
  }
  ++steps_;
  CHECK(++steps_now_ < 1'000'000, "the simulated clock stands still");
  work();
  return true;
}

void SimLoop::run_until(Instant end) {
  while (step(end)) {
  }
  now_ = std::max(now_, end);
}

void SimLoop::run() {
  while (!std::exchange(stopping_, false) && step(Instant::max())) {
  }
}

}  // namespace thaw::sim
