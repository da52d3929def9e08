#include "io_linux/tcp_net.h"

#include <netinet/tcp.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "io_linux/net_namespace.h"
#include "io_linux/socket_address.h"
#include "io_linux/stream.h"

namespace thaw::io_linux {
namespace {

constexpr int kBacklog = 4096;
constexpr int kAcceptsPerTurn = 64;
constexpr Duration kPauseWithoutDescriptors = milliseconds(100);

void set_option(int fd, int level, int name) {
  const int one = 1;
  ::setsockopt(fd, level, name, &one, sizeof one);  // an optimisation; never needed to go on
}

/// For the sockets of a listener at `address`, or one that connects to it.
void tune(int fd, const KernelAddress& address) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY);  // accepted sockets inherit these
  if (!is_loopback(address)) return;
  // There is no network to congest: what the machine uses elsewhere (BBR measures and paces each
  // segment with a timer) only costs time. Every kernel has reno.
  constexpr std::string_view kPlain = "reno";
  ::setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, kPlain.data(), kPlain.size());
}

}  // namespace

/// A listening socket. Lives until the end of the turn in which its listener was destroyed.
class ListenWatch final : public Watch {
 public:
  ListenWatch(TcpNet& net, Fd fd, io::Net::OnAccept on_accept)
      : net_(net), fd_(std::move(fd)), on_accept_(std::move(on_accept)) {
    net_.loop_.watch(fd_.get(), EPOLLIN, *this);
  }

  void on_events(uint32_t) override {
    for (int i = 0; i < kAcceptsPerTurn && !closed_; ++i) {
      KernelAddress peer{};
      socklen_t length = sizeof peer;
      Fd fd(::accept4(fd_.get(), &peer.any, &length, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (fd.is_open()) {
        on_accept_(net_.make_stream(std::move(fd), from_kernel(peer)));
      } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        return pause();
      } else if (errno != EINTR && errno != ECONNABORTED) {
        return;  // EAGAIN, or an error of one connection that is gone (accept(2))
      }
    }
  }

  void pause() {
    net_.loop_.change(fd_.get(), 0, *this);
    net_.paused_.insert(this);
    retry_ = net_.loop_.after(kPauseWithoutDescriptors, [this] { resume(); });
  }

  void resume() {
    retry_.cancel();
    net_.paused_.erase(this);
    net_.loop_.change(fd_.get(), EPOLLIN, *this);
  }

  /// Stops accepting; `self` is this.
  void close(std::unique_ptr<ListenWatch> self) {
    closed_ = true;
    retry_.cancel();
    net_.paused_.erase(this);
    net_.loop_.retire(fd_.get(), std::move(self));
    fd_.reset();
  }

  int fd() const { return fd_.get(); }

 private:
  TcpNet& net_;
  Fd fd_;
  io::Net::OnAccept on_accept_;
  io::Timer retry_;
  bool closed_ = false;
};

namespace {

class TcpListener final : public io::Listener {
 public:
  explicit TcpListener(std::unique_ptr<ListenWatch> watch) : watch_(std::move(watch)) {}
  ~TcpListener() override {
    ListenWatch& watch = *watch_;
    watch.close(std::move(watch_));
  }
  io::SocketAddress address() const override {
    KernelAddress address{};
    socklen_t length = sizeof address;
    ::getsockname(watch_->fd(), &address.any, &length);
    return from_kernel(address);
  }

 private:
  std::unique_ptr<ListenWatch> watch_;
};

/// A connection attempt's socket, until it is connected or given up.
class ConnectWatch final : public Watch {
 public:
  ConnectWatch(EpollLoop& loop, Fd fd) : loop_(loop), fd_(std::move(fd)) {
    loop_.watch(fd_.get(), EPOLLOUT | EPOLLET, *this);
  }
  void on_events(uint32_t) override {
    if (on_done) std::exchange(on_done, nullptr)();
  }
  int fd() const { return fd_.get(); }
  /// Stops watching and gives the descriptor away; `self` is this.
  Fd take(std::unique_ptr<ConnectWatch> self) {
    on_done = nullptr;
    Fd fd = std::move(fd_);
    loop_.retire(fd.get(), std::move(self));
    return fd;
  }

  std::function<void()> on_done;

 private:
  EpollLoop& loop_;
  Fd fd_;
};

class TcpConnecting final : public io::Connecting {
 public:
  using Finish = std::function<Result<std::unique_ptr<io::Stream>>(Result<Fd>)>;

  /// An attempt that failed at once.
  TcpConnecting(EpollLoop& loop, Error error, io::Net::OnConnect on_connect) {
    failure_ = loop.after(Duration::zero(),
                          [error = std::move(error), on_connect = std::move(on_connect)]() mutable {
                            on_connect(std::move(error));
                          });
  }

  TcpConnecting(EpollLoop& loop, Fd fd, std::string what, Finish finish,
                io::Net::OnConnect on_connect)
      : watch_(std::make_unique<ConnectWatch>(loop, std::move(fd))) {
    watch_->on_done = [this, what = std::move(what), finish = std::move(finish),
                       on_connect = std::move(on_connect)] {
      int error = 0;
      socklen_t length = sizeof error;
      ::getsockopt(watch_->fd(), SOL_SOCKET, SO_ERROR, &error, &length);
      Fd connected = take();
      auto result = error == 0 ? finish(std::move(connected)) : finish(errno_error(what, error));
      on_connect(std::move(result));  // may destroy this
    };
  }

  ~TcpConnecting() override {
    if (watch_ != nullptr) take().reset();
  }

 private:
  Fd take() {
    ConnectWatch& watch = *watch_;
    return watch.take(std::move(watch_));
  }

  std::unique_ptr<ConnectWatch> watch_;
  io::Timer failure_;
};

Result<Fd> start_connect(const io::SocketAddress& address, const std::string& what) {
  ASSIGN_OR_RETURN(const KernelAddress kernel, to_kernel(address));
  ASSIGN_OR_RETURN(const int number, socket_in(address.in.get(), kernel.any.sa_family));
  Fd fd(number);
  tune(number, kernel);
  if (::connect(number, &kernel.any, length_of(kernel)) != 0 && errno != EINPROGRESS) {
    return errno_error(what, errno);
  }
  return fd;
}

}  // namespace

Result<std::unique_ptr<io::Listener>> TcpNet::listen(const io::SocketAddress& address,
                                                     OnAccept on_accept) {
  const std::string what = "listen on " + address.str();
  ASSIGN_OR_RETURN(const KernelAddress kernel, to_kernel(address));
  ASSIGN_OR_RETURN(const int number, socket_in(address.in.get(), kernel.any.sa_family));
  Fd fd(number);
  set_option(number, SOL_SOCKET, SO_REUSEADDR);
  tune(number, kernel);
  if (::bind(number, &kernel.any, length_of(kernel)) != 0 || ::listen(number, kBacklog) != 0) {
    return errno_error(what, errno);
  }
  auto watch = std::make_unique<ListenWatch>(*this, std::move(fd), std::move(on_accept));
  return std::unique_ptr<io::Listener>(std::make_unique<TcpListener>(std::move(watch)));
}

std::unique_ptr<io::Connecting> TcpNet::connect(const io::SocketAddress& address,
                                                OnConnect on_connect) {
  const std::string what = "connect to " + address.str();
  auto fd = start_connect(address, what);
  if (!fd) {
    return std::make_unique<TcpConnecting>(loop_, std::move(fd).error(), std::move(on_connect));
  }
  auto finish = [this, address](Result<Fd> connected) -> Result<std::unique_ptr<io::Stream>> {
    if (!connected) return std::move(connected).error();
    return make_stream(*std::move(connected), address);
  };
  return std::make_unique<TcpConnecting>(loop_, *std::move(fd), what, std::move(finish),
                                         std::move(on_connect));
}

std::unique_ptr<io::Stream> TcpNet::make_stream(Fd fd, io::SocketAddress peer) {
  return std::make_unique<FdStream>(loop_, std::move(fd), FdStream::Kind::kSocket, std::move(peer),
                                    [this] { on_closed(); });
}

void TcpNet::on_closed() {
  while (!paused_.empty()) (*paused_.begin())->resume();
}

}  // namespace thaw::io_linux
