#include "io_linux/stream.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/check.h"
#include "io_linux/socket_address.h"

namespace thaw::io_linux {

/// What epoll said about a stream and who wants to know. Lives until the end of the turn in which
/// its stream was destroyed.
class FdWatch final : public Watch {
 public:
  void on_events(uint32_t events) override {
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) readable = true;
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) hung_up = true;
    if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) writable = true;
    if (readable && listener != nullptr) listener->on_readable();
    // Epoll repeats EPOLLOUT with every edge; it is news only to one who was refused.
    if (writable && refused && listener != nullptr) {
      refused = false;
      listener->on_writable();
    }
  }

  io::StreamEvents* listener = nullptr;  // null once the stream is gone
  bool readable = false;
  bool writable = true;
  bool hung_up = false;
  bool refused = false;  // a write would have blocked and nobody was told yet that it may go on
};

namespace {

io::Transfer failed(int error) { return {io::Transfer::State::kBroken, 0, error}; }
constexpr io::Transfer kWouldBlock{io::Transfer::State::kWouldBlock, 0, 0};

// The calls of sockets are shorter ways into the kernel than those of files.

ssize_t receive(int fd, FdStream::Kind kind, std::span<char> into) {
  return kind == FdStream::Kind::kSocket ? ::recv(fd, into.data(), into.size(), 0)
                                         : ::read(fd, into.data(), into.size());
}

constexpr size_t kGathered = 2048;  // up to here a copy is cheaper than sendmsg's bookkeeping

ssize_t send(int fd, FdStream::Kind kind, std::span<iovec> parts, size_t total) {
  if (kind != FdStream::Kind::kSocket) {
    return ::writev(fd, parts.data(), static_cast<int>(parts.size()));
  }
  if (parts.size() == 1) return ::send(fd, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL);
  if (total <= kGathered) {
    std::array<char, kGathered> together;
    char* end = together.data();
    for (const iovec& part : parts) {
      end = std::copy_n(static_cast<const char*>(part.iov_base), part.iov_len, end);
    }
    return ::send(fd, together.data(), total, MSG_NOSIGNAL);
  }
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  return ::sendmsg(fd, &message, MSG_NOSIGNAL);
}

uint32_t interest(FdStream::Kind kind) {
  switch (kind) {
    case FdStream::Kind::kReadPipe:
      return EPOLLIN | EPOLLET;
    case FdStream::Kind::kWritePipe:
      return EPOLLOUT | EPOLLET;
    case FdStream::Kind::kSocket:
      break;
  }
  return EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
}

}  // namespace

FdStream::FdStream(EpollLoop& loop, Fd fd, Kind kind, io::SocketAddress peer,
                   std::function<void()> on_closed)
    : loop_(loop),
      fd_(std::move(fd)),
      kind_(kind),
      watch_(std::make_unique<FdWatch>()),
      peer_(std::move(peer)),
      on_closed_(std::move(on_closed)) {
  loop_.watch(fd_.get(), interest(kind), *watch_);
}

FdStream::~FdStream() {
  watch_->listener = nullptr;
  loop_.retire(fd_.get(), std::move(watch_));
  fd_.reset();
  if (on_closed_) on_closed_();
}

io::Transfer FdStream::read(std::span<char> into) {
  CHECK(!into.empty());
  if (!watch_->readable) return kWouldBlock;
  for (;;) {
    const ssize_t n = receive(fd_.get(), kind_, into);
    if (n > 0) {
      // A short read of a stream has emptied it (epoll(7), question 9); the end, if it was
      // announced, still has to be read.
      if (static_cast<size_t>(n) < into.size() && !watch_->hung_up) watch_->readable = false;
      return {io::Transfer::State::kMoved, static_cast<size_t>(n), 0};
    }
    if (n == 0) return {io::Transfer::State::kEnd, 0, 0};
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return failed(errno);
    watch_->readable = false;
    return kWouldBlock;
  }
}

io::Transfer FdStream::write(std::span<const std::string_view> parts) {
  if (!watch_->writable) {
    watch_->refused = true;
    return kWouldBlock;
  }
  std::array<iovec, 16> vectors;
  size_t count = 0;
  size_t total = 0;
  for (const std::string_view part : parts) {
    if (part.empty()) continue;
    if (count == vectors.size()) break;
    vectors[count++] = {const_cast<char*>(part.data()), part.size()};
    total += part.size();
  }
  CHECK(total > 0, "a write of nothing");
  for (;;) {
    const ssize_t n = send(fd_.get(), kind_, std::span(vectors).first(count), total);
    if (n > 0) {
      if (static_cast<size_t>(n) < total) watch_->writable = false;
      return {io::Transfer::State::kMoved, static_cast<size_t>(n), 0};
    }
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN) return failed(errno);
    watch_->writable = false;
    watch_->refused = true;
    return kWouldBlock;
  }
}

void FdStream::shutdown_write() {
  if (kind_ == Kind::kSocket) ::shutdown(fd_.get(), SHUT_WR);
}

bool FdStream::is_quiet_and_open() {
  if (kind_ != Kind::kSocket) return !watch_->hung_up;
  char byte;
  return ::recv(fd_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

io::SocketAddress FdStream::local() const {
  KernelAddress address{};
  socklen_t length = sizeof address;
  if (kind_ != Kind::kSocket || ::getsockname(fd_.get(), &address.any, &length) != 0) return {};
  return from_kernel(address);
}

void FdStream::set_events(io::StreamEvents* events) {
  watch_->listener = events;
  if (events == nullptr) return;
  // What is not known now will come as an edge.
  if (watch_->readable || (watch_->writable && watch_->refused)) loop_.kick(*watch_, 0);
}

}  // namespace thaw::io_linux
