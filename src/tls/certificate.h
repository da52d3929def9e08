// Certificate: a chain of certificates and the private key of its first, checked to fit each other.
//
// Thread: any. Owner: a value that shares what OpenSSL holds; the key never leaves it.
// Limits: RSA keys of at least 2048 bits, any named curve of at least 224; no key with a
// passphrase.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "tls/owned.h"

namespace thaw::tls {

/// Where a certificate was read from, for errors: file names, or words.
struct CertificateSource {
  std::string chain;
  std::string key;
};

class Certificate {
 public:
  /// Both in PEM; the chain begins with the server's own certificate, its issuers behind it.
  /// kInvalidArgument names the source and what is wrong: no PEM, no key, a key that belongs to
  /// another certificate, one too weak for TLS.
  static Result<Certificate> parse(std::string_view chain, std::string_view key,
                                   const CertificateSource& source);

  /// kFailedPrecondition when it cannot be used at `now`: expired, or not valid yet.
  Status check_time(WallTime now, const CertificateSource& source) const;

  /// Host names it stands for, in small letters: "api.example.org", "*.example.org". The subject's
  /// common name does not count (RFC 9525, 2).
  const std::vector<std::string>& names() const { return names_; }
  bool covers(std::string_view host) const;
  WallTime not_before() const { return not_before_; }
  WallTime not_after() const { return not_after_; }
  /// The issuer's distinguished name: "CN=Example CA,O=Example".
  const std::string& issuer() const { return issuer_; }

  // For the room.

  /// Of what this program has made itself, and so need not be checked.
  static Result<Certificate> of(std::shared_ptr<x509_st> leaf, std::shared_ptr<evp_pkey_st> key);
  x509_st* leaf() const { return leaf_.get(); }
  evp_pkey_st* key() const { return key_.get(); }
  stack_st_X509* chain() const { return chain_.get(); }

 private:
  Certificate() = default;
  Status read(const CertificateSource& source);

  std::shared_ptr<x509_st> leaf_;
  std::shared_ptr<evp_pkey_st> key_;
  std::shared_ptr<stack_st_X509> chain_;  // without the leaf
  std::vector<std::string> names_;
  WallTime not_before_{}, not_after_{};
  std::string issuer_;
};

/// Whether a certificate's `name`, which may begin with "*.", stands for `host` (RFC 9525, 6.3: the
/// star is one whole label). Both in small letters.
bool name_covers(std::string_view name, std::string_view host);

}  // namespace thaw::tls
