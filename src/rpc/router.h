// Router: the gRPC methods of a server, found by their path; serves them on an http::Server, beside
// whatever else that answers.
//
//   rpc::Router router(loop, {.max_message = mib(10)});
//   router.add_unary("/google.pubsub.v1.Publisher/Publish", [&](rpc::Unary call) {
//     const auto request = parse(call.message());                  // bytes in
//     if (!request) return call.answer(request.error());           // an error: grpc-status 3 ...
//     call.answer(serialize(publish(*request)));                   // bytes out
//   });
//   router.add("/google.pubsub.v1.Subscriber/StreamingPull", [&](rpc::Call call) { ... });
//   server.stream_bodies([&](const http::Request& head) { return router.takes(head); },
//                        [&](auto head, auto body, auto responder) {
//                          router.handle(std::move(head), std::move(body), std::move(responder));
//                        });
//
// Answered here: methods that are not there (UNIMPLEMENTED), encodings but identity
// (UNIMPLEMENTED), too much metadata (RESOURCE_EXHAUSTED), a malformed grpc-timeout (INTERNAL), all
// with HTTP status 200 and without messages, as the protocol wants it. Thread: the loop's. Owner:
// the loop outlives the router, which need not outlive its calls. Limits: RouterOptions. Source:
// gRPC over HTTP/2 (PROTOCOL-HTTP2.md).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/bytes.h"
#include "io/loop.h"
#include "rpc/call.h"

namespace thaw::rpc {

struct RouterOptions {
  ByteCount max_message = mib(4);    // of the client's, as gRPC's own default; over it
                                     // RESOURCE_EXHAUSTED
  ByteCount max_metadata = kib(16);  // names and values together; over it RESOURCE_EXHAUSTED
};

/// A call of one message each way, whose request has come. Dropped unanswered it is kInternal.
class Unary {
 public:
  Unary(Call call, std::string message) : call_(std::move(call)), message_(std::move(message)) {}

  const std::string& message() const { return message_; }
  /// For whoever is done with it before the answer: "" from then on.
  std::string take_message() { return std::exchange(message_, {}); }
  const http::Headers& metadata() const { return call_.metadata(); }
  const std::string& method() const { return call_.method(); }
  const std::string& peer() const { return call_.peer(); }
  std::optional<Instant> deadline() const { return call_.deadline(); }

  /// Once: the answer's message, or why there is none.
  void answer(Result<std::string> message, http::Headers trailing = {});
  /// Runs once when nobody waits for the answer any more.
  void when_gone(std::function<void()> callback) { call_.when_gone(std::move(callback)); }
  bool is_gone() const { return call_.is_gone(); }

 private:
  Call call_;
  std::string message_;
};

class Router {
 public:
  using Handler = std::function<void(Call)>;
  using UnaryHandler = std::function<void(Unary)>;

  explicit Router(io::Loop& loop, RouterOptions options = {}) : loop_(loop), options_(options) {}

  /// `path`: "/package.Service/Method"; each once. Any kind of streaming.
  void add(std::string path, Handler handler);
  void add_unary(std::string path, UnaryHandler handler);

  /// From now on what comes in and is not a whole message counts among `bodies`; over it those that
  /// are to give way get RESOURCE_EXHAUSTED, with a retry-after of a second.
  void bound(std::shared_ptr<http::Holdings> bodies) { bodies_ = std::move(bodies); }

  /// Whether a request is gRPC (its content-type says so); any path.
  bool takes(const http::Request& head) const;
  void handle(http::Request head, http::BodyStream body, http::Responder responder);

 private:
  Status check(const http::Request& head) const;

  io::Loop& loop_;
  RouterOptions options_;
  std::shared_ptr<http::Holdings> bodies_;  // null: not counted
  std::unordered_map<std::string, Handler> methods_;
};

}  // namespace thaw::rpc
