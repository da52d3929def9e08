// The second half of an Exchange: the answer, from the instance to the client.
#include <array>
#include <utility>

#include "gateway/client_connection.h"
#include "gateway/exchange.h"
#include "gateway/forwarding.h"

namespace thaw::gateway {

void Exchange::pump_response() {
  for (int i = 0; i < kPiecesPerTurn; ++i) {
    if (state_ != State::kOpen || !client_.is_clear()) return;
    const io::Transfer moved = upstream_->stream().read(core_.upstream_buffer);
    switch (moved.state) {
      case io::Transfer::State::kMoved:
        take_response({core_.upstream_buffer.data(), moved.bytes});
        break;
      case io::Transfer::State::kWouldBlock:
        return;
      case io::Transfer::State::kEnd:
      case io::Transfer::State::kBroken:
        return upstream_ended();
    }
  }
  client_.yield();
}

void Exchange::take_response(std::string_view bytes) {
  instance_spoke_ = true;
  if (response_begun_) return take_response_body(bytes);
  if (response_in_.empty()) {
    if (take_response_head(bytes)) {
      take_response_body(bytes);
    } else if (state_ == State::kOpen) {
      response_in_ = bytes;
    }
    return;
  }
  response_in_ += bytes;
  const std::string all = std::exchange(response_in_, {});
  bytes = all;
  if (take_response_head(bytes)) {
    take_response_body(bytes);
  } else if (state_ == State::kOpen) {
    response_in_ = bytes;
  }
}

/// Takes the final head, and interim ones before it, off `bytes`. False: it is not complete, or
/// the exchange has failed.
bool Exchange::take_response_head(std::string_view& bytes) {
  for (;;) {
    switch (response_parser_.parse(bytes, to_head_)) {
      case http::ParseState::kNeedMore:
        return false;
      case http::ParseState::kBad:
        fail(malformed_response());
        return false;
      case http::ParseState::kDone:
        break;
    }
    const http::ResponseHead& head = response_parser_.head();
    const size_t length = response_parser_.length();
    const bool is_interim = head.status < 200 && head.status != 101;
    if (!is_interim) {
      if (head.status == 101 && !wants_upgrade_) {
        fail(malformed_response());
        return false;
      }
      const int64_t limit = core_.options.max_response.value;
      if (head.framing == http::Framing::kLength && std::cmp_greater(head.content_length, limit) &&
          is_limited()) {
        fail(response_too_large(limit));
        return false;
      }
      begin_response(head);
    }
    response_parser_.reset();
    bytes.remove_prefix(length);
    if (!is_interim) return true;  // 100 was answered here, 103 only announces
  }
}

void Exchange::begin_response(const http::ResponseHead& head) {
  slot_->first_byte();
  status_ = head.status;
  if (core_.observer != nullptr) answered_ = since_arrival();
  response_begun_ = true;
  response_keeps_alive_ = head.keep_alive;
  tunnel_ = head.status == 101;
  http::Framing framing = head.framing;
  uint64_t length = head.content_length;
  if (tunnel_) {
    framing = http::Framing::kUntilClose;
    request_body_ = http::BodyReader(http::Framing::kUntilClose, 0);
    request_chunked_ = request_done_ = false;
  }
  response_body_ = http::BodyReader(framing, length);
  response_trailers_.clear();
  if (wants_trailers_) response_body_.keep_trailers(response_trailers_);
  const bool has_no_length =
      framing == http::Framing::kChunked || framing == http::Framing::kUntilClose;
  response_chunked_ = has_no_length && client_minor_version_ == 1 && !tunnel_;
  // What the client still sends of a request that is answered already is not waited for.
  const bool must_close = (has_no_length && !response_chunked_) || client_.will_close();
  rest_ = must_close ? Rest::kClose : Rest::kKeepAlive;
  ResponseFacts facts;
  facts.client_minor_version = client_minor_version_;
  facts.connection = must_close ? Connection::kClose : Connection::kKeepAlive;
  facts.framing = response_chunked_ ? http::Framing::kChunked : framing;
  facts.session_cookie = session_cookie_;
  response_head_.clear();
  append_response_head(response_head_, head, facts);
  response_head_bytes_ = response_head_.size();
}

/// Sends what `bytes` hold of the body, with the head before it if that was not sent yet.
void Exchange::take_response_body(std::string_view bytes) {
  response_chunks_.clear();
  bool bad = false;
  for (bool more = true; more;) {
    const auto step = response_body_.next(bytes);
    bytes.remove_prefix(step.consumed);
    response_bytes_ += step.content.size();
    more = step.state == http::BodyReader::State::kContent;
    bad = step.state == http::BodyReader::State::kBad;
    if (!more || response_chunked_) {
      if (more) http::append_chunk(response_chunks_, step.content);
      continue;
    }
    const std::array<std::string_view, 2> parts{response_head_, step.content};
    client_.send(parts);
    response_head_.clear();
  }
  const bool done = response_body_.is_done();
  std::string trailers;
  if (done && response_chunked_) response_chunks_ += last_chunk(response_trailers_, trailers);
  if (!response_head_.empty() || !response_chunks_.empty()) {
    const std::array<std::string_view, 2> parts{response_head_, response_chunks_};
    client_.send(parts);
    response_head_.clear();
  }
  if (bad) return fail(malformed_response());
  if (done) response_done(response_keeps_alive_ && bytes.empty());
}

/// Whether the instance closed an idle connection at the moment at which the request was sent on
/// it, and nothing can have been done twice (RFC 9112, 9.3.1). None of a body may have gone with
/// it: that is not kept.
bool Exchange::may_ask_again() const {
  return is_idempotent_ && !asked_again_ && upstream_->is_reused() && !instance_spoke_ &&
         request_bytes_ == 0;
}

/// On a new connection to the same instance.
void Exchange::ask_again() {
  asked_again_ = true;
  upstream_.reset();
  upstream_out_.clear();
  head_sent_ = request_lost_ = false;
  connect();
}

void Exchange::upstream_ended() {
  if (!response_begun_) return may_ask_again() ? ask_again() : explain();
  if (!response_body_.may_end_here()) {
    client_.cut();
    return finish();
  }
  if (response_chunked_) client_.send(std::span(&http::kLastChunk, 1));
  response_done(false);
}

void Exchange::response_done(bool upstream_reusable) {
  const bool request_is_sent = request_done_ && !request_lost_ && upstream_out_.empty();
  if (upstream_reusable && request_is_sent && !tunnel_) {
    core_.pool.give_back(std::move(upstream_));
  }
  const Rest rest = request_done_ ? rest_ : Rest::kClose;
  finish();
  client_.exchange_done(rest);
}

}  // namespace thaw::gateway
