// Exchange: one request: from its head to the last byte of its answer. Part of the Gateway.
//
// Finds a slot, connects or takes an open connection, passes the request's body one way and the
// answer the other. Back-pressure: it reads from one side only while nothing waits to be sent to
// the other. A member of its connection, used again for the next request.
// **Thread**: the loop's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/core.h"
#include "gateway/replies.h"
#include "gateway/slots.h"
#include "gateway/trace.h"
#include "gateway/upstream.h"
#include "http/body.h"
#include "http/head.h"
#include "http/send_queue.h"

namespace thaw::gateway {

class ClientConnection;

class Exchange final : public UpstreamUser, public SlotReceiver {
 public:
  Exchange(GatewayCore& core, ClientConnection& client) : core_(core), client_(client) {}
  ~Exchange();

  enum class Body { kComing, kAwaited };
  /// Routes the request and writes its head for the instance; `head`, which came in `length` bytes,
  /// is not used afterwards. May answer at once, with an error.
  void begin(const http::RequestHead& head, size_t length, Body body);
  void find_slot();
  /// Moves what can be moved, both ways.
  void pump();
  /// Whether pump() wants the client's input, or will once the instance takes more.
  bool takes_input() const { return state_ == State::kOpen && !request_done_; }
  void client_gone();
  void on_deadline();

  void on_upstream_readable() override;
  void on_upstream_writable() override;
  void on_slot(std::unique_ptr<Slot> slot) override;
  void on_refused(const serving::Refusal& refusal) override;

 private:
  static constexpr int kPiecesPerTurn = 16;  // reads of up to 64 KiB, then others have their turn
  enum class State { kIdle, kQueued, kConnecting, kOpen, kExplaining };

  void reset(const http::RequestHead& head);
  bool route(const http::RequestHead& head);
  bool may_pass(const http::RequestHead& head);
  bool answer_challenge(const http::RequestHead& head);
  bool is_limited() const;
  void remember_facts(const http::RequestHead& head);
  const Target* target_of_session(const http::RequestHead& head);
  std::string_view protocol() const;
  Duration since_arrival() const { return core_.loop.now() - arrived_; }
  void use(std::unique_ptr<Slot> slot);
  void begin_session();
  void connect();
  void connect_failed();
  bool may_ask_again() const;
  void ask_again();
  void open(std::unique_ptr<Upstream> upstream);
  void explain();

  void pump_request();
  bool send_request_piece();
  void send_to_instance(std::string_view content);
  void pump_response();
  void take_response(std::string_view bytes);
  bool take_response_head(std::string_view& bytes);
  void begin_response(const http::ResponseHead& head);
  void take_response_body(std::string_view bytes);
  void upstream_ended();
  void response_done(bool upstream_reusable);

  void fail(const Reply& reply);
  void finish();
  void release();
  void report();

  GatewayCore& core_;
  ClientConnection& client_;
  State state_ = State::kIdle;
  std::shared_ptr<const Route> route_;  // keeps target_
  const Target* target_ = nullptr;
  std::string_view signed_header_;       // the one whose token the door took; a literal
  std::optional<InstanceId> preferred_;  // of the client's session
  std::string session_cookie_;           // a new session's; empty: none
  Instant arrived_{};
  Instant deadline_{};
  int attempts_ = 0;

  // The request.
  std::string request_head_;
  http::BodyReader request_body_;
  std::string request_trailers_;  // as they came
  bool head_sent_ = false;
  bool request_done_ = true;   // its last byte was handed to upstream_out_
  bool request_lost_ = false;  // the instance takes no more of it
  bool is_idempotent_ = false;
  bool asked_again_ = false;  // on a second connection
  bool request_chunked_ = false;
  bool wants_continue_ = false;
  bool wants_upgrade_ = false;
  bool wants_trailers_ = false;
  bool to_head_ = false;
  int client_minor_version_ = 1;
  uint64_t request_bytes_ = 0;

  // The instance.
  std::unique_ptr<Slot> slot_;
  std::unique_ptr<Waiting> waiting_;
  std::unique_ptr<io::Connecting> connecting_;
  std::unique_ptr<Upstream> upstream_;
  http::SendQueue upstream_out_;

  // The answer.
  http::ResponseParser response_parser_{{.headers = 200}};
  std::string response_in_;    // an incomplete head
  std::string response_head_;  // for the client, not sent yet
  std::string response_chunks_;
  http::BodyReader response_body_;
  std::string response_trailers_;  // as they came
  bool instance_spoke_ = false;    // a first byte came, be it of an interim answer
  bool response_begun_ = false;
  bool response_chunked_ = false;
  bool response_keeps_alive_ = false;
  bool tunnel_ = false;
  Rest rest_ = Rest::kKeepAlive;
  int status_ = 0;
  uint64_t response_bytes_ = 0;

  // For the record, when somebody observes.
  std::string host_, method_, target_text_, user_agent_, referer_;
  InstanceId instance_;
  std::string_view refusal_, woken_from_;  // literals
  uint64_t request_head_bytes_ = 0;
  uint64_t response_head_bytes_ = 0;
  Instant queued_at_{};
  Duration queued_{0};
  std::optional<Duration> placed_, answered_;  // since arrived_
  bool waited_for_start_ = false;
  Trace trace_{};
};

}  // namespace thaw::gateway
