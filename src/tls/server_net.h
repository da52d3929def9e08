// ServerNet: listening for TLS: what is accepted has its handshake behind it.
//
// Thread: the loop's. Owner: below, loop and context outlive it; it outlives its listeners, these
// their streams no longer than a Net's.
// Limits: Options. A client that is not through with its handshake in time is closed; when more are
// at it than max_handshakes, the one that is at it longest is closed.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "io/loop.h"
#include "io/net.h"
#include "tls/context.h"
#include "tls/handshake_fault.h"

namespace thaw::tls {

class ServerNet final : public io::Net {
 public:
  struct Options {
    Duration handshake_timeout = seconds(10);
    size_t max_handshakes = 1024;
  };

  ServerNet(io::Net& below, io::Loop& loop, ServerContext& context)
      : ServerNet(below, loop, context, Options()) {}
  ServerNet(io::Net& below, io::Loop& loop, ServerContext& context, Options options);

  /// `on_accept` gets a TlsStream.
  Result<std::unique_ptr<io::Listener>> listen(const io::SocketAddress& address,
                                               OnAccept on_accept) override;
  /// A connection that came in elsewhere and is to go on with TLS, as if it had come to the newest
  /// listener; dropped where there is none.
  void accept(std::unique_ptr<io::Stream> stream);
  /// As below: without TLS.
  std::unique_ptr<io::Connecting> connect(const io::SocketAddress& address,
                                          OnConnect on_connect) override;
  const HandshakeCounts& counts() const { return counts_; }

 private:
  class Handshake;
  class TlsListener;
  void renew_tickets();

  io::Net& below_;
  io::Loop& loop_;
  ServerContext& context_;
  Options options_;
  HandshakeCounts counts_;
  TlsListener* newest_ = nullptr;
  io::Timer tickets_;
};

}  // namespace thaw::tls
