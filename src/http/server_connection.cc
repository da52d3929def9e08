#include "http/server_connection.h"

#include <algorithm>
#include <utility>

#include "http/h2_server_connection.h"
#include "http/read_request.h"
#include "http/trailers.h"
#include "io/encryption.h"

namespace thaw::http {
namespace {

constexpr size_t kStreamReadSize = 256 << 10;  // of a streamed body; also its largest piece
constexpr size_t kMaxPipelined = 64 << 10;     // read ahead while a request is being answered
constexpr int kStepsPerTurn = 256;             // then other connections have theirs

}  // namespace

ServerConnection::ServerConnection(Server::Shared& shared, std::unique_ptr<io::Stream> stream)
    : shared_(shared),
      stream_(std::move(stream)),
      parser_(shared.options.head),
      gathered_(*shared.bodies, *this),
      unsent_(shared.answers, *this),
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

template bool ServerConnection::fill<ServerConnection::kReadSize>();

bool ServerConnection::take_head() {
  if (!out_.empty()) return false;  // on_writable comes back
  std::string_view input = std::string_view(in_).substr(taken_);
  if (is_first_ && !input.empty() && input.front() == 'P' && take_preface(input)) return false;
  const bool may_be_tunnel = is_first_ && shared_.takes_tunnel && input.starts_with('C');
  if (may_be_tunnel && !io::is_encrypted(*stream_) && take_tunnel()) return false;
  input = std::string_view(in_).substr(taken_);  // they may have read more
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
  if (wants_continue && shared_.refuses_unsent) {
    if (const auto refused = shared_.refuses_unsent(request_, head.content_length)) {
      refuse_with(*refused);
      return true;
    }
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
    if (!fill<kReadSize>()) return true;
    if (ended_) die();
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
  if (gathered_.is_over()) return refuse_body();
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
        if (!gathered_.set(request_.body.size())) return refuse_body();
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

bool ServerConnection::refuse_body() {
  reject(503, kTooManyBodies);
  return true;
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
  gathered_.empty();
  phase_ = Phase::kHandling;
  parser_.reset();
  timer_.clear();
  responder_ = std::make_shared<Responder::State>();
  responder_->connection = this;
  shared_.handler(std::move(request_), Responder(responder_));
}

}  // namespace thaw::http
