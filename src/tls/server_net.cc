#include "tls/server_net.h"

#include <array>
#include <list>
#include <utility>

#include "base/log.h"
#include "tls/stream.h"

namespace thaw::tls {
namespace {

constexpr Duration kTicketKeyLife = std::chrono::hours(24);
constexpr Duration kLingerTime = seconds(2);
constexpr size_t kMaxLinger = 256 << 10;
constexpr std::string_view kPlainHttp =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
    "Content-Length: 58\r\nConnection: close\r\n\r\n"
    "This port speaks HTTPS: the URL must begin with https://.\n";

}  // namespace

class ServerNet::TlsListener final : public io::Listener {
 public:
  TlsListener(ServerNet& net, OnAccept on_accept) : net_(net), on_accept_(std::move(on_accept)) {}
  ~TlsListener() override {
    if (net_.newest_ == this) net_.newest_ = nullptr;
  }

  Status open(const io::SocketAddress& address);
  io::SocketAddress address() const override { return below_->address(); }

 private:
  friend class Handshake;
  friend class ServerNet;
  using Handshakes = std::list<std::unique_ptr<Handshake>>;
  void accept(std::unique_ptr<io::Stream> stream);

  ServerNet& net_;
  OnAccept on_accept_;
  Handshakes handshakes_;  // the oldest first
  std::unique_ptr<io::Listener> below_;
};

/// One client on its way in; or, refused, until it has read why.
class ServerNet::Handshake final : public io::StreamEvents {
 public:
  Handshake(TlsListener& listener, std::unique_ptr<io::Stream> below)
      : listener_(listener),
        below_(*below),
        stream_(std::make_unique<TlsStream>(net().loop_, net().context_.make(), std::move(below))) {
    timer_ = net().loop_.after(net().options_.handshake_timeout, [this] {
      ++net().counts_.of(HandshakeFault::kTimedOut);
      remove();
    });
  }
  void begin(TlsListener::Handshakes::iterator self) {
    self_ = self;
    stream_->set_events(this);
  }

  void on_readable() override { advance(); }
  void on_writable() override { advance(); }

 private:
  ServerNet& net() { return listener_.net_; }

  void advance() {
    if (lingers_) return linger();
    switch (stream_->shake()) {
      case TlsStream::Shake::kGoesOn:
        return;
      case TlsStream::Shake::kFailed:
        return refuse();
      case TlsStream::Shake::kDone:
        break;
    }
    ++net().counts_.done;
    stream_->set_events(nullptr);
    auto stream = std::move(stream_);
    const auto& on_accept = listener_.on_accept_;
    remove();  // destroys this
    on_accept(std::move(stream));
  }

  void refuse() {
    ++net().counts_.of(stream_->fault_kind());
    log_debug("a TLS handshake failed",
              {{"peer", stream_->peer().str()}, {"why", stream_->fault()}});
    if (stream_->fault_kind() == HandshakeFault::kPlainHttp) stream_->say(kPlainHttp);
    stream_->shutdown_write();
    lingers_ = true;
    timer_ = net().loop_.after(kLingerTime, [this] { remove(); });
    linger();
  }

  /// Closing at once would take the alert away before the client has read it.
  void linger() {
    std::array<char, 4096> buffer;
    for (;;) {
      const io::Transfer moved = below_.read(buffer);
      if (moved.state == io::Transfer::State::kWouldBlock) return;
      lingered_ += moved.bytes;
      if (moved.state != io::Transfer::State::kMoved || lingered_ > kMaxLinger) return remove();
    }
  }

  void remove() { listener_.handshakes_.erase(self_); }

  TlsListener& listener_;
  io::Stream& below_;  // of stream_
  std::unique_ptr<TlsStream> stream_;
  TlsListener::Handshakes::iterator self_;
  bool lingers_ = false;
  size_t lingered_ = 0;
  io::Timer timer_;
};

Status ServerNet::TlsListener::open(const io::SocketAddress& address) {
  ASSIGN_OR_RETURN(below_,
                   net_.below_.listen(address, [this](auto stream) { accept(std::move(stream)); }));
  return {};
}

void ServerNet::TlsListener::accept(std::unique_ptr<io::Stream> stream) {
  if (handshakes_.size() >= net_.options_.max_handshakes) {
    ++net_.counts_.of(HandshakeFault::kDisplaced);
    handshakes_.pop_front();
  }
  handshakes_.push_back(std::make_unique<Handshake>(*this, std::move(stream)));
  handshakes_.back()->begin(std::prev(handshakes_.end()));
}

ServerNet::ServerNet(io::Net& below, io::Loop& loop, ServerContext& context, Options options)
    : below_(below), loop_(loop), context_(context), options_(options) {
  renew_tickets();
}

void ServerNet::renew_tickets() {
  context_.renew_ticket_key();
  tickets_ = loop_.after(kTicketKeyLife, [this] { renew_tickets(); });
}

Result<std::unique_ptr<io::Listener>> ServerNet::listen(const io::SocketAddress& address,
                                                        OnAccept on_accept) {
  auto listener = std::make_unique<TlsListener>(*this, std::move(on_accept));
  RETURN_IF_ERROR(listener->open(address));
  newest_ = listener.get();
  return std::unique_ptr<io::Listener>(std::move(listener));
}

void ServerNet::accept(std::unique_ptr<io::Stream> stream) {
  if (newest_ != nullptr) newest_->accept(std::move(stream));
}

std::unique_ptr<io::Connecting> ServerNet::connect(const io::SocketAddress& address,
                                                   OnConnect on_connect) {
  return below_.connect(address, std::move(on_connect));
}

}  // namespace thaw::tls
