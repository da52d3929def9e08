#include "tls/context.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>

#include "base/check.h"

namespace thaw::tls {
namespace {

// Of TLS 1.2; those of 1.3 are all good. The client's order is taken where it has no AES of its
// own.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr std::array<unsigned char, 12> kProtocols{2,   'h', '2', 8,   'h', 't',
                                                   't', 'p', '/', '1', '.', '1'};
constexpr std::string_view kSessionName = "thaw";

SSL_CTX* make_context(const SSL_METHOD* method) {
  SSL_CTX* const context = SSL_CTX_new(method);
  CHECK(context != nullptr, "memory for a TLS context");
  CHECK(SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1);
  CHECK(SSL_CTX_set_cipher_list(context, kCiphers) == 1);
  SSL_CTX_set_security_level(context, 2);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_read_ahead(context, 1);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  return context;
}

}  // namespace

struct ServerContext::Callbacks {
  static int choose_certificate(SSL* ssl, void* self) {
    const char* const host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    const SharedCertificate chosen =
        static_cast<ServerContext*>(self)->choose_(host != nullptr ? host : "");
    if (chosen == nullptr) return 0;
    SSL_certs_clear(ssl);
    return SSL_use_cert_and_key(ssl, chosen->leaf(), chosen->key(), chosen->chain(), 1);
  }

  /// A name that we know is confirmed, as clients may expect (RFC 6066, 3).
  static int confirm_name(SSL*, int*, void*) { return SSL_TLSEXT_ERR_OK; }

  static int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* size,
                             const unsigned char* offered, unsigned int length, void*) {
    unsigned char* found = nullptr;
    if (SSL_select_next_proto(&found, size, kProtocols.data(), kProtocols.size(), offered,
                              length) != OPENSSL_NPN_NEGOTIATED) {
      return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
  }
};

ServerContext::ServerContext(Choose choose)
    : choose_(std::move(choose)), context_(make_context(TLS_server_method())) {
  SSL_CTX_set_cert_cb(context_, Callbacks::choose_certificate, this);
  SSL_CTX_set_tlsext_servername_callback(context_, Callbacks::confirm_name);
  SSL_CTX_set_alpn_select_cb(context_, Callbacks::choose_protocol, nullptr);
  SSL_CTX_set_session_id_context(
      context_, reinterpret_cast<const unsigned char*>(kSessionName.data()), kSessionName.size());
}

ServerContext::~ServerContext() { SSL_CTX_free(context_); }

ssl_st* ServerContext::make() const {
  SSL* const ssl = SSL_new(context_);
  CHECK(ssl != nullptr, "memory for a TLS connection");
  SSL_set_accept_state(ssl);
  return ssl;
}

void ServerContext::renew_ticket_key() {
  const auto size =
      static_cast<size_t>(SSL_CTX_set_tlsext_ticket_keys(context_, nullptr, 0));  // what it needs
  std::string keys(size, '\0');
  CHECK(RAND_priv_bytes(reinterpret_cast<unsigned char*>(keys.data()), static_cast<int>(size)) == 1,
        "random bytes for a ticket key");
  SSL_CTX_set_tlsext_ticket_keys(context_, keys.data(), keys.size());
  OPENSSL_cleanse(keys.data(), keys.size());
}

Result<std::unique_ptr<ClientContext>> ClientContext::make(std::string_view roots,
                                                           std::string_view source) {
  std::unique_ptr<ClientContext> made(new ClientContext(make_context(TLS_client_method())));
  SSL_CTX_set_verify(made->context_, SSL_VERIFY_PEER, nullptr);
  if (roots.empty()) {
    SSL_CTX_set_default_verify_paths(made->context_);
    return made;
  }
  const Owned<BIO, BIO_free_all> bio(BIO_new_mem_buf(roots.data(), static_cast<int>(roots.size())));
  int count = 0;
  while (true) {
    const Owned<X509, X509_free> root(
        PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
    if (!root) break;
    X509_STORE_add_cert(SSL_CTX_get_cert_store(made->context_), root.get());
    ++count;
  }
  ERR_clear_error();
  if (count > 0) return made;
  return Error(
      Code::kInvalidArgument,
      fmt::format("{}: holds no certificate in PEM (-----BEGIN CERTIFICATE-----)", source));
}

ClientContext::~ClientContext() { SSL_CTX_free(context_); }

ssl_st* ClientContext::connect_to(const std::string& host) const {
  SSL* const ssl = SSL_new(context_);
  CHECK(ssl != nullptr, "memory for a TLS connection");
  SSL_set_connect_state(ssl);
  std::array<unsigned char, 16> bytes;
  const bool is_ip = ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
                     ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
  if (is_ip) {
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host.c_str());
  } else {
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    CHECK(SSL_set1_host(ssl, host.c_str()) == 1);
    SSL_set_tlsext_host_name(ssl, host.c_str());
  }
  return ssl;
}

}  // namespace thaw::tls
