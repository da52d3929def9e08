#include "io_linux/epoll_loop.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "base/check.h"

namespace thaw::io_linux {
namespace {

constexpr Duration kForever = Duration::max();

Duration read_clock(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return std::chrono::seconds(t.tv_sec) + Duration(t.tv_nsec);
}

/// epoll_wait with a timeout in nanoseconds where the kernel has it (5.11), else rounded up.
int wait_for_events(int epoll, epoll_event* events, int size, Duration at_most) {
  static bool has_pwait2 = true;
  const bool forever = at_most == kForever;
  if (has_pwait2) {
    timespec limit{.tv_sec = at_most.count() / 1'000'000'000,
                   .tv_nsec = at_most.count() % 1'000'000'000};
    const int n = ::epoll_pwait2(epoll, events, size, forever ? nullptr : &limit, nullptr);
    if (n >= 0 || errno != ENOSYS) return n;
    has_pwait2 = false;
  }
  const int64_t ms = std::min<int64_t>((at_most.count() + 999'999) / 1'000'000, 3'600'000);
  return ::epoll_wait(epoll, events, size, forever ? -1 : static_cast<int>(ms));
}

}  // namespace

EpollLoop::EpollLoop()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  CHECK(epoll_.is_open() && wake_fd_.is_open(), "no descriptors are left to make a loop");
  ::signal(SIGPIPE, SIG_IGN);
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};  // null: the eventfd itself
  CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_fd_.get(), &event) == 0);
}

EpollLoop::~EpollLoop() {
  while (!retired_.empty()) std::exchange(retired_, {}).clear();
}

Instant EpollLoop::now() const {
  return in_turn_ ? turn_now_ : Instant(read_clock(CLOCK_MONOTONIC));
}

WallTime EpollLoop::wall_now() const { return WallTime(read_clock(CLOCK_REALTIME)); }

io::Timer EpollLoop::at(Instant when, std::function<void()> callback) {
  return io::Timer(*this, timers_.add(when, std::move(callback)));
}

io::Timer EpollLoop::after(Duration delay, std::function<void()> callback) {
  const Instant start = now();
  const bool overflows = delay > Instant::max() - start;
  return at(overflows ? Instant::max() : start + delay, std::move(callback));
}

void EpollLoop::post(std::function<void()> work) {
  const bool own_thread = thread_.load(std::memory_order_relaxed) == std::this_thread::get_id();
  bool must_wake = false;
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back(std::move(work));
    has_posted_.store(true, std::memory_order_relaxed);
    if (!own_thread) must_wake = !std::exchange(wake_pending_, true);
  }
  if (must_wake) wake();
}

void EpollLoop::wake() {
  const uint64_t one = 1;
  // Fails only when the counter is full, and then the loop is awake already.
  [[maybe_unused]] const ssize_t n = ::write(wake_fd_.get(), &one, sizeof one);
}

void EpollLoop::stop() {
  stopping_.store(true);
  wake();
}

void EpollLoop::run() {
  while (!stopping_.exchange(false)) turn(kForever);
}

void EpollLoop::turn(Duration at_most) {
  thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
  const bool busy = has_posted_.load(std::memory_order_relaxed) || !kicks_.empty();
  if (busy || stopping_.load()) {
    at_most = Duration::zero();
  } else if (const auto next = timers_.next()) {
    const Instant start = now();
    at_most = std::clamp(*next - start, Duration::zero(), at_most);
  }
  wait_and_dispatch(sleep(at_most));
  run_timers();
  run_posted();
  while (!retired_.empty()) std::exchange(retired_, {}).clear();
  in_turn_ = false;
}

/// Takes the rest that was asked for. Returns how long may still be waited.
Duration EpollLoop::sleep(Duration at_most) {
  const Duration rest = std::min(std::exchange(rest_, Duration::zero()), at_most);
  if (rest <= Duration::zero()) return at_most;
  pollfd woken{.fd = wake_fd_.get(), .events = POLLIN, .revents = 0};
  const timespec limit{.tv_sec = rest.count() / 1'000'000'000,
                       .tv_nsec = rest.count() % 1'000'000'000};
  const bool was_woken = ::ppoll(&woken, 1, &limit, nullptr) != 0;
  if (was_woken || rest == at_most) return Duration::zero();
  return at_most == kForever ? kForever : at_most - rest;
}

void EpollLoop::wait_and_dispatch(Duration at_most) {
  std::array<epoll_event, 256> events;
  const int n = wait_for_events(epoll_.get(), events.data(), events.size(), at_most);
  CHECK(n >= 0 || errno == EINTR, "epoll_wait failed");
  turn_now_ = Instant(read_clock(CLOCK_MONOTONIC));
  in_turn_ = true;
  timers_before_turn_ = timers_.last_added();
  run_kicks();
  for (int i = 0; i < n; ++i) {
    const auto event = events[static_cast<size_t>(i)];
    auto* watch = static_cast<Watch*>(event.data.ptr);
    if (watch == nullptr) {
      uint64_t count;
      [[maybe_unused]] const ssize_t got = ::read(wake_fd_.get(), &count, sizeof count);
    } else if (!watch->retired_) {
      watch->on_events(event.events);
    }
  }
}

void EpollLoop::run_kicks() {
  if (kicks_.empty()) return;
  std::swap(kicks_, running_kicks_);
  for (auto& [watch, events] : running_kicks_) watch->kicked_ = false;
  // Indexed: a callback may retire a watch, which takes it out of running_kicks_.
  for (size_t i = 0; i < running_kicks_.size(); ++i) {
    const auto [watch, events] = running_kicks_[i];
    if (watch != nullptr && !watch->retired_) watch->on_events(events);
  }
  running_kicks_.clear();
}

void EpollLoop::run_timers() { timers_.run_due(turn_now_, timers_before_turn_); }

void EpollLoop::run_posted() {
  if (!has_posted_.load(std::memory_order_relaxed)) return;
  std::vector<std::function<void()>> work;
  {
    const std::lock_guard lock(mutex_);
    work.swap(posted_);
    has_posted_.store(false, std::memory_order_relaxed);
    wake_pending_ = false;
  }
  for (auto& item : work) std::exchange(item, nullptr)();
}

void EpollLoop::watch(int fd, uint32_t events, Watch& watch) {
  epoll_event event{.events = events, .data = {.ptr = &watch}};
  CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl add failed");
}

void EpollLoop::change(int fd, uint32_t events, Watch& watch) {
  epoll_event event{.events = events, .data = {.ptr = &watch}};
  CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0, "epoll_ctl mod failed");
}

void EpollLoop::retire(int fd, std::unique_ptr<Watch> watch) {
  // Not left to close(): a process that was forked a moment ago may still hold a copy, and then
  // events would go on coming with a pointer to what is no more.
  CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr) == 0, "epoll_ctl del failed");
  watch->retired_ = true;
  if (watch->kicked_) {
    std::erase_if(kicks_, [&](const auto& kick) { return kick.first == watch.get(); });
  }
  retired_.push_back(std::move(watch));
}

void EpollLoop::kick(Watch& watch, uint32_t events) {
  if (std::exchange(watch.kicked_, true)) {
    for (auto& kick : kicks_) {
      if (kick.first == &watch) kick.second |= events;
    }
    return;
  }
  kicks_.emplace_back(&watch, events);
}

}  // namespace thaw::io_linux
