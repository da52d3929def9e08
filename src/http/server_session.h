// What Server, Responder and BodyStream know of a client's connection, whatever protocol it
// speaks. Part of the Server; see there.
// **Thread**: the loop's.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/holdings.h"
#include "http/server.h"

namespace thaw::http {

/// Whom a Responder answers through, until the answer is complete or its client gone. A call may
/// end the client's connection, and what is called with it.
class AnswerSink {
 public:
  virtual void answer(Response response) = 0;
  virtual void start(Response head) = 0;
  virtual Responder::Flow write(std::string_view content) = 0;
  virtual void end(const Headers& trailers) = 0;
  virtual void cut() = 0;
  /// Nobody will answer: says 500.
  virtual void dropped() = 0;
  virtual void tell_writable_soon() = 0;

 protected:
  ~AnswerSink() = default;
};

/// Whom a BodyStream asks for pieces, until it got the end.
class BodySource {
 public:
  virtual void pull_body() = 0;

 protected:
  ~BodySource() = default;
};

/// Between a Responder and its connection; either may go first.
struct Responder::State {
  AnswerSink* connection = nullptr;  // null once answered or gone
  bool gone = false;
  bool started = false;
  std::function<void()> on_gone;
  std::function<void()> on_writable;

  void tell_gone() {
    if (std::exchange(gone, true)) return;
    if (const auto callback = std::exchange(on_gone, nullptr)) callback();
  }
};

/// Between a BodyStream and its connection; either may go first.
struct BodyStream::State {
  explicit State(io::Loop& l) : loop(l) {}
  void give(Got got, std::string content) {
    if (const auto callback = std::exchange(on_piece, nullptr)) callback(got, std::move(content));
  }

  io::Loop& loop;
  BodySource* connection = nullptr;  // null once the body's end was read, or gone
  bool whole = false;                // its end was read
  Headers trailers;
  OnPiece on_piece;  // set while a piece is asked for
};

/// Bodies that are not whole yet may hold so many of the largest allowed.
inline constexpr size_t kLargestBodies = 4;
inline constexpr std::string_view kTooManyBodies =
    "too many large bodies are coming in: try again later";
/// A client that takes so many bytes of an answer has its time again.
inline constexpr size_t kWorthWaiting = 64 << 10;

/// The client is gone: tells those who read its body and answer it. Either may be null.
void tell_lost(const std::shared_ptr<BodyStream::State>& body,
               const std::shared_ptr<Responder::State>& responder);

/// One client's connection.
class ServerSession {
 public:
  virtual ~ServerSession() = default;
  /// Ends it now if idle, else after the answers.
  virtual void drain() = 0;
  /// It stands where the connection was whose stream it has; goes on.
  virtual void take_over() {}

  size_t index = 0;  // in Shared::sessions
};

/// What all connections of a server share.
struct Server::Shared {
  Shared(io::Loop& l, Options o, Handler h)
      : loop(l),
        bodies(std::make_shared<Holdings>(
            (kLargestBodies - 1) * static_cast<size_t>(o.max_body.value), l)),
        answers(static_cast<size_t>(o.max_unsent.value), l),
        options(o),
        handler(std::move(h)) {}

  io::Loop& loop;
  std::shared_ptr<Holdings> bodies;  // that are not whole yet
  Holdings answers;                  // that their clients have not taken
  Options options;
  Handler handler;
  Takes takes_stream;  // null: no body is streamed
  StreamHandler stream_handler;
  Refuses refuses_unsent;    // null: none
  TakesTunnel takes_tunnel;  // null: none is made
  TunnelHandler tunnel_handler;
  std::vector<std::unique_ptr<ServerSession>> sessions;
  bool draining = false;
  std::function<void()> drained;
  io::Timer drained_timer;

  /// The answer to what the handler does not answer.
  Response fault(int status, std::string_view reason) const;
  void remove(ServerSession& session);
  void replace(ServerSession& session, std::unique_ptr<ServerSession> by);
  void tell_when_drained();
};

}  // namespace thaw::http
