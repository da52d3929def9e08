// FdStream: a Stream over a non-blocking socket or pipe that is watched by edges, once, for all
// events.
//
// It remembers what epoll said, so that a read or write that would block costs no system call.
// Thread: the loop's. Owner: the loop, and the TcpNet it came from, outlive it. Limits: none.
#pragma once

#include <functional>
#include <memory>

#include "io/net.h"
#include "io_linux/epoll_loop.h"

namespace thaw::io_linux {

class FdWatch;

class FdStream final : public io::Stream {
 public:
  enum class Kind { kSocket, kReadPipe, kWritePipe };
  /// Registers `fd`, which must be non-blocking. `on_closed` runs after it was closed; may be null.
  FdStream(EpollLoop& loop, Fd fd, Kind kind, io::SocketAddress peer,
           std::function<void()> on_closed = nullptr);
  ~FdStream() override;

  io::Transfer read(std::span<char> into) override;
  io::Transfer write(std::span<const std::string_view> parts) override;
  void shutdown_write() override;
  void set_events(io::StreamEvents* events) override;
  bool is_quiet_and_open() override;
  io::SocketAddress peer() const override { return peer_; }
  io::SocketAddress local() const override;

 private:
  EpollLoop& loop_;
  Fd fd_;
  Kind kind_;
  std::unique_ptr<FdWatch> watch_;
  io::SocketAddress peer_;
  std::function<void()> on_closed_;
};

}  // namespace thaw::io_linux
