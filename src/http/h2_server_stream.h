// H2ServerStream: one request of an HTTP/2 client: its body on its way to the handler, the answer
// on its way back. Part of the Server; see there.
// **Thread**: the loop's.
#pragma once

#include <memory>
#include <string>

#include "http/h2_session.h"
#include "http/lazy_timer.h"
#include "http/server_session.h"

namespace thaw::http {

class H2ServerConnection;

class H2ServerStream final : public H2StreamEvents,
                             public AnswerSink,
                             public BodySource,
                             public Holder {
 public:
  H2ServerStream(H2ServerConnection& connection, int32_t id);

  /// Hands the request out, or gathers its body first.
  void begin(Request request, const RequestHead& head);
  /// Answers without asking the handler.
  void reject(int status, std::string_view reason);
  void refuse_with(const Response& answer);
  /// The connection is gone, and this stream with it.
  void lost();

  void on_content(std::string_view content) override;
  void on_end(Headers trailers) override;
  void on_sent() override;
  void on_closed(H2Error why) override;

  void answer(Response response) override;
  void start(Response head) override;
  Responder::Flow write(std::string_view content) override;
  void end(const Headers& trailers) override;
  void cut() override;
  void dropped() override;
  void tell_writable_soon() override;
  void pull_body() override;

  std::string address() const override;
  void give_way() override;

 private:
  enum class Phase { kGathering, kStreaming, kOver };

  void hold(size_t bytes);
  void hand_out();
  void give_piece();
  void send_head(const Response& head, H2Session::End end);
  void answered();
  void drop_body();
  void give_up();
  void look_at_timer();
  void on_timeout();

  H2ServerConnection& connection_;
  int32_t id_;
  Phase phase_ = Phase::kGathering;  // of the request's body
  Request request_;
  Holdings::Hold body_hold_;  // of the request's body, until it is whole
  Holdings::Hold unsent_hold_;
  io::Timer way_;
  size_t held_ = 0;  // bytes of body_hold_
  size_t owed_ = 0;  // unsent when it was looked at last
  size_t sent_ = 0;  // since the timer was set
  bool to_head_ = false;
  bool owes_continue_ = false;
  bool whole_ = false;   // the body's end came
  std::string pending_;  // of a streamed body: not asked for yet
  Headers trailers_;
  std::shared_ptr<Responder::State> responder_;  // null before and after
  std::shared_ptr<BodyStream::State> body_;      // null when not streamed, and after its end
  LazyTimer timer_;
};

}  // namespace thaw::http
