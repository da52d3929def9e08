// ClientConnection: one client: reads heads, runs one exchange after another, sends the answers.
// Part of the Gateway; see there.
// **Thread**: the loop's.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "gateway/core.h"
#include "gateway/exchange.h"
#include "gateway/replies.h"
#include "http/head.h"
#include "http/lazy_timer.h"
#include "http/send_queue.h"

namespace thaw::gateway {

class ClientConnection final : public io::StreamEvents {
 public:
  ClientConnection(GatewayCore& core, std::unique_ptr<io::Stream> stream, GatewayCore::Via via);

  void on_readable() override;
  void on_writable() override;
  /// Ends it now if idle, else after the answer.
  void drain();
  void refuse(const Reply& reply);

  size_t index = 0;  // in GatewayCore::connections

  // For its exchange. None of these ends the connection at once; advance() does.

  /// Goes on with whatever can go on; may destroy this. Every event ends with it.
  void advance();
  /// What was read and not taken yet.
  std::string_view input() const;
  void take(size_t bytes);
  enum class Fill { kMore, kNothing, kEnded };
  Fill fill();
  /// What the client does not take now waits, and is_clear() is false until it was sent.
  void send(std::span<const std::string_view> parts);
  bool is_clear() const { return out_.empty(); }
  void set_deadline(Instant deadline) { timer_.set(deadline); }
  /// Whether the next answer's head should announce the end of the connection.
  bool will_close() const { return !keep_alive_ || core_.draining; }
  void exchange_done(Rest rest);
  /// Closes without a word: a part of an answer was sent and the rest will not come.
  void cut() { phase_ = Phase::kDead; }
  /// Lets others have their turn; advance() goes on in the next one.
  void yield();
  std::string_view peer_ip() const { return peer_ip_; }
  serving::CallerId caller() const { return caller_; }
  std::string_view local_ip() const { return local_ip_; }
  GatewayCore::Via via() const { return via_; }
  bool is_encrypted() const { return is_encrypted_; }
  /// What services are told in X-Forwarded-Proto.
  std::string_view scheme() const { return is_encrypted_ ? "https" : "http"; }

 private:
  enum class Phase { kHead, kBusy, kLingering, kDead };
  bool step();
  bool take_head();
  bool speaks_h2(std::string_view bytes) const;
  bool becomes_h2(std::string_view bytes);
  bool read_ahead();
  bool linger();
  void leave();
  void flush();
  void broke();
  void sent_all();
  void wait_for_end();
  void on_timeout();
  void stash();

  GatewayCore& core_;
  std::unique_ptr<io::Stream> stream_;
  std::string peer_ip_;
  serving::CallerId caller_;
  std::string local_ip_;
  GatewayCore::Via via_;
  bool is_encrypted_;
  Phase phase_ = Phase::kHead;
  bool advancing_ = false;
  bool ended_ = false;  // the client's last byte was read, or the connection broke
  bool keep_alive_ = true;
  bool head_begun_ = false;
  bool is_first_ = true;    // no request came yet
  std::string in_;          // kept from turn to turn
  size_t taken_ = 0;        // of in_
  std::string_view fresh_;  // in the shared buffer, until the end of advance(); then in_ is empty
  int64_t lingered_ = 0;    // bytes
  std::optional<Instant> linger_until_;
  http::SendQueue out_;
  http::RequestParser parser_;
  http::LazyTimer timer_;
  io::Timer again_;
  Exchange exchange_;
};

}  // namespace thaw::gateway
