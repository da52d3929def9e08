// ServerConnection: one client of a Server: reads requests one after another, hands them out,
// sends the answers. Part of the Server; see there.
// **Thread**: the loop's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "http/body.h"
#include "http/head.h"
#include "http/lazy_timer.h"
#include "http/send_queue.h"
#include "http/server_session.h"

namespace thaw::http {

class H2ServerConnection;

class ServerConnection final : public ServerSession,
                               public io::StreamEvents,
                               public AnswerSink,
                               public BodySource,
                               public Holder {
 public:
  ServerConnection(Server::Shared& shared, std::unique_ptr<io::Stream> stream);
  ~ServerConnection() override;

  void on_readable() override;
  void on_writable() override;
  void drain() override;
  /// Says 503 and closes.
  void refuse();

  // For Responder, while its request is being answered.
  void answer(Response response) override;
  void start(Response head) override;
  Responder::Flow write(std::string_view content) override;
  void end(const Headers& trailers) override;
  void cut() override;
  void dropped() override;
  void tell_writable_soon() override;
  // For BodyStream, until the body's end.
  void pull_body() override;
  // For Holdings.
  std::string address() const override;
  void give_way() override;

 private:
  static constexpr size_t kReadSize = 16 << 10;
  enum class Phase { kHead, kBody, kStreaming, kHandling, kLingering, kDead };

  void advance();
  bool take_head();
  bool take_body();
  bool refuse_body();
  bool stream_body();
  void end_stream(BodyStream::Got got, std::string content);
  void hand_out_stream();
  void drop_rest_of_body();
  bool take_preface(std::string_view input);
  bool take_tunnel();
  bool upgrade(const RequestHead& head);
  void hand_out();
  template <size_t kMost>
  bool fill();
  void reject(int status, std::string_view reason);
  void refuse_with(const Response& answer);
  void add_head(const Response& head, std::string_view framing);
  void finish_answer();
  void close_after_sending();
  void flush();
  void look_at_slow_client(size_t taken);
  void sent_all();
  void leave();
  void wait_for_end();
  bool linger();
  void client_left();
  void die();
  void on_timeout();
  bool bury_if_dead();

  Server::Shared& shared_;
  std::unique_ptr<io::Stream> stream_;
  Phase phase_ = Phase::kHead;
  bool advancing_ = false;
  bool is_first_ = true;  // no request came yet
  bool ended_ = false;    // the client's last byte was read
  bool keep_alive_ = true;
  bool chunked_answer_ = false;
  bool to_head_ = false;
  bool head_begun_ = false;
  bool owes_continue_ = false;
  int minor_version_ = 1;
  std::string in_;
  size_t taken_ = 0;      // of in_
  int64_t lingered_ = 0;  // bytes
  std::optional<Instant> linger_until_;
  SendQueue out_;
  RequestParser parser_;
  BodyReader body_;
  std::string trailer_lines_;  // of a streamed body
  Request request_;
  Holdings::Hold gathered_;  // the request's body, until it is whole
  Holdings::Hold unsent_;    // of out_
  size_t sent_ = 0;          // while it blocks, since the timer was set
  std::shared_ptr<Responder::State> responder_;
  std::shared_ptr<BodyStream::State> stream_state_;
  LazyTimer timer_;
  io::Timer again_;
  std::unique_ptr<H2ServerConnection> heir_;  // takes this one's place once it is dead
};

}  // namespace thaw::http
