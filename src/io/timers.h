// Timers: callbacks at a later time on the same loop.
//
// Thread: the loop's. Owner: a Timer must not outlive its Timers; dropping it cancels the callback.
// Limits: none of its own; adding and cancelling cost O(log n) of the timers that are set.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "base/time.h"

namespace thaw::io {

class Timers;

/// A callback that has not run yet. Empty once it ran, was cancelled or was moved from.
class [[nodiscard]] Timer {
 public:
  Timer() = default;
  Timer(Timers& owner, uint64_t id) : owner_(&owner), id_(id) {}
  Timer(Timer&& other) noexcept
      : owner_(std::exchange(other.owner_, nullptr)), id_(std::exchange(other.id_, 0)) {}
  Timer& operator=(Timer&& other) noexcept {
    std::swap(owner_, other.owner_);
    std::swap(id_, other.id_);
    other.cancel();
    return *this;
  }
  ~Timer() { cancel(); }

  void cancel();

 private:
  Timers* owner_ = nullptr;
  uint64_t id_ = 0;
};

class Timers {
 public:
  virtual ~Timers() = default;
  /// Runs `callback` once at `when`, or in the next turn when that is past.
  virtual Timer at(Instant when, std::function<void()> callback) = 0;
  /// Runs `callback` once, `delay` from now.
  virtual Timer after(Duration delay, std::function<void()> callback) = 0;

 private:
  friend class Timer;
  virtual void cancel(uint64_t id) = 0;  // unknown ids are ignored: the callback has run
};

inline void Timer::cancel() {
  if (owner_ != nullptr) std::exchange(owner_, nullptr)->cancel(id_);
}

}  // namespace thaw::io
