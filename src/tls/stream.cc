#include "tls/stream.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/check.h"

namespace thaw::tls {
namespace {

using State = io::Transfer::State;

constexpr size_t kRecord = 16 << 10;    // TLS's most plaintext in one
constexpr size_t kSendSize = 64 << 10;  // collected before it is given to the stream below
constexpr size_t kKept = 4 << 10;       // of out_'s memory, by an idle connection

HandshakeFault kind_of(unsigned long code) {  // NOLINT(google-runtime-int)
  if (ERR_GET_LIB(code) != ERR_LIB_SSL) return HandshakeFault::kMalformed;
  const int reason = ERR_GET_REASON(code);
  if (reason > SSL_AD_REASON_OFFSET) return HandshakeFault::kAlert;
  switch (reason) {
    case SSL_R_HTTP_REQUEST:
      return HandshakeFault::kPlainHttp;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_INAPPROPRIATE_FALLBACK:
      return HandshakeFault::kVersion;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_GROUPS:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
      return HandshakeFault::kCipher;
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return HandshakeFault::kProtocol;
    case SSL_R_CALLBACK_FAILED:
    case SSL_R_CERT_CB_ERROR:
    case SSL_R_NO_CERTIFICATE_SET:
      return HandshakeFault::kCertificate;
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return HandshakeFault::kClosed;
    default:
      return HandshakeFault::kMalformed;
  }
}

}  // namespace

/// OpenSSL's way to the stream below.
struct TlsBio {
  static TlsStream& stream_of(BIO* bio) { return *static_cast<TlsStream*>(BIO_get_data(bio)); }

  static int write(BIO* bio, const char* data, size_t size, size_t* written) {
    TlsStream& stream = stream_of(bio);
    BIO_clear_retry_flags(bio);
    if (stream.out_.size() - stream.sent_ > TlsStream::kMaxWaiting) return 0;
    stream.out_.append(data, size);
    *written = size;
    return 1;
  }

  static int read(BIO* bio, char* into, size_t size, size_t* got) {
    TlsStream& stream = stream_of(bio);
    BIO_clear_retry_flags(bio);
    const io::Transfer moved = stream.below_->read({into, size});
    *got = moved.bytes;
    switch (moved.state) {
      case State::kMoved:
        return 1;
      case State::kWouldBlock:
        BIO_set_retry_read(bio);
        return 0;
      case State::kEnd:
        stream.below_ended_ = true;
        return 0;
      case State::kBroken:
        stream.below_error_ = moved.error;
        return 0;
    }
    return 0;
  }

  static long control(BIO* bio, int what, long, void*) {  // NOLINT(google-runtime-int)
    if (what == BIO_CTRL_FLUSH) return 1;
    if (what == BIO_CTRL_EOF) return stream_of(bio).below_ended_ ? 1 : 0;
    return 0;
  }

  static BIO* make(TlsStream& stream) {
    static BIO_METHOD* const method = [] {
      BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
      CHECK(made != nullptr, "memory for a BIO method");
      BIO_meth_set_write_ex(made, write);
      BIO_meth_set_read_ex(made, read);
      BIO_meth_set_ctrl(made, control);
      return made;
    }();
    BIO* const bio = BIO_new(method);
    CHECK(bio != nullptr, "memory for a TLS connection");
    BIO_set_data(bio, &stream);
    BIO_set_init(bio, 1);
    return bio;
  }
};

TlsStream::TlsStream(io::Loop& loop, ssl_st* ssl, std::unique_ptr<io::Stream> below)
    : loop_(loop), below_(std::move(below)), ssl_(ssl) {
  BIO* const bio = TlsBio::make(*this);
  SSL_set_bio(ssl_, bio, bio);
}

TlsStream::~TlsStream() { SSL_free(ssl_); }

TlsStream::Shake TlsStream::shake() {
  if (failed_) return Shake::kFailed;
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) return flush() == Flushed::kBroken ? Shake::kFailed : Shake::kDone;
  const int error = SSL_get_error(ssl_, result);
  if (error == SSL_ERROR_WANT_READ) {
    return flush() == Flushed::kBroken ? Shake::kFailed : Shake::kGoesOn;
  }
  const long verified = SSL_get_verify_result(ssl_);  // NOLINT(google-runtime-int)
  fail(result);
  if (verified != X509_V_OK) fault_ = X509_verify_cert_error_string(verified);
  return Shake::kFailed;
}

void TlsStream::say(std::string_view text) {
  out_ += text;
  flush();
}

std::string_view TlsStream::protocol() const {
  const unsigned char* name = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_, &name, &size);
  return {reinterpret_cast<const char*>(name), size};
}

std::string_view TlsStream::server_name() const {
  const char* const name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
  return name != nullptr ? name : "";
}

io::Transfer TlsStream::broken() const {
  return {State::kBroken, 0, below_error_ != 0 ? below_error_ : EPROTO};
}

/// What `result` of a call of OpenSSL's means, and nothing is to be had now.
io::Transfer TlsStream::fail(int result) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      flush();  // an answer to what came
      return {State::kWouldBlock};
    case SSL_ERROR_ZERO_RETURN:
      return {State::kEnd};
    default:
      break;
  }
  failed_ = true;
  const unsigned long code = ERR_peek_error();  // NOLINT(google-runtime-int)
  fault_kind_ = code == 0 ? HandshakeFault::kClosed : kind_of(code);
  fault_ = last_fault();
  if (fault_.empty()) fault_ = below_ended_ ? "the peer closed" : "the connection broke";
  if (fault_kind_ != HandshakeFault::kPlainHttp) flush();  // an alert that tells the peer why
  return broken();
}

io::Transfer TlsStream::read(std::span<char> into) {
  CHECK(!into.empty());
  if (failed_) return broken();
  ERR_clear_error();
  size_t got = 0;
  const int result = SSL_read_ex(ssl_, into.data(), into.size(), &got);
  if (result == 1) return {State::kMoved, got, 0};
  return fail(result);
}

bool TlsStream::encrypt(std::string_view content) {
  ERR_clear_error();
  size_t written = 0;
  const int result = SSL_write_ex(ssl_, content.data(), content.size(), &written);
  if (result == 1 && written == content.size()) return true;
  if (result != 1) fail(result);
  failed_ = true;
  return false;
}

io::Transfer TlsStream::write(std::span<const std::string_view> parts) {
  if (failed_ || closing_) return broken();
  const Flushed before = flush();
  if (before == Flushed::kBroken) return broken();
  if (before == Flushed::kBlocked) {
    refused_ = true;
    return {State::kWouldBlock};
  }
  size_t total = 0;
  for (const std::string_view part : parts) total += part.size();
  CHECK(total > 0, "a write of nothing");
  std::array<char, kRecord> together;
  size_t gathered = 0;
  size_t moved = 0;
  for (std::string_view part : parts) {
    while (!part.empty()) {
      std::string_view record;
      if (gathered == 0 && (part.size() >= kRecord || moved + part.size() == total)) {
        record = part.substr(0, kRecord);
        part.remove_prefix(record.size());
      } else {
        const size_t size = std::min(part.size(), kRecord - gathered);
        std::copy_n(part.data(), size, together.data() + gathered);
        gathered += size;
        part.remove_prefix(size);
        if (gathered < kRecord && moved + gathered < total) continue;
        record = {together.data(), std::exchange(gathered, 0)};
      }
      if (!encrypt(record)) return broken();
      moved += record.size();
      if (out_.size() < kSendSize && moved < total) continue;
      const Flushed flushed = flush();
      if (flushed == Flushed::kBroken) return broken();
      if (flushed == Flushed::kBlocked) return {State::kMoved, moved, 0};
    }
  }
  return {State::kMoved, moved, 0};
}

TlsStream::Flushed TlsStream::flush() {
  while (sent_ < out_.size()) {
    const std::string_view rest = std::string_view(out_).substr(sent_);
    const io::Transfer moved = below_->write({&rest, 1});
    if (moved.state == State::kWouldBlock) return Flushed::kBlocked;
    if (moved.state != State::kMoved) {
      failed_ = true;
      below_error_ = moved.error;
      return Flushed::kBroken;
    }
    sent_ += moved.bytes;
  }
  sent_ = 0;
  if (out_.capacity() > kKept) std::string().swap(out_);
  out_.clear();
  return Flushed::kAll;
}

void TlsStream::shutdown_write() {
  if (std::exchange(closing_, true)) return;
  ERR_clear_error();
  if (!failed_ && SSL_is_init_finished(ssl_) == 1) SSL_shutdown(ssl_);
  if (flush() != Flushed::kBlocked) below_->shutdown_write();
}

void TlsStream::set_events(io::StreamEvents* events) {
  events_ = events;
  below_->set_events(events != nullptr ? this : nullptr);
  // What was read together with the handshake's end, the stream below does not announce again.
  if (events == nullptr || SSL_has_pending(ssl_) == 0) return;
  again_ = loop_.after(Duration::zero(), [this] { on_readable(); });
}

bool TlsStream::is_quiet_and_open() {
  return !failed_ && SSL_has_pending(ssl_) == 0 && below_->is_quiet_and_open();
}

void TlsStream::on_readable() {
  if (events_ != nullptr) events_->on_readable();
}

void TlsStream::on_writable() {
  const Flushed flushed = flush();
  if (flushed == Flushed::kBlocked) return;
  if (closing_) below_->shutdown_write();
  const bool is_news = std::exchange(refused_, false) || closing_;
  if (is_news && events_ != nullptr) events_->on_writable();
}

}  // namespace thaw::tls
