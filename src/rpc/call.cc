#include "rpc/call.h"

#include <fmt/format.h>

#include <utility>

#include "base/check.h"
#include "rpc/call_state.h"
#include "rpc/status.h"

namespace thaw::rpc {

http::Response answer_head(const http::Headers& more) {
  http::Response head{200, {{"content-type", "application/grpc"}}, ""};
  head.headers.add("grpc-accept-encoding", "identity");
  for (const auto& header : more) head.headers.add(header.name, header.value);
  return head;
}

http::Headers trailers_of(const Status& status, const http::Headers& trailing) {
  http::Headers out;
  if (status) {
    out.add("grpc-status", "0");
  } else {
    out.add("grpc-status", fmt::format_int(status_number(status.error().code())).str());
    out.add("grpc-message", encode_message(status.error().message()));
  }
  for (const auto& header : trailing) out.add(header.name, header.value);
  return out;
}

Call::State::State(io::Loop& loop, size_t max_message, std::shared_ptr<http::Holdings> bodies,
                   http::Request request, http::BodyStream body, http::Responder answer)
    : head(std::move(request)),
      responder(std::move(answer)),
      loop_(loop),
      body_(std::move(body)),
      reader_(max_message),
      bodies_(std::move(bodies)) {
  if (bodies_ != nullptr) hold_.emplace(*bodies_, *this);
}

void Call::State::begin(std::optional<Duration> timeout) {
  responder.when_gone([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->lost();
  });
  if (!timeout) return;
  deadline = loop_.now() + *timeout;
  timer_ = loop_.at(*deadline, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self != nullptr) self->fail(Error(Code::kDeadlineExceeded, "the call's deadline passed"));
  });
}

void Call::State::next(OnMessage on_message) {
  CHECK(on_message_ == nullptr, "a message is asked for once");
  on_message_ = std::move(on_message);
  // Later: what is asked for in a callback must not nest.
  loop_.post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->give();
  });
}

/// A message that is there, the end, or more of the body.
void Call::State::give() {
  if (on_message_ == nullptr) return;
  if (gone || finished_) return deliver(Got::kGone, "");
  auto message = reader_.next();
  if (!message) return fail(std::move(message).error());
  if (*message) {
    kept_ = 0;
    count();
    return deliver(Got::kMessage, *std::move(*message));
  }
  if (ended_) {
    count_nothing();
    if (reader_.is_clean()) return deliver(Got::kEnd, "");
    return fail(Error(Code::kInternal, "the request ends inside a message"));
  }
  body_.next([weak = weak_from_this()](http::BodyStream::Got got, std::string content) {
    if (const auto self = weak.lock()) self->take(got, std::move(content));
  });
}

void Call::State::take(http::BodyStream::Got got, std::string content) {
  switch (got) {
    case http::BodyStream::Got::kContent:
      reader_.add(content);
      count();
      return give();
    case http::BodyStream::Got::kEnd:
      ended_ = true;
      return give();
    case http::BodyStream::Got::kBroken:
      return lost();
  }
}

void Call::State::count_kept(size_t bytes) {
  kept_ = bytes;
  count();
}

/// All of it, also the first of a connection: here that is not known.
void Call::State::count() {
  if (!hold_) return;
  const size_t bytes = reader_.size() + kept_;
  if (!hold_->set(bytes, bytes + http::Holdings::kFree)) give_way();
}

void Call::State::count_nothing() {
  if (hold_) hold_->empty();
}

std::string Call::State::address() const { return head.peer.substr(0, head.peer.rfind(':')); }

void Call::State::give_way() {
  loop_.post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (self == nullptr || !self->hold_->is_over()) return;
    self->fail(
        Error(Code::kResourceExhausted, "too many large messages are coming in: try again later"),
        {{"retry-after", "1"}});
  });
}

void Call::State::deliver(Got got, std::string message) {
  if (const auto callback = std::exchange(on_message_, nullptr)) callback(got, std::move(message));
}

Call::Flow Call::State::send(std::string_view message) {
  if (gone || finished_) return Flow::kGone;
  send_metadata();
  std::string framed;
  framed.reserve(message.size() + 5);
  append_message(framed, message);
  return responder.write(framed);
}

void Call::State::send_metadata() {
  if (gone || finished_ || std::exchange(started_, true)) return;
  responder.start(answer_head(sent_metadata));
}

void Call::State::finish(Status status, http::Headers trailing) {
  if (gone || std::exchange(finished_, true)) return;
  timer_.cancel();
  count_nothing();
  on_message_ = nullptr;
  on_gone = nullptr;
  const http::Headers trailers = trailers_of(status, trailing);
  if (started_) return responder.end(trailers);
  // Nothing was sent: head and status are one (the protocol's Trailers-Only), unless it went well,
  // which only a call without messages can.
  http::Response head = answer_head(sent_metadata);
  for (const auto& header : trailers) head.headers.add(header.name, header.value);
  responder.answer(std::move(head));
}

/// Ends the call for a reason that its handler did not give.
void Call::State::fail(Error error, http::Headers trailing) {
  if (gone || finished_) return;
  const auto self = shared_from_this();
  auto on_message = std::exchange(on_message_, nullptr);
  auto tell = std::exchange(on_gone, nullptr);
  finish(std::move(error), std::move(trailing));
  on_message_ = std::move(on_message);
  on_gone = std::move(tell);
  lost();
}

void Call::State::lost() {
  if (std::exchange(gone, true)) return;
  const auto self = shared_from_this();
  timer_.cancel();
  count_nothing();
  const auto callback = std::exchange(on_gone, nullptr);
  deliver(Got::kGone, "");
  if (callback) callback();
}

Call::Call(std::shared_ptr<State> state) : state_(std::move(state)) {}
Call::Call(Call&&) noexcept = default;

Call& Call::operator=(Call&& other) noexcept {
  Call old(std::exchange(state_, std::move(other.state_)));
  return *this;
}

Call::~Call() {
  if (state_ != nullptr) state_->finish(Error(Code::kInternal, "the server dropped this call"), {});
}

const std::string& Call::method() const { return state_->head.path; }
const http::Headers& Call::metadata() const { return state_->head.headers; }
const std::string& Call::peer() const { return state_->head.peer; }
std::optional<Instant> Call::deadline() const { return state_->deadline; }
void Call::next(OnMessage on_message) { state_->next(std::move(on_message)); }
void Call::count_kept(size_t bytes) { state_->count_kept(bytes); }
void Call::set_metadata(http::Headers metadata) { state_->sent_metadata = std::move(metadata); }
Call::Flow Call::send(std::string_view message) { return state_->send(message); }
void Call::send_metadata() { state_->send_metadata(); }

void Call::when_writable(std::function<void()> callback) {
  state_->responder.when_writable(std::move(callback));
}

void Call::finish(Status status, http::Headers trailing) {
  state_->finish(std::move(status), std::move(trailing));
}

void Call::when_gone(std::function<void()> callback) { state_->on_gone = std::move(callback); }
bool Call::is_gone() const { return state_->gone; }

}  // namespace thaw::rpc
