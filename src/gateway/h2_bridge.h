// H2Bridge: one stream of an HTTP/2 connection, seen as an HTTP/1.1 connection of its own. Part of
// the Gateway; see there, and decision 87 for why.
//
// The half that both sides share: text that the other side made goes in by write(), text for it
// comes out of read(). Events are announced by the connection, after its session has returned, so
// that whoever hears one may drop the stream.
// **Thread**: the loop's. **Owner**: who uses it as a stream; its connection may go first.
// **Limits**: kHighMark waits to be sent; what waits to be read is at most HTTP/2's window, framed.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "http/body.h"
#include "http/h2_session.h"
#include "http/send_queue.h"
#include "io/encryption.h"
#include "io/loop.h"
#include "io/net.h"

namespace thaw::gateway {

class H2Bridge;

/// The connection that bridges belong to: its session, its socket, and whom to tell what.
class H2Link : public io::StreamEvents {
 public:
  H2Link(io::Loop& loop, http::H2Session::Side side, http::H2Session::Options options,
         http::H2Events& events, std::unique_ptr<io::Stream> stream);
  virtual ~H2Link();

  void on_readable() override { advance(); }
  void on_writable() override { advance(); }

  http::H2Session& session() { return session_; }
  io::Loop& loop() { return loop_; }
  const io::SocketAddress& peer() const { return peer_; }
  bool is_encrypted() const { return is_encrypted_; }
  const io::SocketAddress& local() const { return local_; }
  size_t bridges() const { return bridges_.size(); }
  /// Goes on in a later turn; whatever is written until then leaves together.
  void schedule();
  /// `bridge` has something to tell its user.
  void announce(int32_t stream) {
    ready_.push_back(stream);
    schedule();
  }
  void add(int32_t stream, H2Bridge& bridge) { bridges_[stream] = &bridge; }
  void remove(int32_t stream) { bridges_.erase(stream); }
  /// Takes bytes that were read before, and goes on.
  void begin(std::string_view bytes, std::string_view first_words);
  /// Client: whether one more request may be made on it.
  bool takes_requests() const {
    return !failed_ && !lingering_ && !dead_ && session_.takes_requests();
  }
  /// GOAWAY with this reason, then closed.
  void end(http::H2Error why);

 protected:
  /// Looks after timers; comes at the end of every turn in which something happened.
  virtual void settle() = 0;
  /// The connection is over; all bridges know. May destroy this.
  virtual void over() = 0;

  bool is_blocked() const { return !out_.empty(); }
  bool moved() { return std::exchange(moved_, false); }
  bool is_dead() const { return dead_; }
  void die();

 private:
  void advance();
  bool receive();
  void send();
  void announce_all();
  void wait_for_end();
  bool linger();
  void lose_all();

  io::Loop& loop_;
  std::unique_ptr<io::Stream> stream_;
  io::SocketAddress peer_;
  bool is_encrypted_;
  io::SocketAddress local_;
  http::H2Session session_;
  http::SendQueue out_;
  std::unordered_map<int32_t, H2Bridge*> bridges_;
  std::vector<int32_t> ready_;
  bool advancing_ = false;
  bool failed_ = false;
  bool lingering_ = false;
  bool is_flushed_ = false;
  bool dead_ = false;
  bool moved_ = false;
  bool scheduled_ = false;
  size_t lingered_ = 0;
  io::Timer again_;
  io::Timer linger_timer_;
};

class H2Bridge : public io::Stream, public io::Encryption, public http::H2StreamEvents {
 public:
  explicit H2Bridge(H2Link& link)
      : link_(&link),
        peer_(link.peer()),
        is_encrypted_(link.is_encrypted()),
        local_(link.local()) {}
  ~H2Bridge() override;

  io::Transfer read(std::span<char> into) override;
  io::Transfer write(std::span<const std::string_view> parts) override;
  void shutdown_write() override {}
  void set_events(io::StreamEvents* events) override;
  bool is_quiet_and_open() override { return false; }
  bool is_encrypted() const override { return is_encrypted_; }
  io::SocketAddress peer() const override { return peer_; }
  io::SocketAddress local() const override { return local_; }

  void on_content(std::string_view content) override;
  void on_end(http::Headers trailers) override;
  void on_sent() override;
  void on_closed(http::H2Error why) override;

  /// Tells the user what happened; it may destroy this.
  void tell();
  /// The connection is gone.
  void lost();

 protected:
  static constexpr size_t kHighMark = 64 << 10;
  enum class Taken { kMore, kInterim, kFinal, kBad };

  /// Tells the session the head that `text` begins with, which has `length` bytes.
  virtual Taken take_head(std::string_view text, size_t& length) = 0;
  /// The last of what is written was handed to the session.
  virtual void all_written() {}
  /// Whether all came that its user waits for, so that the stream's end is no fault.
  virtual bool is_whole() const = 0;

  void opened(int32_t stream);
  void announce();

  H2Link* link_;  // null once it is gone
  int32_t id_ = 0;
  std::string in_;  // text to be read
  bool in_chunked_ = false;
  bool read_ended_ = false;
  http::BodyReader out_body_;
  bool done_ = false;  // all was written
  bool cuts_ = false;  // dropping it half-way is told behind what was written
  bool broken_ = false;

 private:
  void take_heads();
  void take_body(std::string_view text);

  io::SocketAddress peer_;
  bool is_encrypted_;
  io::SocketAddress local_;
  io::StreamEvents* events_ = nullptr;
  size_t in_taken_ = 0;  // of in_
  size_t owed_ = 0;      // content in in_ that was not consumed
  std::string head_;     // what was written of a head that is not complete
  bool has_head_ = false;
  std::string out_trailers_;
  bool blocked_ = false;  // write() said so
  io::Timer goodbye_;
};

}  // namespace thaw::gateway
