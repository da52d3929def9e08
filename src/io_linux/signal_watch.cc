#include "io_linux/signal_watch.h"

#include <sys/signalfd.h>

#include <csignal>
#include <utility>

#include "base/check.h"

namespace thaw::io_linux {

class SignalWatch::Reader final : public Watch {
 public:
  Reader(int fd, std::function<void(int)> on_signal) : fd_(fd), on_signal_(std::move(on_signal)) {}

  void on_events(uint32_t) override {
    signalfd_siginfo info{};
    // One a turn: epoll repeats the event while more are waiting.
    if (::read(fd_, &info, sizeof info) == sizeof info)
      on_signal_(static_cast<int>(info.ssi_signo));
  }

 private:
  int fd_;
  std::function<void(int)> on_signal_;
};

SignalWatch::SignalWatch(EpollLoop& loop, std::initializer_list<int> signals,
                         std::function<void(int)> on_signal)
    : loop_(loop) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : signals) ::sigaddset(&set, number);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  fd_ = Fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  CHECK(fd_.is_open(), "signalfd failed");
  reader_ = std::make_unique<Reader>(fd_.get(), std::move(on_signal));
  loop_.watch(fd_.get(), EPOLLIN, *reader_);
}

SignalWatch::~SignalWatch() { loop_.retire(fd_.get(), std::move(reader_)); }

}  // namespace thaw::io_linux
