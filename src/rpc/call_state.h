// What a Call is behind its handle. Part of the room; see rpc/call.h.
// **Thread**: the loop's.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "http/holdings.h"
#include "io/loop.h"
#include "rpc/call.h"
#include "rpc/message.h"

namespace thaw::rpc {

class Call::State final : public std::enable_shared_from_this<Call::State>, public http::Holder {
 public:
  /// `bodies`: where what comes in counts; null: nowhere.
  State(io::Loop& loop, size_t max_message, std::shared_ptr<http::Holdings> bodies,
        http::Request head, http::BodyStream body, http::Responder responder);

  /// After it is held by a shared_ptr.
  void begin(std::optional<Duration> timeout);
  void next(OnMessage on_message);
  Flow send(std::string_view message);
  void send_metadata();
  void finish(Status status, http::Headers trailing);
  void count_kept(size_t bytes);
  std::string address() const override;
  void give_way() override;

  const http::Request head;
  http::Headers sent_metadata;
  std::optional<Instant> deadline;
  std::function<void()> on_gone;
  bool gone = false;
  http::Responder responder;

 private:
  void take(http::BodyStream::Got got, std::string content);
  void give();
  void deliver(Got got, std::string message);
  void fail(Error error, http::Headers trailing = {});
  void count();
  void count_nothing();
  void lost();

  io::Loop& loop_;
  http::BodyStream body_;
  MessageReader reader_;
  std::shared_ptr<http::Holdings> bodies_;
  std::optional<http::Holdings::Hold> hold_;  // of what came and is not a whole message
  size_t kept_ = 0;
  OnMessage on_message_;
  io::Timer timer_;
  bool started_ = false;
  bool finished_ = false;
  bool ended_ = false;  // the client's last message was read
};

/// The head of an answer, with `more` metadata.
http::Response answer_head(const http::Headers& more);
/// grpc-status and grpc-message, with `trailing` behind them.
http::Headers trailers_of(const Status& status, const http::Headers& trailing);

}  // namespace thaw::rpc
