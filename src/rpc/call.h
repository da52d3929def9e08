// Call: one gRPC call on the server's side, whatever its kind: messages in, messages out, a status.
// Bytes in, bytes out: what a message says is the business of the room that serves it.
//
// Unary methods are simpler: rpc/router.h.
// Thread: the loop's. Owner: a handler holds its Call until it finished it; dropping it unfinished
// finishes it with kInternal. Callbacks come in a later turn than the call that set them up, never
// after finish(), and may finish or drop the Call.
// Limits: RouterOptions: a message's size, the metadata, what comes in of all messages together.
// Nothing is read that was not asked for, so a slow handler slows its client; what the client does
// not take waits, and send() says so.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "http/headers.h"
#include "http/server.h"

namespace thaw::rpc {

class Call {
 public:
  class State;
  explicit Call(std::shared_ptr<State> state);
  Call(Call&&) noexcept;
  Call& operator=(Call&&) noexcept;
  ~Call();

  /// "/google.pubsub.v1.Subscriber/StreamingPull".
  const std::string& method() const;
  /// What the client sent, all headers; names in lower case. Values of names in "-bin" are base64
  /// (base/base64.h takes them).
  const http::Headers& metadata() const;
  const std::string& peer() const;
  /// Of grpc-timeout. When it passes, the call ends with DEADLINE_EXCEEDED by itself.
  std::optional<Instant> deadline() const;

  enum class Got {
    kMessage,
    kEnd,   // the client sends no more; it may still receive
    kGone,  // cancelled, its deadline passed, or its connection broke: nothing can be sent either
  };
  using OnMessage = std::function<void(Got got, std::string message)>;
  /// The client's next message. Not again before the callback ran. A malformed or too large message
  /// ends the call with an error, which is kGone here.
  void next(OnMessage on_message);
  /// So many bytes of the messages that came are kept until the next one comes, and count with it.
  void count_kept(size_t bytes);

  /// Metadata to be sent ahead of the first message; no effect after it.
  void set_metadata(http::Headers metadata);
  using Flow = http::Responder::Flow;
  /// All is taken in any case but kGone; kWait: be called back first.
  Flow send(std::string_view message);
  /// Sends the metadata without waiting for the first message.
  void send_metadata();
  void when_writable(std::function<void()> callback);

  /// Ends the call: OK, or an error, whose text the client gets. `trailing`: more metadata behind
  /// the status, e.g. grpc-status-details-bin.
  void finish(Status status, http::Headers trailing = {});

  /// Runs once when the call ended from elsewhere (kGone).
  void when_gone(std::function<void()> callback);
  bool is_gone() const;

 private:
  std::shared_ptr<State> state_;
};

}  // namespace thaw::rpc
