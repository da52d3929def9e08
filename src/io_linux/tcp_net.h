// TcpNet: listening and connecting over TCP, IPv4 and IPv6, with TCP_NODELAY, here or inside
// another network namespace.
//
// Thread: the loop's. Owner: the loop outlives it; it outlives its listeners and streams.
// Limits: accepts at most 64 connections of a listener in one turn, so that others get theirs; a
// backlog of 4096 (or net.core.somaxconn). See io/net.h for a lack of descriptors.
#pragma once

#include <memory>
#include <set>

#include "io/net.h"
#include "io_linux/epoll_loop.h"

namespace thaw::io_linux {

class ListenWatch;

class TcpNet final : public io::Net {
 public:
  explicit TcpNet(EpollLoop& loop) : loop_(loop) {}

  Result<std::unique_ptr<io::Listener>> listen(const io::SocketAddress& address,
                                               OnAccept on_accept) override;
  std::unique_ptr<io::Connecting> connect(const io::SocketAddress& address,
                                          OnConnect on_connect) override;

 private:
  friend class ListenWatch;
  std::unique_ptr<io::Stream> make_stream(Fd fd, io::SocketAddress peer);
  /// A descriptor became free: paused listeners go on.
  void on_closed();

  EpollLoop& loop_;
  std::set<ListenWatch*> paused_;
};

}  // namespace thaw::io_linux
