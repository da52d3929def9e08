// Server: HTTP/1.1 and HTTP/2 for our own endpoints (the API, the model server): whole requests in,
// or, where stream_bodies() says so, their bodies piece by piece; whole or streamed answers out.
// Not the gateway's data plane: that passes bodies through.
//
// One port speaks both: a connection that begins with HTTP/2's preface, or whose first request asks
// to upgrade to h2c and has no body, is HTTP/2. Handlers see no difference, but that its requests
// do not wait for each other, and a request's end and its answer's beginning come in any order.
// Knows no routes: one handler gets every request. Bad requests are answered before it, in the form
// of Options::fault: 400, 408, 413, 414, 417, 431, 501, 503, 505. Works on any io::Net, so also in
// simulation. Thread: the loop's. Owner: net and loop outlive it; it must not be destroyed inside
// its handler. Responders may outlive it; then they do nothing. Limits: Options; of HTTP/2 beyond
// requests: h2_guard.h and h2_session.h. Bodies that come in and are not whole are bounded together
// to four of the largest (503), and what clients do not take of their answers is
// (Options::max_unsent; cut): those who make it wait longest give way (holdings.h). A pipelined
// request waits until the one before it was answered.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "http/head.h"
#include "http/message.h"
#include "io/loop.h"
#include "io/net.h"

namespace thaw::http {

class Holdings;
class ServerConnection;

/// The right and the duty to answer one request, once. Dropping it unanswered answers 500, or cuts
/// the connection once it was told gone.
class Responder {
 public:
  struct State;
  explicit Responder(std::shared_ptr<State> state);
  Responder(Responder&&) noexcept;
  Responder& operator=(Responder&&) noexcept;
  ~Responder();

  /// The whole answer. Content-Length, Date and, where due, Connection are added.
  void answer(Response response);

  /// A streamed answer: start(), write()..., end(). `head.body` must be empty. Chunked, unless
  /// Content-Length is among the headers. Dropping it before end() cuts the connection, so that the
  /// client sees that the answer is not whole.
  void start(Response head);
  enum class Flow { kGoOn, kWait, kGone };
  /// All is taken in any case but kGone; kWait: more than 64 KiB wait to be sent, so be called
  /// back first.
  Flow write(std::string_view content);
  void end() { end({}); }
  /// With `trailers` after the content (RFC 9110, 6.5). HTTP/1 can carry them only behind chunks:
  /// with a Content-Length, or to HTTP/1.0, they are left out.
  void end(Headers trailers);
  /// Runs once when, after kWait, everything was sent.
  void when_writable(std::function<void()> callback);

  /// Runs once when the client closes its connection before the answer was complete.
  void when_gone(std::function<void()> callback);
  bool is_gone() const;

 private:
  std::shared_ptr<State> state_;
};

/// A request's body that is too large to be held: taken piece by piece, each when asked for, so
/// that a slow disk slows the client. Dropping it unread is allowed; then the connection ends with
/// the answer. "100 Continue" is said when the first piece is asked for.
class BodyStream {
 public:
  struct State;
  explicit BodyStream(std::shared_ptr<State> state);
  BodyStream(BodyStream&&) noexcept;
  BodyStream& operator=(BodyStream&&) noexcept;
  ~BodyStream();

  enum class Got {
    kContent,
    kEnd,     // all came
    kBroken,  // the client left, or its framing is malformed: no more will come
  };
  using OnPiece = std::function<void(Got got, std::string content)>;
  /// Runs once in a later turn, with 1 byte to 512 KiB. Not again before the callback ran.
  void next(OnPiece on_piece);
  /// What the client said behind the body; complete once kEnd came. Fields that frame or route a
  /// message are left out (RFC 9110, 6.5.1); malformed ones break the body.
  const Headers& trailers() const;

 private:
  std::shared_ptr<State> state_;
};

class Server {
 public:
  struct Options {
    ByteCount max_body = mib(32);  // over it: 413; not for streamed bodies
    HeadLimits head = {};
    ByteCount max_unsent = mib(256);       // of all answers together, beside the largest
    size_t max_connections = 4096;         // over it: 503 and closed
    uint32_t max_streams = 100;            // requests at once on an HTTP/2 connection
    Duration head_timeout = seconds(60);   // from the first byte of a head to its end
    Duration body_timeout = seconds(60);   // between two pieces of a body; for 64 KiB of an answer
    Duration idle_timeout = seconds(620);  // between requests, as Google's front end keeps it
    // The answer to what never reaches the handler, and to what it drops; null: plain text.
    std::function<Response(int status, std::string_view reason)> fault = nullptr;
  };
  using Handler = std::function<void(Request, Responder)>;

  Server(io::Net& net, io::Loop& loop, Options options, Handler handler);
  ~Server();

  /// Requests that `takes` picks by their head go to `handler`, with the body as a stream.
  using Takes = std::function<bool(const Request& head)>;
  using StreamHandler = std::function<void(Request head, BodyStream body, Responder)>;
  void stream_bodies(Takes takes, StreamHandler handler);

  /// Asked of a request whose client waits to be told to send its body (Expect: 100-continue;
  /// RFC 9110, 10.1.1), of `length` bytes, 0 where that is not known: an answer refuses it.
  using Refuses = std::function<std::optional<Response>(const Request& head, uint64_t length)>;
  void refuse_unsent(Refuses refuses);

  /// Answers the address with the port that was chosen. May be called for several addresses.
  Result<io::SocketAddress> listen(const io::SocketAddress& address);
  /// On another net, which outlives the server: one whose streams are through TLS.
  Result<io::SocketAddress> listen(io::Net& net, const io::SocketAddress& address);
  /// A client whose first request is for a tunnel (CONNECT; RFC 9110, 9.3.6) to an authority that
  /// `takes` picks is told 200, and its connection is handed on. Others are refused with 501.
  using TakesTunnel = std::function<bool(std::string_view authority)>;
  using TunnelHandler = std::function<void(std::unique_ptr<io::Stream>)>;
  void hand_on_tunnels(TakesTunnel takes, TunnelHandler handler);
  /// Accepts nothing more, ends idle connections, lets running requests finish; then `done` in a
  /// later turn.
  void drain(std::function<void()> done);
  size_t connections() const;
  /// Of the bodies that are not whole yet: for whoever gathers streamed ones.
  std::shared_ptr<Holdings> bodies() const;

  struct Shared;  // what its connections know of it: server_session.h

 private:
  void accept(std::unique_ptr<io::Stream> stream);

  io::Net& net_;
  std::unique_ptr<Shared> shared_;
  std::vector<std::unique_ptr<io::Listener>> listeners_;
};

}  // namespace thaw::http
