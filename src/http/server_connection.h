// ServerConnection: one client of a Server: reads requests one after another, hands them out,
// sends the answers. Part of the Server; see there.
// **Thread**: the loop's.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "http/body.h"
#include "http/head.h"
#include "http/lazy_timer.h"
#include "http/send_queue.h"
#include "http/server.h"

namespace thaw::http {

/// What all connections of a server share.
struct Server::Shared {
  Shared(io::Loop& l, Options o, Handler h) : loop(l), options(o), handler(std::move(h)) {}

  io::Loop& loop;
  Options options;
  Handler handler;
  Takes takes_stream;  // null: no body is streamed
  StreamHandler stream_handler;
  std::vector<std::unique_ptr<ServerConnection>> connections;
  bool draining = false;
  std::function<void()> drained;
  io::Timer drained_timer;

  void remove(ServerConnection& connection);
  void tell_when_drained();
};

/// Between a Responder and its connection; either may go first.
struct Responder::State {
  ServerConnection* connection = nullptr;  // null once answered or gone
  bool gone = false;
  bool started = false;
  std::function<void()> on_gone;
  std::function<void()> on_writable;
};

/// Between a BodyStream and its connection; either may go first.
struct BodyStream::State {
  explicit State(io::Loop& l) : loop(l) {}
  void give(Got got, std::string content) {
    if (const auto callback = std::exchange(on_piece, nullptr)) callback(got, std::move(content));
  }

  io::Loop& loop;
  ServerConnection* connection = nullptr;  // null once the body's end was read, or gone
  bool whole = false;                      // its end was read
  OnPiece on_piece;                        // set while a piece is asked for
};

class ServerConnection final : public io::StreamEvents {
 public:
  ServerConnection(Server::Shared& shared, std::unique_ptr<io::Stream> stream);
  ~ServerConnection();

  void on_readable() override;
  void on_writable() override;
  /// Ends it now if idle, else after the answer.
  void drain();
  /// Says 503 and closes.
  void refuse();

  // For Responder, while its request is being answered.
  void answer(Response response);
  void start(Response head);
  Responder::Flow write(std::string_view content);
  void end();
  void cut();
  void tell_writable_soon();
  // For BodyStream, until the body's end.
  void pull_body();

  size_t index = 0;  // in Shared::connections

 private:
  enum class Phase { kHead, kBody, kStreaming, kHandling, kLingering, kDead };

  void advance();
  bool take_head();
  bool take_body();
  bool stream_body();
  void end_stream(BodyStream::Got got, std::string content);
  void hand_out_stream();
  void drop_rest_of_body();
  void copy_request(const RequestHead& head);
  void hand_out();
  bool fill(size_t most);
  void reject(int status, std::string_view reason);
  void add_head(const Response& head, std::string_view framing);
  void finish_answer();
  void close_after_sending();
  void flush();
  bool linger();
  void client_left();
  void die();
  void on_timeout();
  bool bury_if_dead();

  Server::Shared& shared_;
  std::unique_ptr<io::Stream> stream_;
  Phase phase_ = Phase::kHead;
  bool advancing_ = false;
  bool ended_ = false;  // the client's last byte was read
  bool keep_alive_ = true;
  bool chunked_answer_ = false;
  bool to_head_ = false;
  bool head_begun_ = false;
  bool owes_continue_ = false;
  int minor_version_ = 1;
  std::string in_;
  size_t taken_ = 0;  // of in_
  size_t lingered_ = 0;
  SendQueue out_;
  RequestParser parser_;
  BodyReader body_;
  Request request_;
  std::shared_ptr<Responder::State> responder_;
  std::shared_ptr<BodyStream::State> stream_state_;
  LazyTimer timer_;
  io::Timer again_;
};

}  // namespace thaw::http
