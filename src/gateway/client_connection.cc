#include "gateway/client_connection.h"

#include <algorithm>
#include <utility>

#include "gateway/caller.h"
#include "http/h2_session.h"
#include "http/read_request.h"
#include "io/encryption.h"
#include "io/flushing.h"

namespace thaw::gateway {
namespace {

constexpr size_t kMaxAhead = 64 << 10;
constexpr int64_t kMaxLinger = 32 << 20;  // beyond what a request may have
constexpr int kStepsPerTurn = 64;         // then other connections have theirs

}  // namespace

ClientConnection::ClientConnection(GatewayCore& core, std::unique_ptr<io::Stream> stream,
                                   GatewayCore::Via via)
    : core_(core),
      stream_(std::move(stream)),
      peer_ip_(stream_->peer().ip),
      caller_(caller_of(peer_ip_)),
      local_ip_(core.observer != nullptr ? stream_->local().ip : std::string()),
      via_(via),
      is_encrypted_(io::is_encrypted(*stream_)),
      parser_(core.options.head),
      timer_(core.loop, [this] { on_timeout(); }),
      exchange_(core, *this) {
  timer_.set_after(core_.options.head_timeout);
  stream_->set_events(this);
}

void ClientConnection::on_readable() { advance(); }

void ClientConnection::on_writable() {
  if (phase_ == Phase::kLingering && out_.empty()) {
    wait_for_end();
  } else {
    flush();
  }
  advance();
}

void ClientConnection::drain() {
  const bool is_idle = phase_ == Phase::kHead && input().empty() && out_.empty();
  if (is_idle) leave();
  advance();
}

/// Ends an idle connection: its client sees that nothing was cut off.
void ClientConnection::leave() {
  phase_ = Phase::kLingering;
  sent_all();
  if (io::is_flushed(*stream_)) phase_ = Phase::kDead;
}

void ClientConnection::refuse(const Reply& reply) {
  const std::string text = write_reply(reply, Rest::kClose, false);
  const std::string_view part = text;
  send(std::span(&part, 1));
  exchange_done(Rest::kClose);
  advance();
}

void ClientConnection::advance() {
  if (advancing_) return;
  advancing_ = true;
  int steps = 0;
  while (step()) {
    if (++steps == kStepsPerTurn) {
      yield();
      break;
    }
  }
  advancing_ = false;
  if (phase_ == Phase::kDead) return core_.remove(*this);  // destroys this
  stash();
}

void ClientConnection::yield() {
  again_ = core_.loop.after(Duration::zero(), [this] { advance(); });
}

/// One piece of progress; false when there is none to be made now.
bool ClientConnection::step() {
  switch (phase_) {
    case Phase::kHead:
      return take_head();
    case Phase::kBusy:
      exchange_.pump();
      return phase_ != Phase::kBusy || read_ahead();
    case Phase::kLingering:
      return linger();
    case Phase::kDead:
      return false;
  }
  return false;
}

std::string_view ClientConnection::input() const {
  return fresh_.empty() ? std::string_view(in_).substr(taken_) : fresh_;
}

void ClientConnection::take(size_t bytes) {
  if (!fresh_.empty()) {
    fresh_.remove_prefix(bytes);
    return;
  }
  taken_ += bytes;
  if (taken_ == in_.size()) {
    std::string().swap(in_);  // idle connections hold no memory
    taken_ = 0;
  }
}

void ClientConnection::stash() {
  if (fresh_.empty()) return;
  in_.assign(fresh_);
  fresh_ = {};
}

ClientConnection::Fill ClientConnection::fill() {
  if (ended_) return Fill::kEnded;
  stash();
  const io::Transfer moved = stream_->read(core_.client_buffer);
  switch (moved.state) {
    case io::Transfer::State::kMoved: {
      const std::string_view got(core_.client_buffer.data(), moved.bytes);
      if (in_.empty()) {
        fresh_ = got;
      } else {
        in_.erase(0, std::exchange(taken_, 0));
        in_ += got;
      }
      return Fill::kMore;
    }
    case io::Transfer::State::kWouldBlock:
      return Fill::kNothing;
    case io::Transfer::State::kEnd:
    case io::Transfer::State::kBroken:
      break;
  }
  ended_ = true;
  return Fill::kEnded;
}

bool ClientConnection::take_head() {
  if (!out_.empty()) return false;  // on_writable comes back
  const std::string_view bytes = input();
  if (is_first_ && speaks_h2(bytes) && becomes_h2(bytes)) return false;
  const bool waits = bytes.empty() || (is_first_ && speaks_h2(bytes));
  const auto state = waits ? http::ParseState::kNeedMore : parser_.parse(bytes);
  if (state == http::ParseState::kNeedMore) {
    if (!bytes.empty() && !std::exchange(head_begun_, true)) {
      timer_.set_after(core_.options.head_timeout);
    }
    const Fill got = fill();
    if (got == Fill::kEnded) phase_ = Phase::kDead;
    return got == Fill::kMore;
  }
  if (state == http::ParseState::kBad) {
    refuse({parser_.fault().status,
            "The request is refused: " + std::string(parser_.fault().reason) + "."});
    return true;
  }
  is_first_ = false;
  // Through TLS there is no h2c: HTTP/2 is chosen by ALPN (RFC 7540, 3.3).
  // Where there is no room for one more request, that is as well answered here.
  if (!is_encrypted_ && !core_.draining && !core_.is_full() && http::wants_h2c(parser_.head())) {
    if (!core_.upgrade(stream_, parser_.head(), bytes.substr(parser_.length()))) {
      refuse({400, "The request is refused: HTTP2-Settings is malformed."});
      return true;
    }
    phase_ = Phase::kDead;
    return false;
  }
  phase_ = Phase::kBusy;
  keep_alive_ = parser_.head().keep_alive;
  const size_t length = parser_.length();
  const bool body_came = bytes.size() > length;
  exchange_.begin(parser_.head(), length,
                  body_came ? Exchange::Body::kComing : Exchange::Body::kAwaited);
  take(length);
  parser_.reset();
  if (phase_ == Phase::kBusy) exchange_.find_slot();
  return true;
}

/// Whether `bytes` begin as HTTP/2 does, so far.
bool ClientConnection::speaks_h2(std::string_view bytes) const {
  return !bytes.empty() && bytes.front() == 'P' &&
         http::kH2Preface.starts_with(bytes.substr(0, http::kH2Preface.size()));
}

/// The rest of the preface came: another takes over.
bool ClientConnection::becomes_h2(std::string_view bytes) {
  if (bytes.size() < http::kH2Preface.size()) return false;
  phase_ = Phase::kDead;
  core_.accept_h2(std::move(stream_), bytes);
  return true;
}

/// While the exchange takes no input: notices that the client leaves.
bool ClientConnection::read_ahead() {
  if (!ended_ && !exchange_.takes_input() && input().size() < kMaxAhead) {
    if (fill() == Fill::kMore) return true;
  }
  if (!ended_) return false;
  exchange_.client_gone();
  phase_ = Phase::kDead;
  return false;
}

void ClientConnection::send(std::span<const std::string_view> parts) {
  if (phase_ == Phase::kDead) return;
  if (out_.send(*stream_, parts) == http::SendQueue::State::kBroken) broke();
}

void ClientConnection::broke() {
  ended_ = true;
  out_.clear();
}

void ClientConnection::flush() {
  if (out_.empty()) return;
  switch (out_.flush(*stream_)) {
    case http::SendQueue::State::kBroken:
      broke();
      break;
    case http::SendQueue::State::kBlocked:
      if (phase_ != Phase::kBusy) timer_.set_after(core_.options.send_timeout);
      break;
    case http::SendQueue::State::kEmpty:
      sent_all();
      break;
  }
}

void ClientConnection::sent_all() {
  if (phase_ == Phase::kHead) timer_.set_after(core_.options.idle_timeout);
  if (phase_ != Phase::kLingering) return;
  stream_->shutdown_write();
  timer_.set_after(core_.options.send_timeout);  // for the stream to send what it holds back
  wait_for_end();
}

/// The answer was handed to the stream, which may still hold the last of it.
void ClientConnection::wait_for_end() {
  if (!io::is_flushed(*stream_)) return;
  const Instant now = core_.loop.now();
  const auto& options = core_.options;
  if (!linger_until_)
    linger_until_ = now + (core_.is_full() ? options.linger_idle : options.linger_total);
  timer_.set(std::min(now + options.linger_idle, *linger_until_));
}

void ClientConnection::exchange_done(Rest rest) {
  if (phase_ == Phase::kDead) return;
  if (rest == Rest::kClose || will_close()) {
    phase_ = Phase::kLingering;
  } else {
    phase_ = Phase::kHead;
    head_begun_ = false;
  }
  if (out_.empty()) {
    sent_all();
  } else {
    timer_.set_after(core_.options.send_timeout);
  }
}

/// Waits until the client has read the answer, so that closing does not reset what it has not
/// read yet (RFC 9112, 9.6).
bool ClientConnection::linger() {
  const size_t more = input().size();
  lingered_ += static_cast<int64_t>(more);
  take(more);
  const bool is_over = ended_ && out_.empty() && io::is_flushed(*stream_);
  if (is_over || lingered_ > core_.options.max_request.value + kMaxLinger) {
    phase_ = Phase::kDead;
    return false;
  }
  if (more > 0 && out_.empty()) wait_for_end();
  return !ended_ && fill() != Fill::kNothing;
}

void ClientConnection::on_timeout() {
  if (phase_ == Phase::kBusy) {
    exchange_.on_deadline();
  } else if (phase_ == Phase::kHead && head_begun_ && out_.empty()) {
    return refuse({408, "The request did not arrive in time."});
  } else if (phase_ == Phase::kHead && out_.empty()) {
    leave();
  } else {
    phase_ = Phase::kDead;
  }
  advance();
}

}  // namespace thaw::gateway
