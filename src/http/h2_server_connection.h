// H2ServerConnection: one client of a Server that speaks HTTP/2. Part of the Server; see there.
// **Thread**: the loop's.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "http/h2_session.h"
#include "http/lazy_timer.h"
#include "http/send_queue.h"
#include "http/server_session.h"

namespace thaw::http {

class H2ServerStream;

class H2ServerConnection final : public ServerSession,
                                 public io::StreamEvents,
                                 public H2Events,
                                 public Holder {
 public:
  H2ServerConnection(Server::Shared& shared, std::unique_ptr<io::Stream> stream);
  ~H2ServerConnection() override;

  /// `bytes` were read already and begin with the preface; take_over() does the rest.
  void begin(std::string_view bytes) { in_ = bytes; }
  /// Goes on from an HTTP/1.1 request, which becomes stream 1. `bytes` came behind it.
  void upgrade(std::string_view settings, Request request, std::string_view bytes);
  void take_over() override;
  void drain() override;

  void on_readable() override { advance(); }
  void on_writable() override { advance(); }
  H2StreamEvents* on_request(int32_t stream, const RequestHead& head) override;
  H2StreamEvents* on_bad_request(int32_t stream, const HeadFault& fault) override;

  // For Holdings, of what is on its way into the stream.
  std::string address() const override { return stream_->peer().ip; }
  void give_way() override;

  // For its streams.
  Server::Shared& shared() { return shared_; }
  H2Session& session() { return session_; }
  /// Sends what waits, unless that is about to happen anyway. May destroy streams and this.
  void flush();
  /// Runs `work`, which may end streams, and then does as flush().
  template <class Work>
  void run(Work work) {
    const bool nested = std::exchange(advancing_, true);
    work();
    advancing_ = nested;
    flush();
  }
  void closed(int32_t stream);
  /// What one of them holds of its body changed; the answer: what all of them do.
  size_t on_held(size_t before, size_t now) { return gathered_ += now - before; }

 private:
  enum class Waits { kNothing, kHead, kIdle, kLeaving, kBlocked, kLingering };

  void advance();
  bool receive();
  void send();
  void look_at_timer();
  void on_timeout();
  void wait_for_end();
  void linger();
  void die();
  void bury();

  Server::Shared& shared_;
  std::unique_ptr<io::Stream> stream_;
  H2Session session_;
  std::unordered_map<int32_t, std::unique_ptr<H2ServerStream>> streams_;
  std::vector<std::unique_ptr<H2ServerStream>> gone_;  // until nobody is inside them
  std::unique_ptr<Request> upgraded_;                  // to be handed out as stream 1
  std::string in_;                                     // read by who was here before
  SendQueue out_;
  bool advancing_ = false;
  bool ended_ = false;
  size_t moved_ = 0;  // bytes sent since the timer was set
  bool dead_ = false;
  size_t lingered_ = 0;
  bool is_flushed_ = false;  // all that was sent; while it lingers
  size_t gathered_ = 0;      // bytes of its streams' bodies that are not whole
  Holdings::Hold unsent_;    // of out_
  Waits waits_ = Waits::kNothing;
  LazyTimer timer_;
  io::Timer again_;
};

}  // namespace thaw::http
