#include "http/server_connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "http/date.h"
#include "http/h2_server_connection.h"
#include "http/read_request.h"
#include "http/trailers.h"
#include "http/write_response.h"
#include "io/encryption.h"
#include "io/flushing.h"

namespace thaw::http {
namespace {

constexpr size_t kReadSize = 16 << 10;
constexpr size_t kStreamReadSize = 256 << 10;  // of a streamed body; also its largest piece
constexpr size_t kMaxPipelined = 64 << 10;     // read ahead while a request is being answered
constexpr size_t kHighMark = 64 << 10;
// A connection that is to end is read on, lest its answer's rest be reset: until the client says
// nothing for so long, in all for so long, or says so much more than a request may.
constexpr Duration kLingerIdle = seconds(2);
constexpr Duration kLingerTotal = seconds(30);
constexpr int64_t kMaxLinger = 32 << 20;
constexpr int kStepsPerTurn = 256;  // then other connections have theirs

}  // namespace

ServerConnection::ServerConnection(Server::Shared& shared, std::unique_ptr<io::Stream> stream)
    : shared_(shared),
      stream_(std::move(stream)),
      parser_(shared.options.head),
      gathered_(shared),
      timer_(shared.loop, [this] { on_timeout(); }) {
  timer_.set_after(shared_.options.head_timeout);
  stream_->set_events(this);
}

ServerConnection::~ServerConnection() {
  if (stream_state_ != nullptr) stream_state_->connection = nullptr;
  if (responder_ == nullptr) return;
  responder_->connection = nullptr;
  responder_->gone = true;
}

void ServerConnection::on_readable() { advance(); }

void ServerConnection::on_writable() {
  if (phase_ == Phase::kLingering && out_.empty()) {
    wait_for_end();
  } else {
    flush();
  }
  advance();
}

void ServerConnection::drain() {
  if (phase_ == Phase::kHead && in_.size() == taken_ && out_.empty()) leave();
  keep_alive_ = false;
  bury_if_dead();
}

void ServerConnection::refuse() {
  reject(503, "the server has too many connections");
  bury_if_dead();
}

void ServerConnection::advance() {
  if (advancing_) return;
  advancing_ = true;
  int steps = 0;
  for (bool progress = true; progress;) {
    if (++steps > kStepsPerTurn) {
      again_ = shared_.loop.after(Duration::zero(), [this] { advance(); });
      break;
    }
    switch (phase_) {
      case Phase::kHead:
        progress = take_head();
        break;
      case Phase::kBody:
        progress = take_body();
        break;
      case Phase::kStreaming:
        progress = stream_body();
        break;
      case Phase::kHandling:
        progress = !ended_ && in_.size() - taken_ < kMaxPipelined && fill<kReadSize>();
        if (ended_) client_left();
        break;
      case Phase::kLingering:
        progress = linger();
        break;
      case Phase::kDead:
        progress = false;
        break;
    }
  }
  advancing_ = false;
  bury_if_dead();
}

/// Reads once. False: nothing to be had now. What comes is read where no other connection's bytes
/// have gone cold: a connection keeps no more than it was sent.
template <size_t kMost>
bool ServerConnection::fill() {
  if (ended_) return false;
  char buffer[kMost];
  const io::Transfer moved = stream_->read(buffer);
  in_.erase(0, std::exchange(taken_, 0));
  in_.append(buffer, moved.bytes);
  switch (moved.state) {
    case io::Transfer::State::kMoved:
      return true;
    case io::Transfer::State::kWouldBlock:
      return false;
    case io::Transfer::State::kEnd:
      ended_ = true;
      return true;
    case io::Transfer::State::kBroken:
      ended_ = true;
      die();
      return false;
  }
  return false;
}

bool ServerConnection::take_head() {
  if (!out_.empty()) return false;  // on_writable comes back
  const std::string_view input = std::string_view(in_).substr(taken_);
  if (is_first_ && !input.empty() && input.front() == 'P' && take_preface(input)) return false;
  const bool may_be_tunnel = is_first_ && shared_.takes_tunnel && input.starts_with('C');
  if (may_be_tunnel && !io::is_encrypted(*stream_) && take_tunnel()) return false;
  const ParseState state = input.empty() ? ParseState::kNeedMore : parser_.parse(input);
  switch (state) {
    case ParseState::kNeedMore:
      if (ended_) {
        leave();
        return false;
      }
      if (!input.empty() && !std::exchange(head_begun_, true)) {
        timer_.set_after(shared_.options.head_timeout);
      }
      return fill<kReadSize>();
    case ParseState::kBad:
      reject(parser_.fault().status, parser_.fault().reason);
      return true;
    case ParseState::kDone:
      break;
  }
  const RequestHead& head = parser_.head();
  is_first_ = false;
  // Through TLS, HTTP/2 is chosen by ALPN (RFC 7540, 3.3).
  if (!io::is_encrypted(*stream_) && wants_h2c(head)) return upgrade(head);
  keep_alive_ = head.keep_alive && !shared_.draining;
  minor_version_ = head.minor_version;
  to_head_ = head.method == "HEAD";
  request_ = to_request(head, *stream_);
  body_ = BodyReader(head.framing, head.content_length);
  const bool wants_continue = head.expects_continue && input.size() == parser_.length();
  const bool too_large = std::cmp_greater(head.content_length, shared_.options.max_body.value);
  taken_ += parser_.length();
  if (shared_.takes_stream && shared_.takes_stream(request_)) {
    owes_continue_ = wants_continue;
    hand_out_stream();
    return true;
  }
  if (too_large) {
    reject(413, "the body is too large");
    return true;
  }
  if (wants_continue) out_.buffer() += "HTTP/1.1 100 Continue\r\n\r\n";
  flush();
  timer_.set_after(shared_.options.body_timeout);
  if (phase_ == Phase::kHead) phase_ = Phase::kBody;
  return true;
}

/// Whether `input` begins, or may still begin, an HTTP/2 connection; then it is not for HTTP/1.
bool ServerConnection::take_preface(std::string_view input) {
  if (input.size() < kH2Preface.size()) {
    if (!kH2Preface.starts_with(input)) return false;
    if (ended_) die();
    if (!std::exchange(head_begun_, true)) timer_.set_after(shared_.options.head_timeout);
    while (phase_ == Phase::kHead && in_.size() - taken_ < kH2Preface.size()) {
      if (!fill<kReadSize>()) return true;
      if (ended_) die();
    }
    if (phase_ != Phase::kHead) return true;
    return take_preface(std::string_view(in_).substr(taken_));
  }
  if (!input.starts_with(kH2Preface)) return false;
  phase_ = Phase::kDead;
  heir_ = std::make_unique<H2ServerConnection>(shared_, std::move(stream_));
  heir_->begin(input);
  return true;
}

/// True: a tunnel is asked for, and made once the head is whole. What is no such head, or is for
/// somewhere else, is the parser's.
bool ServerConnection::take_tunnel() {
  constexpr std::string_view kMethod = "CONNECT ", kEnd = "\r\n\r\n";
  const auto input = [this] { return std::string_view(in_).substr(taken_); };
  while (input().find(kEnd) == std::string_view::npos) {
    const bool may_be =
        input().starts_with(kMethod) || kMethod.starts_with(input().substr(0, kMethod.size()));
    if (!may_be || input().size() > kReadSize || ended_) return false;
    if (!std::exchange(head_begun_, true)) timer_.set_after(shared_.options.head_timeout);
    if (!fill<kReadSize>()) return true;
  }
  std::string_view authority = input();
  if (!authority.starts_with(kMethod) || authority.find(kEnd) != authority.size() - kEnd.size()) {
    return false;
  }
  authority.remove_prefix(kMethod.size());
  authority = authority.substr(0, authority.find_first_of(" \r\n"));
  if (!shared_.takes_tunnel(authority)) return false;
  constexpr std::string_view kMade[] = {"HTTP/1.1 200 OK\r\n\r\n"};
  const io::Transfer sent = stream_->write(kMade);
  stream_->set_events(nullptr);
  die();
  if (sent.bytes == kMade[0].size()) shared_.tunnel_handler(std::move(stream_));
  return true;
}

/// False: nothing more to do here; the connection goes on as HTTP/2 (RFC 7540, 3.2).
bool ServerConnection::upgrade(const RequestHead& head) {
  Request request = to_request(head, *stream_);
  auto heir = std::make_unique<H2ServerConnection>(shared_, std::move(stream_));
  const std::string settings(request.headers.get("http2-settings"));
  for (const char* name : {"http2-settings", "upgrade", "connection"}) request.headers.remove(name);
  taken_ += parser_.length();
  phase_ = Phase::kDead;
  heir->upgrade(settings, std::move(request), std::string_view(in_).substr(taken_));
  heir_ = std::move(heir);
  return false;
}

bool ServerConnection::take_body() {
  for (;;) {
    const BodyReader::Step step = body_.next(std::string_view(in_).substr(taken_));
    taken_ += step.consumed;
    switch (step.state) {
      case BodyReader::State::kContent:
        request_.body += step.content;
        if (std::cmp_greater(request_.body.size(), shared_.options.max_body.value)) {
          reject(413, "the body is too large");
          return true;
        }
        if (!gathered_.grow_to(request_.body.size())) {
          reject(503, "too many large bodies are coming in: try again later");
          return true;
        }
        break;
      case BodyReader::State::kBad:
        reject(400, "the body's framing is malformed");
        return true;
      case BodyReader::State::kDone:
        hand_out();
        return true;
      case BodyReader::State::kMore:
        if (ended_) {
          die();
          return false;
        }
        if (!fill<kReadSize>()) return false;
        timer_.set_after(shared_.options.body_timeout);
        return true;
    }
  }
}

void ServerConnection::hand_out_stream() {
  trailer_lines_.clear();
  body_.keep_trailers(trailer_lines_);
  phase_ = Phase::kStreaming;
  timer_.clear();
  responder_ = std::make_shared<Responder::State>();
  responder_->connection = this;
  const auto state = std::make_shared<BodyStream::State>(shared_.loop);
  state->connection = this;
  stream_state_ = state;
  // Nothing to come: the connection can be kept without anyone asking for the end.
  if (body_.next("").state == BodyReader::State::kDone) end_stream(BodyStream::Got::kEnd, "");
  shared_.stream_handler(std::move(request_), BodyStream(state), Responder(responder_));
}

void ServerConnection::pull_body() {
  if (std::exchange(owes_continue_, false)) {
    out_.buffer() += "HTTP/1.1 100 Continue\r\n\r\n";
    flush();
  }
  const bool is_asked = stream_state_ != nullptr && stream_state_->on_piece != nullptr;
  if (phase_ == Phase::kStreaming && is_asked) timer_.set_after(shared_.options.body_timeout);
  advance();
}

/// One piece, when one is asked for. Without a reader the client waits.
bool ServerConnection::stream_body() {
  if (stream_state_ == nullptr || stream_state_->on_piece == nullptr) return false;
  std::string piece;
  for (;;) {
    const BodyReader::Step step = body_.next(std::string_view(in_).substr(taken_));
    taken_ += step.consumed;
    switch (step.state) {
      case BodyReader::State::kContent:
        piece += step.content;
        if (piece.size() < kStreamReadSize) break;
        timer_.clear();
        stream_state_->give(BodyStream::Got::kContent, std::move(piece));
        return true;
      case BodyReader::State::kBad:
        keep_alive_ = false;
        end_stream(BodyStream::Got::kBroken, "");
        return true;
      case BodyReader::State::kDone:
        if (auto trailers = parse_trailers(trailer_lines_)) {
          stream_state_->trailers = *std::move(trailers);
          end_stream(BodyStream::Got::kEnd, std::move(piece));
        } else {
          keep_alive_ = false;
          end_stream(BodyStream::Got::kBroken, "");
        }
        return true;
      case BodyReader::State::kMore:
        if (!piece.empty()) {
          timer_.clear();
          stream_state_->give(BodyStream::Got::kContent, std::move(piece));
          return true;
        }
        if (ended_) {
          die();
          return false;
        }
        if (!fill<kStreamReadSize>()) return false;
    }
  }
}

/// The body's last piece goes out before its end does.
void ServerConnection::end_stream(BodyStream::Got got, std::string content) {
  const auto state = std::exchange(stream_state_, nullptr);
  state->connection = nullptr;
  state->whole = got == BodyStream::Got::kEnd;
  phase_ = Phase::kHandling;
  parser_.reset();
  timer_.clear();
  if (in_.capacity() > kMaxPipelined) {
    in_ = in_.substr(std::exchange(taken_, 0));
    in_.shrink_to_fit();
  }
  if (!content.empty()) got = BodyStream::Got::kContent;
  state->give(got, std::move(content));
}

void ServerConnection::hand_out() {
  gathered_.clear();
  phase_ = Phase::kHandling;
  parser_.reset();
  timer_.clear();
  responder_ = std::make_shared<Responder::State>();
  responder_->connection = this;
  shared_.handler(std::move(request_), Responder(responder_));
}

void ServerConnection::reject(int status, std::string_view reason) {
  gathered_.clear();
  request_ = {};
  keep_alive_ = false;
  to_head_ = false;
  const std::string body = std::string(reason) + "\n";
  add_head(Response::text(status, ""), fmt::format("content-length: {}\r\n", body.size()));
  out_.buffer() += body;
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
  const size_t before = out_.size();
  switch (out_.flush(*stream_)) {
    case SendQueue::State::kBroken:
      return die();
    case SendQueue::State::kBlocked:
      // Only a client that takes nothing at all runs into this.
      if (out_.size() != before || timer_.deadline() == Instant::max()) {
        timer_.set_after(shared_.options.body_timeout);
      }
      return;
    case SendQueue::State::kEmpty:
      break;
  }
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
  const auto body = std::exchange(stream_state_, nullptr);
  const auto responder = std::exchange(responder_, nullptr);
  if (body != nullptr) body->connection = nullptr;
  if (responder != nullptr) {
    responder->connection = nullptr;
    responder->on_writable = nullptr;
  }
  if (body != nullptr) body->give(BodyStream::Got::kBroken, "");
  if (responder != nullptr) responder->tell_gone();
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
