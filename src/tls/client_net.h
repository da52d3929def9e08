// ClientNet: connecting through TLS to one host, which must prove to be it.
//
// Thread: the loop's. Owner: below, loop and context outlive it; it its attempts.
// Limits: none of its own: who waits for a connection bounds the time.
#pragma once

#include <memory>
#include <string>

#include "io/loop.h"
#include "io/net.h"
#include "tls/context.h"

namespace thaw::tls {

class ClientNet final : public io::Net {
 public:
  /// `host`: the name, or the IP address, that the server's certificate must have.
  ClientNet(io::Net& below, io::Loop& loop, const ClientContext& context, std::string host)
      : below_(below), loop_(loop), context_(context), host_(std::move(host)) {}

  /// As below: without TLS.
  Result<std::unique_ptr<io::Listener>> listen(const io::SocketAddress& address,
                                               OnAccept on_accept) override;
  /// kUnauthenticated: it is not who it should be; kUnavailable: the handshake failed.
  std::unique_ptr<io::Connecting> connect(const io::SocketAddress& address,
                                          OnConnect on_connect) override;

 private:
  class Attempt;
  io::Net& below_;
  io::Loop& loop_;
  const ClientContext& context_;
  std::string host_;
};

}  // namespace thaw::tls
