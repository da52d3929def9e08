#include "http/h2_server_connection.h"

#include <array>
#include <utility>

#include "http/h2_server_stream.h"
#include "http/read_request.h"
#include "io/flushing.h"

namespace thaw::http {
namespace {

constexpr size_t kReadSize = 32 << 10;
constexpr size_t kSendSize = 64 << 10;
constexpr size_t kMaxBacklog = 500;  // frames; over it nothing is read until some are sent
constexpr size_t kMaxLinger = 1 << 20;
constexpr Duration kLingerTime = seconds(2);
constexpr int kReadsPerTurn = 16;  // then other connections have theirs

H2Session::Options options_of(const Server::Options& options) {
  return {.head = options.head, .max_streams = options.max_streams};
}

}  // namespace

H2ServerConnection::H2ServerConnection(Server::Shared& shared, std::unique_ptr<io::Stream> stream)
    : shared_(shared),
      stream_(std::move(stream)),
      session_(H2Session::Side::kServer, options_of(shared.options), *this, shared.loop.now()),
      unsent_(shared.answers, *this),
      timer_(shared.loop, [this] { on_timeout(); }) {}

H2ServerConnection::~H2ServerConnection() {
  dead_ = advancing_ = true;  // nothing may begin any more
  for (const auto& [id, stream] : streams_) stream->lost();
}

void H2ServerConnection::upgrade(std::string_view settings, Request request,
                                 std::string_view bytes) {
  in_ = bytes;
  auto stream = std::make_unique<H2ServerStream>(*this, 1);
  if (!session_.upgrade(settings, request.method, *stream)) {
    out_.buffer() = "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    ended_ = true;
    return;
  }
  out_.buffer() = "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: h2c\r\n\r\n";
  streams_[1] = std::move(stream);
  upgraded_ = std::make_unique<Request>(std::move(request));
}

void H2ServerConnection::take_over() {
  advancing_ = true;
  if (const auto request = std::exchange(upgraded_, nullptr)) {
    RequestHead head;
    head.method = request->method;
    H2ServerStream& stream = *streams_[1];
    const std::string method = request->method;
    head.method = method;
    stream.begin(std::move(*request), head);
    stream.on_end({});
  }
  if (!ended_ && !in_.empty()) session_.receive(std::exchange(in_, {}), shared_.loop.now());
  advancing_ = false;
  stream_->set_events(this);
  advance();
}

void H2ServerConnection::drain() {
  session_.shut_down();
  flush();
}

H2StreamEvents* H2ServerConnection::on_request(int32_t id, const RequestHead& head) {
  auto& stream = streams_[id] = std::make_unique<H2ServerStream>(*this, id);
  H2ServerStream* const kept = stream.get();
  kept->begin(to_request(head, *stream_), head);
  return kept;
}

H2StreamEvents* H2ServerConnection::on_bad_request(int32_t id, const HeadFault& fault) {
  auto& stream = streams_[id] = std::make_unique<H2ServerStream>(*this, id);
  stream->reject(fault.status, fault.reason);
  return stream.get();
}

void H2ServerConnection::closed(int32_t id) {
  auto node = streams_.extract(id);
  if (!node.empty()) gone_.push_back(std::move(node.mapped()));
}

void H2ServerConnection::advance() {
  if (advancing_ || dead_) return;
  advancing_ = true;
  if (waits_ == Waits::kLingering) {
    linger();
  } else {
    if (unsent_.is_over()) die();
    send();
    int reads = 0;
    while (!dead_ && receive()) {
      if (++reads == kReadsPerTurn) {
        again_ = shared_.loop.after(Duration::zero(), [this] { advance(); });
        break;
      }
    }
    send();
  }
  advancing_ = false;
  bury();
}

void H2ServerConnection::flush() {
  if (advancing_ || dead_) return;
  advancing_ = true;
  send();
  advancing_ = false;
  bury();
}

/// Reads once and takes what came. False: nothing to be had, or nothing wanted now.
bool H2ServerConnection::receive() {
  if (ended_ || (!out_.empty() && session_.backlog() > kMaxBacklog)) return false;
  std::array<char, kReadSize> buffer;
  const io::Transfer moved = stream_->read(buffer);
  switch (moved.state) {
    case io::Transfer::State::kMoved:
      ended_ = !session_.receive({buffer.data(), moved.bytes}, shared_.loop.now());
      return !ended_;
    case io::Transfer::State::kWouldBlock:
      return false;
    case io::Transfer::State::kEnd:
    case io::Transfer::State::kBroken:
      die();
      return false;
  }
  return false;
}

void H2ServerConnection::send() {
  while (!dead_) {
    if (out_.empty()) session_.collect(out_.buffer(), kSendSize);
    if (out_.empty()) break;
    const size_t before = out_.size();
    const SendQueue::State state = out_.flush(*stream_);
    if (state == SendQueue::State::kBroken) return die();
    moved_ += before - out_.size();
    if (state == SendQueue::State::kBlocked) break;
  }
  if (dead_) return;
  if (!unsent_.set(out_.size())) give_way();
  if (out_.empty() && (ended_ || session_.is_over())) {
    for (const auto& [id, stream] : streams_) stream->lost();
    waits_ = Waits::kLingering;
    stream_->shutdown_write();
    wait_for_end();
    return linger();
  }
  look_at_timer();
}

void H2ServerConnection::give_way() {
  again_ = shared_.loop.after(Duration::zero(), [this] { advance(); });
}

void H2ServerConnection::wait_for_end() {
  is_flushed_ = io::is_flushed(*stream_);
  timer_.set_after(is_flushed_ ? kLingerTime : shared_.options.body_timeout);
}

/// Waits until the client has read our last word, so that closing does not take it away.
void H2ServerConnection::linger() {
  if (!is_flushed_ && io::is_flushed(*stream_)) wait_for_end();
  std::array<char, kReadSize> buffer;
  for (;;) {
    const io::Transfer moved = stream_->read(buffer);
    if (moved.state == io::Transfer::State::kWouldBlock) return;
    lingered_ += moved.bytes;
    if (moved.state != io::Transfer::State::kMoved || lingered_ > kMaxLinger) return die();
  }
}

void H2ServerConnection::look_at_timer() {
  Waits waits = Waits::kNothing;
  Duration time{0};
  if (!out_.empty()) {
    waits = Waits::kBlocked;
    time = shared_.options.body_timeout;
  } else if (session_.head_begun()) {
    waits = Waits::kHead;
    time = shared_.options.head_timeout;
  } else if (streams_.empty()) {
    waits = shared_.draining ? Waits::kLeaving : Waits::kIdle;
    time = shared_.draining ? kLingerTime : shared_.options.idle_timeout;
  }
  const bool took = waits == Waits::kBlocked && moved_ >= kWorthWaiting;
  if (waits == waits_ && !took) return;
  moved_ = 0;
  waits_ = waits;
  if (waits == Waits::kNothing) return timer_.clear();
  timer_.set_after(time);
}

void H2ServerConnection::on_timeout() {
  if (waits_ == Waits::kBlocked || waits_ == Waits::kLingering) {
    die();
    return bury();
  }
  const bool is_slow = std::exchange(waits_, Waits::kNothing) == Waits::kHead;
  session_.fail(is_slow ? H2Error::kEnhanceYourCalm : H2Error::kNone);
  ended_ = true;
  flush();
}

void H2ServerConnection::die() {
  if (std::exchange(dead_, true)) return;
  timer_.clear();
  unsent_.empty();
  const bool nested = std::exchange(advancing_, true);
  for (const auto& [id, stream] : streams_) stream->lost();
  advancing_ = nested;
}

void H2ServerConnection::bury() {
  gone_.clear();
  if (dead_) shared_.remove(*this);  // destroys this
}

}  // namespace thaw::http
