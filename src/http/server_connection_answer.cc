// The second half of a ServerConnection: what it says, and how it ends.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "http/date.h"
#include "http/h2_server_connection.h"
#include "http/server_connection.h"
#include "http/trailers.h"
#include "http/write_response.h"
#include "io/flushing.h"

namespace thaw::http {
namespace {

constexpr size_t kHighMark = 64 << 10;
// A connection that is to end is read on, lest its answer's rest be reset: until the client says
// nothing for so long, in all for so long, or says so much more than a request may.
constexpr Duration kLingerIdle = seconds(2);
constexpr Duration kLingerTotal = seconds(30);
constexpr int64_t kMaxLinger = 32 << 20;

}  // namespace

void ServerConnection::reject(int status, std::string_view reason) {
  refuse_with(shared_.fault(status, reason));
}

/// The request's answer; what comes behind its head is read by nobody.
void ServerConnection::refuse_with(const Response& answer) {
  gathered_.empty();
  request_ = {};
  keep_alive_ = false;
  to_head_ = false;
  add_head(answer, fmt::format("content-length: {}\r\n", answer.body.size()));
  out_.buffer() += answer.body;
  close_after_sending();
}

void ServerConnection::add_head(const Response& head, std::string_view framing) {
  std::string& out = out_.buffer();
  append_status_and_headers(out, head);
  out += framing;
  if (!keep_alive_) {
    out += "connection: close\r\n";
  } else if (minor_version_ == 0) {
    out += "connection: keep-alive\r\n";
  }
  fmt::format_to(std::back_inserter(out), "date: {}\r\n\r\n",
                 format_http_date(shared_.loop.wall_now()));
}

/// An answer before the body's end leaves bytes that nobody will read.
void ServerConnection::drop_rest_of_body() {
  if (phase_ != Phase::kStreaming) return;
  keep_alive_ = false;
  parser_.reset();
  if (const auto state = std::exchange(stream_state_, nullptr)) state->connection = nullptr;
}

void ServerConnection::answer(Response response) {
  drop_rest_of_body();
  const bool has_length =
      response.status >= 200 && response.status != 204 && response.status != 304;
  if (shared_.draining) keep_alive_ = false;
  add_head(response, has_length ? fmt::format("content-length: {}\r\n", response.body.size()) : "");
  if (!to_head_ && has_length) out_.buffer() += response.body;
  finish_answer();
}

void ServerConnection::start(Response head) {
  std::string framing;
  chunked_answer_ = false;
  if (const auto length = head.headers.find("content-length")) {
    framing = fmt::format("content-length: {}\r\n", *length);
  } else if (minor_version_ == 1) {
    chunked_answer_ = true;
    framing = "transfer-encoding: chunked\r\n";
  } else {
    keep_alive_ = false;
  }
  if (shared_.draining) keep_alive_ = false;
  add_head(head, framing);
  flush();
  bury_if_dead();
}

Responder::Flow ServerConnection::write(std::string_view content) {
  if (!to_head_) {
    if (chunked_answer_) {
      append_chunk(out_.buffer(), content);
    } else {
      out_.buffer() += content;
    }
  }
  flush();
  const bool waits = out_.size() > kHighMark;
  if (bury_if_dead()) return Responder::Flow::kGone;
  return waits ? Responder::Flow::kWait : Responder::Flow::kGoOn;
}

void ServerConnection::end(const Headers& trailers) {
  drop_rest_of_body();
  if (chunked_answer_ && !to_head_) append_last_chunk(out_.buffer(), trailers);
  finish_answer();
}

void ServerConnection::cut() {
  responder_->connection = nullptr;
  responder_.reset();
  die();
  bury_if_dead();
}

void ServerConnection::dropped() { answer(shared_.fault(500, "the server dropped this request")); }

void ServerConnection::finish_answer() {
  responder_->connection = nullptr;
  responder_.reset();
  if (!keep_alive_) {
    close_after_sending();
  } else {
    phase_ = Phase::kHead;
    head_begun_ = false;
    if (in_.size() == taken_) {  // idle connections hold no memory
      std::string().swap(in_);
      taken_ = 0;
    }
    timer_.set_after(out_.empty() ? shared_.options.idle_timeout : shared_.options.body_timeout);
    flush();
  }
  advance();
}

void ServerConnection::close_after_sending() {
  phase_ = Phase::kLingering;
  timer_.set_after(shared_.options.body_timeout);
  flush();
}

void ServerConnection::flush() {
  if (phase_ == Phase::kDead || out_.empty()) return;
  if (unsent_.is_over()) return die();
  const size_t before = out_.size();
  switch (out_.flush(*stream_)) {
    case SendQueue::State::kBroken:
      return die();
    case SendQueue::State::kBlocked:
      return look_at_slow_client(before - out_.size());
    case SendQueue::State::kEmpty:
      break;
  }
  unsent_.empty();
  sent_ = 0;
  if (phase_ == Phase::kLingering) {
    sent_all();
  } else if (phase_ == Phase::kHandling) {
    timer_.clear();
    tell_writable_soon();
  } else if (phase_ == Phase::kStreaming) {
    const bool waits_for_piece = stream_state_ != nullptr && stream_state_->on_piece != nullptr;
    if (!waits_for_piece) timer_.clear();
    tell_writable_soon();
  } else if (phase_ == Phase::kHead) {
    timer_.set_after(shared_.options.idle_timeout);
  }
}

/// It took so much, and leaves the rest for now. Nearly nothing at a time ends its time, too.
void ServerConnection::look_at_slow_client(size_t taken) {
  if (!unsent_.set(out_.size())) return die();
  sent_ += taken;
  if (sent_ < kWorthWaiting && timer_.deadline() != Instant::max()) return;
  sent_ = 0;
  timer_.set_after(shared_.options.body_timeout);
}

std::string ServerConnection::address() const {
  return stream_ != nullptr ? stream_->peer().ip : "";
}

void ServerConnection::give_way() {
  again_ = shared_.loop.after(Duration::zero(), [this] {
    flush();
    advance();
  });
}

void ServerConnection::tell_writable_soon() {
  if (responder_ == nullptr || responder_->on_writable == nullptr || !out_.empty()) return;
  // Later: the one who is called writes again, and that must not nest.
  shared_.loop.post([weak = std::weak_ptr(responder_)] {
    const auto state = weak.lock();
    if (state == nullptr || state->connection == nullptr) return;
    if (const auto callback = std::exchange(state->on_writable, nullptr)) callback();
  });
}

void ServerConnection::sent_all() {
  stream_->shutdown_write();
  timer_.set_after(shared_.options.body_timeout);  // for the stream to send what it holds back
  wait_for_end();
}

/// Ends an idle connection: its client sees that nothing was cut off.
void ServerConnection::leave() {
  phase_ = Phase::kLingering;
  sent_all();
  if (io::is_flushed(*stream_)) die();
}

/// The answer was handed to the stream, which may still hold the last of it.
void ServerConnection::wait_for_end() {
  if (!io::is_flushed(*stream_)) return;
  const Instant now = shared_.loop.now();
  if (!linger_until_) linger_until_ = now + kLingerTotal;
  timer_.set(std::min(now + kLingerIdle, *linger_until_));
}

/// Waits until the client has read the answer, so that closing does not reset what it has not
/// read yet (RFC 9112, 9.6).
bool ServerConnection::linger() {
  if (!out_.empty()) return false;
  const size_t more = in_.size() - taken_;
  lingered_ += static_cast<int64_t>(more);
  taken_ = in_.size();
  const bool is_over = ended_ && io::is_flushed(*stream_);
  if (is_over || lingered_ > shared_.options.max_body.value + kMaxLinger) {
    die();
    return false;
  }
  if (more > 0) wait_for_end();
  return fill<kReadSize>();  // false once it has ended
}

void ServerConnection::client_left() {
  keep_alive_ = false;
  if (const auto responder = responder_) responder->tell_gone();
}

void ServerConnection::die() {
  if (phase_ == Phase::kDead) return;
  phase_ = Phase::kDead;
  timer_.clear();
  gathered_.empty();
  unsent_.empty();
  tell_lost(std::exchange(stream_state_, nullptr), std::exchange(responder_, nullptr));
}

void ServerConnection::on_timeout() {
  const bool waits_for_client = phase_ == Phase::kBody || (phase_ == Phase::kHead && head_begun_);
  if (waits_for_client && out_.empty()) {
    reject(408, "the request did not arrive in time");
  } else {
    die();
  }
  advance();
}

bool ServerConnection::bury_if_dead() {
  if (phase_ != Phase::kDead || advancing_) return false;
  if (heir_ != nullptr) {
    shared_.replace(*this, std::move(heir_));  // destroys this
  } else {
    shared_.remove(*this);  // destroys this
  }
  return true;
}

}  // namespace thaw::http
