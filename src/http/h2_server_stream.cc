#include "http/h2_server_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "http/date.h"
#include "http/h2_server_connection.h"
#include "http/header_id.h"

namespace thaw::http {
namespace {

constexpr size_t kHighMark = 64 << 10;

bool belongs_to_connection(HeaderId id) {
  return id == HeaderId::kConnection || id == HeaderId::kTransferEncoding ||
         id == HeaderId::kKeepAlive || id == HeaderId::kUpgrade ||
         id == HeaderId::kProxyConnection || id == HeaderId::kContentLength;
}

}  // namespace

H2ServerStream::H2ServerStream(H2ServerConnection& connection, int32_t id)
    : connection_(connection),
      id_(id),
      body_hold_(*connection.shared().bodies, *this),
      unsent_hold_(connection.shared().answers, *this),
      timer_(connection.shared().loop, [this] { on_timeout(); }) {}

void H2ServerStream::begin(Request request, const RequestHead& head) {
  Server::Shared& shared = connection_.shared();
  to_head_ = head.method == "HEAD";
  owes_continue_ = head.expects_continue;
  if (shared.takes_stream && shared.takes_stream(request)) {
    phase_ = Phase::kStreaming;
    responder_ = std::make_shared<Responder::State>();
    responder_->connection = this;
    const auto body = std::make_shared<BodyStream::State>(shared.loop);
    body->connection = this;
    body_ = body;
    shared.stream_handler(std::move(request), BodyStream(body), Responder(responder_));
    return;
  }
  if (std::cmp_greater(head.content_length, shared.options.max_body.value)) {
    return reject(413, "the body is too large");
  }
  if (owes_continue_ && shared.refuses_unsent) {
    const auto refused = shared.refuses_unsent(request, head.content_length);
    if (refused) return refuse_with(*refused);
  }
  if (std::exchange(owes_continue_, false)) connection_.session().say_continue(id_);
  request_ = std::move(request);
  look_at_timer();
}

void H2ServerStream::reject(int status, std::string_view reason) {
  refuse_with(connection_.shared().fault(status, reason));
}

void H2ServerStream::refuse_with(const Response& answer) {
  phase_ = Phase::kOver;
  hold(0);
  request_ = {};
  send_head(answer, H2Session::End::kNo);
  connection_.session().send(id_, answer.body);
  connection_.session().finish(id_, {});
  look_at_timer();
}

void H2ServerStream::on_content(std::string_view content) {
  switch (phase_) {
    case Phase::kGathering:
      request_.body += content;
      connection_.session().consume(id_, content.size());
      if (std::cmp_greater(request_.body.size(), connection_.shared().options.max_body.value)) {
        return reject(413, "the body is too large");
      }
      hold(request_.body.size());
      break;
    case Phase::kStreaming:
      pending_ += content;
      give_piece();
      break;
    case Phase::kOver:
      return;
  }
  look_at_timer();
}

void H2ServerStream::on_end(Headers trailers) {
  whole_ = true;
  trailers_ = std::move(trailers);
  if (phase_ == Phase::kGathering) return hand_out();
  if (phase_ == Phase::kStreaming) give_piece();
  look_at_timer();
}

void H2ServerStream::hold(size_t bytes) {
  const size_t all = connection_.on_held(std::exchange(held_, bytes), bytes);
  if (bytes == 0) return body_hold_.empty();
  if (!body_hold_.set(bytes, all)) give_way();
}

std::string H2ServerStream::address() const { return connection_.address(); }

void H2ServerStream::give_way() {
  way_ = connection_.shared().loop.after(Duration::zero(), [this] {
    connection_.run([this] {
      if (body_hold_.is_over()) reject(503, kTooManyBodies);
      if (unsent_hold_.is_over()) give_up();
    });
  });
}

void H2ServerStream::hand_out() {
  phase_ = Phase::kOver;
  hold(0);
  timer_.clear();
  responder_ = std::make_shared<Responder::State>();
  responder_->connection = this;
  connection_.shared().handler(std::move(request_), Responder(responder_));
}

void H2ServerStream::pull_body() {
  connection_.run([this] {
    if (std::exchange(owes_continue_, false) && pending_.empty() && !whole_) {
      connection_.session().say_continue(id_);
    }
    give_piece();
    look_at_timer();
  });
}

/// One piece, when one is asked for; then the end.
void H2ServerStream::give_piece() {
  if (body_ == nullptr || body_->on_piece == nullptr) return;
  if (!pending_.empty()) {
    connection_.session().consume(id_, pending_.size());
    body_->give(BodyStream::Got::kContent, std::exchange(pending_, {}));
    return;
  }
  if (!whole_) return;
  const auto body = std::exchange(body_, nullptr);
  phase_ = Phase::kOver;
  body->connection = nullptr;
  body->whole = true;
  body->trailers = std::move(trailers_);
  body->give(BodyStream::Got::kEnd, "");
}

void H2ServerStream::send_head(const Response& head, H2Session::End end) {
  const std::string status = fmt::format_int(head.status).str();
  const std::string date = format_http_date(connection_.shared().loop.wall_now());
  std::vector<H2Field> fields{{":status", status}};
  for (const Headers::Header& header : head.headers) {
    if (!belongs_to_connection(header_id(header.name))) {
      fields.push_back({header.name, header.value});
    }
  }
  if (const auto length = head.headers.find("content-length")) {
    fields.push_back({"content-length", *length});
  }
  fields.push_back({"date", date});
  connection_.session().respond(id_, fields, end);
}

void H2ServerStream::answer(Response response) {
  const bool has_length =
      response.status >= 200 && response.status != 204 && response.status != 304;
  response.headers.remove("content-length");
  // The end of an empty answer is seen at its head.
  if (has_length && (to_head_ || !response.body.empty())) {
    response.headers.add("content-length", fmt::format_int(response.body.size()).str());
  }
  const bool has_content = has_length && !to_head_ && !response.body.empty();
  send_head(response, has_content ? H2Session::End::kNo : H2Session::End::kYes);
  if (has_content) {
    connection_.session().send(id_, response.body);
    connection_.session().finish(id_, {});
  }
  answered();
}

void H2ServerStream::start(Response head) {
  send_head(head, to_head_ ? H2Session::End::kYes : H2Session::End::kNo);
  connection_.flush();
}

Responder::Flow H2ServerStream::write(std::string_view content) {
  if (to_head_) return Responder::Flow::kGoOn;
  const auto state = responder_;
  connection_.session().send(id_, content);
  look_at_timer();
  connection_.flush();
  if (state->connection == nullptr) return Responder::Flow::kGone;
  return connection_.session().unsent(id_) > kHighMark ? Responder::Flow::kWait
                                                       : Responder::Flow::kGoOn;
}

void H2ServerStream::end(const Headers& trailers) {
  connection_.session().finish(id_, trailers);
  answered();
}

/// The answer is complete, though perhaps not sent.
void H2ServerStream::answered() {
  drop_body();
  responder_->connection = nullptr;
  responder_.reset();
  look_at_timer();
  connection_.flush();  // may destroy this
}

void H2ServerStream::drop_body() {
  phase_ = Phase::kOver;
  pending_.clear();
  if (const auto body = std::exchange(body_, nullptr)) body->connection = nullptr;
}

void H2ServerStream::cut() {
  responder_->connection = nullptr;
  responder_.reset();
  connection_.session().reset(id_, H2Error::kInternal);
  connection_.flush();
}

void H2ServerStream::dropped() {
  answer(connection_.shared().fault(500, "the server dropped this request"));
}

void H2ServerStream::on_sent() {
  const size_t unsent = connection_.session().unsent(id_);
  sent_ += owed_ - std::min(owed_, unsent);
  // One that takes nearly nothing at a time runs out of time, too.
  if (unsent == 0 || sent_ >= kWorthWaiting) {
    sent_ = 0;
    timer_.clear();
  }
  look_at_timer();
  tell_writable_soon();
}

void H2ServerStream::tell_writable_soon() {
  if (responder_ == nullptr || responder_->on_writable == nullptr) return;
  if (connection_.session().unsent(id_) > 0) return;
  connection_.shared().loop.post([weak = std::weak_ptr(responder_)] {
    const auto state = weak.lock();
    if (state == nullptr || state->connection == nullptr) return;
    if (const auto callback = std::exchange(state->on_writable, nullptr)) callback();
  });
}

void H2ServerStream::on_closed(H2Error) {
  lost();
  connection_.closed(id_);
}

void H2ServerStream::lost() {
  timer_.clear();
  way_.cancel();
  unsent_hold_.empty();
  hold(0);
  phase_ = Phase::kOver;
  tell_lost(std::exchange(body_, nullptr), std::exchange(responder_, nullptr));
}

/// Runs while the client owes content that is asked for, or does not take what it gets.
void H2ServerStream::look_at_timer() {
  const bool is_owed =
      phase_ == Phase::kGathering || (body_ != nullptr && body_->on_piece != nullptr && !whole_);
  owed_ = connection_.session().unsent(id_);
  if (!unsent_hold_.set(owed_, connection_.session().unsent())) give_way();
  const bool is_stuck = owed_ > 0;
  if (is_owed || is_stuck) {
    if (is_owed || timer_.deadline() == Instant::max()) {
      timer_.set_after(connection_.shared().options.body_timeout);
    }
  } else {
    timer_.clear();
  }
}

void H2ServerStream::on_timeout() {
  if (phase_ == Phase::kGathering) {
    reject(408, "the request did not arrive in time");
  } else {
    give_up();
  }
  connection_.flush();
}

/// Its client does not take the answer.
void H2ServerStream::give_up() {
  connection_.session().reset(id_, H2Error::kCancel);
  owed_ = 0;
  unsent_hold_.empty();
}

}  // namespace thaw::http
