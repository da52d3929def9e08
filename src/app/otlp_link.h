// OtlpLink: the way to the collector of spans: its name looked up, and TLS where its URL says
// https.
//
// Thread: the loop's. Owner: the parts outlive it; it outlives who connects. Limits: none of its
// own: who waits for an answer bounds the time.
#pragma once

#include <memory>
#include <optional>

#include "app/options.h"
#include "domains/names.h"
#include "io/disk.h"
#include "io/loop.h"
#include "io/net.h"
#include "tls/client_net.h"

namespace thaw::app {

/// Connects to hosts by name as well, to the first address of each.
class NamedNet final : public io::Net {
 public:
  NamedNet(io::Net& below, domains::Names& names) : below_(below), names_(names) {}

  Result<std::unique_ptr<io::Listener>> listen(const io::SocketAddress& address,
                                               OnAccept on_accept) override {
    return below_.listen(address, std::move(on_accept));
  }
  /// `address.ip` may be a name.
  std::unique_ptr<io::Connecting> connect(const io::SocketAddress& address,
                                          OnConnect on_connect) override;

 private:
  class Attempt;
  io::Net& below_;
  domains::Names& names_;
};

class OtlpLink {
 public:
  struct Parts {
    io::Net& net;
    io::Loop& loop;
    io::Disk& disk;
    domains::Names& names;
  };
  /// Errors name the file of roots.
  static Result<std::unique_ptr<OtlpLink>> open(const Parts& parts, const UpOptions::Otlp& otlp);

  io::Net& net() { return encrypted_ ? static_cast<io::Net&>(*encrypted_) : named_; }

 private:
  explicit OtlpLink(const Parts& parts) : named_(parts.net, parts.names) {}

  NamedNet named_;
  std::unique_ptr<tls::ClientContext> context_;
  std::optional<tls::ClientNet> encrypted_;
};

}  // namespace thaw::app
