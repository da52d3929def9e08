// TlsStream: a byte stream through TLS over another stream; either side of it.
//
// What is written is encrypted at once and what the stream below does not take waits here, so a
// write that was refused may be followed by any other. Ends as TLS does: shutdown_write() says
// close_notify, kEnd means that the peer said it, and an end without it is kBroken.
// Thread: the loop's. Owner: the loop outlives it. Dropped without shutdown_write(), it closes
// without close_notify, so that a cut answer does not look like a whole one.
// Limits: kMaxWaiting bytes wait to be sent (over it, which only answers to a peer that never reads
// could reach, the connection breaks); one record of 16 KiB is held while it is incomplete.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "io/encryption.h"
#include "io/flushing.h"
#include "io/loop.h"
#include "io/net.h"
#include "tls/handshake_fault.h"
#include "tls/owned.h"

namespace thaw::tls {

class TlsStream final : public io::Stream,
                        public io::Encryption,
                        public io::Flushing,
                        private io::StreamEvents {
 public:
  /// Takes over `ssl`, from a context's make() or connect_to().
  TlsStream(io::Loop& loop, ssl_st* ssl, std::unique_ptr<io::Stream> below);
  ~TlsStream() override;

  enum class Shake { kDone, kGoesOn, kFailed };
  /// Goes on with the handshake: to be called at each event until it is done. Only then the stream
  /// can be used.
  Shake shake();
  /// Why it failed, for people: "no shared cipher", "certificate has expired".
  const std::string& fault() const { return fault_; }
  HandshakeFault fault_kind() const { return fault_kind_; }
  /// Sends `text` as it is, after a handshake that failed because the peer speaks without TLS.
  void say(std::string_view text);

  /// "h2", "http/1.1", or "" when the peer offers nothing.
  std::string_view protocol() const;
  /// The host that a client asked for; "" when it named none.
  std::string_view server_name() const;

  io::Transfer read(std::span<char> into) override;
  io::Transfer write(std::span<const std::string_view> parts) override;
  void shutdown_write() override;
  void set_events(io::StreamEvents* events) override;
  bool is_quiet_and_open() override;
  bool is_flushed() const override { return failed_ || out_.empty(); }
  bool is_encrypted() const override { return true; }
  io::SocketAddress peer() const override { return below_->peer(); }
  io::SocketAddress local() const override { return below_->local(); }

 private:
  friend struct TlsBio;
  static constexpr size_t kMaxWaiting = 1 << 20;

  void on_readable() override;
  void on_writable() override;
  enum class Flushed { kAll, kBlocked, kBroken };
  Flushed flush();
  bool encrypt(std::string_view content);
  io::Transfer fail(int result);
  io::Transfer broken() const;

  io::Loop& loop_;
  std::unique_ptr<io::Stream> below_;
  ssl_st* ssl_;
  io::StreamEvents* events_ = nullptr;
  std::string out_;       // encrypted, to be sent
  size_t sent_ = 0;       // of out_
  bool refused_ = false;  // write() said kWouldBlock and nobody was told yet that it may go on
  bool failed_ = false;   // the session is over by a fault
  bool closing_ = false;  // the stream below is shut once out_ was sent
  bool below_ended_ = false;
  HandshakeFault fault_kind_ = HandshakeFault::kClosed;
  int below_error_ = 0;  // errno
  std::string fault_;
  io::Timer again_;
};

}  // namespace thaw::tls
