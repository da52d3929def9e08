#include "tls/client_net.h"

#include <fmt/format.h>

#include <utility>

#include "tls/stream.h"

namespace thaw::tls {

class ClientNet::Attempt final : public io::Connecting, private io::StreamEvents {
 public:
  Attempt(ClientNet& net, const io::SocketAddress& address, OnConnect on_connect)
      : on_connect_(std::move(on_connect)), host_(net.host_) {
    below_ = net.below_.connect(address, [this, &net](auto stream) {
      if (!stream) return finish(std::move(stream).error());
      stream_ = std::make_unique<TlsStream>(net.loop_, net.context_.connect_to(host_),
                                            *std::move(stream));
      stream_->set_events(this);
      advance();
    });
  }

 private:
  void on_readable() override { advance(); }
  void on_writable() override { advance(); }

  void advance() {
    if (stream_ == nullptr) return;
    switch (stream_->shake()) {
      case TlsStream::Shake::kGoesOn:
        return;
      case TlsStream::Shake::kFailed:
        return finish(
            Error(Code::kUnavailable, fmt::format("TLS with {}: {}", host_, stream_->fault())));
      case TlsStream::Shake::kDone:
        break;
    }
    stream_->set_events(nullptr);
    finish(std::unique_ptr<io::Stream>(std::move(stream_)));
  }

  void finish(Result<std::unique_ptr<io::Stream>> result) {
    const auto callback = std::exchange(on_connect_, nullptr);
    if (callback) callback(std::move(result));  // may destroy this
  }

  OnConnect on_connect_;
  std::string host_;
  std::unique_ptr<TlsStream> stream_;
  std::unique_ptr<io::Connecting> below_;
};

Result<std::unique_ptr<io::Listener>> ClientNet::listen(const io::SocketAddress& address,
                                                        OnAccept on_accept) {
  return below_.listen(address, std::move(on_accept));
}

std::unique_ptr<io::Connecting> ClientNet::connect(const io::SocketAddress& address,
                                                   OnConnect on_connect) {
  return std::make_unique<Attempt>(*this, address, std::move(on_connect));
}

}  // namespace thaw::tls
