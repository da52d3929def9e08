// What Server, Responder and BodyStream know of a client's connection, whatever protocol it
// speaks. Part of the Server; see there.
// **Thread**: the loop's.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

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

/// A body's part of what the server holds of all those that are not whole yet: together as much as
/// kLargestBodies of the largest allowed, so that slow senders cannot fill the memory. The first
/// kUncounted bytes of each are free, so that small requests go on when large ones fill it.
class GatheredBody {
 public:
  static constexpr size_t kLargestBodies = 4, kUncounted = 16 << 10;

  explicit GatheredBody(Server::Shared& shared) : shared_(shared) {}
  ~GatheredBody() { clear(); }
  GatheredBody(const GatheredBody&) = delete;
  GatheredBody& operator=(const GatheredBody&) = delete;

  /// False: it is too much with the others; then it counts no more.
  bool grow_to(size_t bytes);
  /// It is handed out, or will not come.
  void clear();

 private:
  Server::Shared& shared_;
  size_t counted_ = 0;
};

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
  Shared(io::Loop& l, Options o, Handler h) : loop(l), options(o), handler(std::move(h)) {}

  io::Loop& loop;
  size_t gathered = 0;  // bytes of bodies that are not whole yet: see GatheredBody
  Options options;
  Handler handler;
  Takes takes_stream;  // null: no body is streamed
  StreamHandler stream_handler;
  TakesTunnel takes_tunnel;  // null: none is made
  TunnelHandler tunnel_handler;
  std::vector<std::unique_ptr<ServerSession>> sessions;
  bool draining = false;
  std::function<void()> drained;
  io::Timer drained_timer;

  void remove(ServerSession& session);
  void replace(ServerSession& session, std::unique_ptr<ServerSession> by);
  void tell_when_drained();
};

}  // namespace thaw::http
