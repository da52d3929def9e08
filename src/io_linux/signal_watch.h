// SignalWatch: signals to this program (SIGTERM, SIGINT, SIGHUP) as callbacks on the loop.
//
// Blocks them for the calling thread, so make it before any other thread; children get them
// unblocked. Thread: the loop's. Owner: the loop outlives it.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>

#include "io_linux/epoll_loop.h"

namespace thaw::io_linux {

class SignalWatch {
 public:
  /// `on_signal` gets the signal's number, once for several that came before it was called.
  SignalWatch(EpollLoop& loop, std::initializer_list<int> signals,
              std::function<void(int)> on_signal);
  ~SignalWatch();

 private:
  class Reader;
  EpollLoop& loop_;
  Fd fd_;
  std::unique_ptr<Reader> reader_;
};

}  // namespace thaw::io_linux
