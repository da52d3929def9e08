// EpollLoop: the loop over epoll, an eventfd for post() and a timer heap.
//
// Descriptors are watched by the other classes of this room through watch(); rooms above see only
// io::Loop. The constructor ignores SIGPIPE for the whole program.
// Thread: one turn at a time on one thread; post() and stop(): any. Owner: outlives all ports made
// on it. Limits: none of its own.
#pragma once

#include <sys/epoll.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "io/loop.h"
#include "io_linux/fd.h"
#include "io_linux/timer_heap.h"

namespace thaw::io_linux {

/// Gets the epoll events of one descriptor.
class Watch {
 public:
  virtual ~Watch() = default;
  virtual void on_events(uint32_t events) = 0;

 private:
  friend class EpollLoop;
  bool retired_ = false;
  bool kicked_ = false;
};

class EpollLoop final : public io::Loop {
 public:
  EpollLoop();
  ~EpollLoop() override;

  /// Read once a turn; outside of a turn the kernel's clock.
  Instant now() const override;
  WallTime wall_now() const override;
  io::Timer at(Instant when, std::function<void()> callback) override;
  io::Timer after(Duration delay, std::function<void()> callback) override;
  void post(std::function<void()> work) override;
  void rest(Duration at_most) override { rest_ = at_most; }
  /// A stop() before run() makes it return at once; it may be run again afterwards.
  void run() override;
  void stop() override;
  /// One turn: waits at most `at_most` for something to do, then does it.
  void turn(Duration at_most);

  /// `watch` gets `events` of `fd` until it is retired.
  void watch(int fd, uint32_t events, Watch& watch);
  void change(int fd, uint32_t events, Watch& watch);
  /// No event reaches `watch` any more; it is destroyed at the end of the turn, so that it may be
  /// retired inside its own callback. The caller closes `fd` afterwards.
  void retire(int fd, std::unique_ptr<Watch> watch);
  /// Gives `events` to `watch` in the next turn, as if the kernel had.
  void kick(Watch& watch, uint32_t events);

 private:
  void cancel(uint64_t id) override { timers_.remove(id); }
  Duration sleep(Duration at_most);
  void wait_and_dispatch(Duration at_most);
  void run_kicks();
  void run_timers();
  void run_posted();
  void wake();

  Fd epoll_;
  Fd wake_fd_;
  TimerHeap timers_;
  Duration rest_{};  // to be had before the next turn
  bool in_turn_ = false;
  Instant turn_now_{};
  uint64_t timers_before_turn_ = 0;  // those that are added in a turn run in a later one
  std::vector<std::pair<Watch*, uint32_t>> kicks_;
  std::vector<std::pair<Watch*, uint32_t>> running_kicks_;
  std::vector<std::unique_ptr<Watch>> retired_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::thread::id> thread_{};
  std::atomic<bool> has_posted_ = false;
  std::mutex mutex_;  // guards posted_ and wake_pending_
  std::vector<std::function<void()>> posted_;
  bool wake_pending_ = false;
};

}  // namespace thaw::io_linux
