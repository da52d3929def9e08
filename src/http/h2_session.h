// H2Session: the frames of one HTTP/2 connection, without I/O: bytes go in, events come out; heads,
// content and trailers go in, bytes come out. Either side: a server's, or a client's.
//
// Framing, header compression and the states of streams are nghttp2's (seen by h2_session*.cc
// alone); limits, budgets and what a stream means are ours. Priorities are ignored: streams with
// something to send take turns.
// Thread: any one. Owner: its H2Events and the H2StreamEvents outlive it, or their stream's
// on_closed(). Events come inside receive() and collect(); they may call everything here but those
// two, and must not destroy the session.
// Limits: Options. Content that the owner has not consumed is at most the stream's window, 64 KiB
// at first and 256 KiB once its owner consumes; a connection's window is given back at once, so
// that a stream nobody reads does not stop the others. Budgets: h2_guard.h. Header blocks: 64 KiB
// with its limits, at most 8 CONTINUATION frames. Source: RFC 9113.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "http/h2_guard.h"
#include "http/h2_head.h"
#include "http/headers.h"

struct nghttp2_session;

namespace thaw::http {

enum class H2Error : uint32_t {
  kNone = 0,
  kProtocol = 1,
  kInternal = 2,
  kRefusedStream = 7,  // nothing was done: the request may be sent again
  kCancel = 8,
  kEnhanceYourCalm = 11,
};

/// A field of a head that is sent: a pseudo-header, or any name in any case.
struct H2Field {
  std::string_view name;
  std::string_view value;
};

inline constexpr std::string_view kH2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// One stream's events.
class H2StreamEvents {
 public:
  /// To a client: the final head; 1xx are left out. `last`: no content follows.
  virtual void on_response(const ResponseHead& head) { (void)head; }
  /// Counts against the stream's window until consume().
  virtual void on_content(std::string_view content) = 0;
  /// The peer's side is complete.
  virtual void on_end(Headers trailers) = 0;
  /// Something moved; nothing waits to be sent now if unsent() is 0.
  virtual void on_sent() = 0;
  /// The last event: the stream is gone. kNone after both sides were complete, or a server ended
  /// its answer early without a fault; else the peer's or our reason.
  virtual void on_closed(H2Error why) = 0;

 protected:
  ~H2StreamEvents() = default;
};

/// A connection's events.
class H2Events {
 public:
  /// To a server: a new request. The answer is who gets its stream's events; null: the stream was
  /// reset by the callee, or is not wanted and will be.
  virtual H2StreamEvents* on_request(int32_t stream, const RequestHead& head) = 0;
  /// To a server: a request whose head is refused; answered by whoever is returned, as above.
  virtual H2StreamEvents* on_bad_request(int32_t stream, const HeadFault& fault) = 0;
  /// The peer will not take more requests than those it has (client: may be retried elsewhere).
  virtual void on_goaway() {}

 protected:
  ~H2Events() = default;
};

class H2Session {
 public:
  struct Options {
    HeadLimits head = {};
    uint32_t max_streams = 100;  // of the peer's at once; over it REFUSED_STREAM
  };
  enum class Side { kServer, kClient };

  H2Session(Side side, Options options, H2Events& events, Instant now);
  ~H2Session();
  H2Session(const H2Session&) = delete;
  H2Session& operator=(const H2Session&) = delete;

  /// False: the connection has failed; collect() what is left (a GOAWAY that says why), send it and
  /// close.
  bool receive(std::string_view bytes, Instant now);
  /// Appends what is to be sent, about `most` bytes of it.
  void collect(std::string& out, size_t most);
  /// Nothing can come any more: after a failure, or a GOAWAY and the last stream.
  bool is_over() const;
  /// Answers and acknowledgements that wait while the peer does not read.
  size_t backlog() const;
  size_t streams() const { return streams_.size(); }
  /// A header block has begun and its rest has not come.
  bool head_begun() const { return head_begun_; }

  /// Server: goes on from HTTP/1.1's "Upgrade: h2c" with stream 1, whose request is complete.
  /// `settings`: the value of HTTP2-Settings. False: it is malformed.
  bool upgrade(std::string_view settings, std::string_view method, H2StreamEvents& events);
  /// Server: takes no more requests, says so, and lets those that run finish.
  void shut_down();
  void fail(H2Error why);

  enum class End { kNo, kYes };
  /// `fields` begins with the pseudo-headers. A malformed one is a BUG and left out.
  void respond(int32_t stream, std::span<const H2Field> fields, End end);
  void say_continue(int32_t stream);
  /// Client: whether request() would open a stream now.
  bool takes_requests() const;
  /// Client: the new stream, or 0 when the connection takes no more.
  int32_t request(std::span<const H2Field> fields, End end, H2StreamEvents& events);
  void send(int32_t stream, std::string_view content);
  void finish(int32_t stream, const Headers& trailers);
  void reset(int32_t stream, H2Error why);
  /// Bytes of content that were not put into a frame yet.
  size_t unsent(int32_t stream) const;
  /// Likewise of all streams together.
  size_t unsent() const { return unsent_; }
  /// The owner is done with so many bytes of on_content().
  void consume(int32_t stream, size_t bytes);
  /// For streams whose owner goes first: no more events; what it has sent still goes out.
  void release(int32_t stream);
  /// Likewise, and then the stream is reset, since more should have come.
  void cut(int32_t stream);
  /// No more events, and reset if still open.
  void abandon(int32_t stream, H2Error why);

 private:
  struct Callbacks;
  friend struct Callbacks;
  struct Stream {
    H2StreamEvents* events = nullptr;
    std::string out;
    size_t sent = 0;  // of out
    bool finishing = false;
    bool cut = false;       // reset once `out` is sent
    bool has_head = false;  // client: the final head came
    bool peer_ended = false;
    bool wide = false;  // its window was widened
    Headers trailers;
  };

  Stream* find(int32_t stream) const;
  void drop_unsent(Stream& stream);
  void take_head(int32_t stream, bool is_request, bool ended);
  void begin_request(int32_t stream, bool ended);
  void begin_response(int32_t id, Stream& stream, bool ended);
  void take_end(int32_t stream, Headers trailers);
  void close(int32_t stream, H2Error why);
  void submit_trailers(int32_t id, const Stream& stream);
  void on_ping_answered(std::span<const uint8_t> payload);
  void spend(bool allowed);

  Side side_;
  Options options_;
  H2Events& events_;
  H2Guard guard_;
  Instant now_;
  nghttp2_session* session_ = nullptr;
  std::unordered_map<int32_t, std::unique_ptr<Stream>> streams_;
  H2HeadReader head_;
  std::string* collecting_ = nullptr;  // set inside collect()
  size_t most_ = 0;                    // of it
  std::string lower_;                  // names of the head being sent
  size_t unsent_ = 0;                  // of all streams
  bool head_begun_ = false;
  bool failed_ = false;
  bool going_ = false;  // shut_down() was said
};

}  // namespace thaw::http
