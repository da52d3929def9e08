#include "tls/certificate.h"

#include <fmt/format.h>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <optional>

namespace thaw::tls {
namespace {

using Bio = Owned<BIO, BIO_free_all>;
using Names = Owned<GENERAL_NAMES, GENERAL_NAMES_free>;
using Context = Owned<SSL_CTX, SSL_CTX_free>;

Error wrong(const std::string& where, std::string what) {
  return {Code::kInvalidArgument, fmt::format("{}: {}", where, what)};
}

Bio reader(std::string_view pem) {
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

void free_chain(STACK_OF(X509) * chain) { sk_X509_pop_free(chain, X509_free); }

/// nullopt: years that neither ASN.1 nor the wall clock's 64 bits have.
std::optional<WallTime> to_wall(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  const int64_t at = ::timegm(&parts);
  constexpr int64_t kLast = 9'000'000'000;  // year 2255
  return WallTime(std::chrono::seconds(std::clamp<int64_t>(at, -kLast, kLast)));
}

std::string text_of(const ASN1_STRING* value) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
          static_cast<size_t>(ASN1_STRING_length(value))};
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
  return text;
}

std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> found;
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    std::string text = lower(text_of(name->d.dNSName));
    if (!text.empty() && text.find('\0') == std::string::npos) found.push_back(std::move(text));
  }
  return found;
}

std::string issuer_of(X509* certificate) {
  const Bio out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), X509_get_issuer_name(certificate), 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<size_t>(size)};
}

/// Whether OpenSSL would serve with them, at the strength that the server asks for.
Status try_out(const Certificate& certificate, const CertificateSource& source) {
  const Context context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_set_security_level(context.get(), 2);
  if (SSL_CTX_use_cert_and_key(context.get(), certificate.leaf(), certificate.key(),
                               certificate.chain(), 1) == 1) {
    return {};
  }
  return wrong(source.chain, fmt::format("cannot be served with: {}", last_fault()));
}

}  // namespace

bool name_covers(std::string_view name, std::string_view host) {
  if (!name.starts_with("*.")) return name == host;
  const size_t dot = host.find('.');
  return dot != std::string_view::npos && dot > 0 && host.substr(dot) == name.substr(1);
}

Result<Certificate> Certificate::parse(std::string_view chain, std::string_view key,
                                       const CertificateSource& source) {
  ERR_clear_error();
  Certificate made;
  const Bio certificates = reader(chain);
  made.leaf_.reset(PEM_read_bio_X509(certificates.get(), nullptr, no_passphrase, nullptr),
                   X509_free);
  if (!made.leaf_) {
    ERR_clear_error();
    return wrong(source.chain, "holds no certificate in PEM (-----BEGIN CERTIFICATE-----)");
  }
  made.chain_.reset(sk_X509_new_null(), free_chain);
  while (X509* const issuer =
             PEM_read_bio_X509(certificates.get(), nullptr, no_passphrase, nullptr)) {
    sk_X509_push(made.chain_.get(), issuer);
  }
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
    return wrong(source.chain, fmt::format("certificate {} of the chain is malformed: {}",
                                           sk_X509_num(made.chain_.get()) + 2, last_fault()));
  }
  ERR_clear_error();
  made.key_.reset(PEM_read_bio_PrivateKey(reader(key).get(), nullptr, no_passphrase, nullptr),
                  EVP_PKEY_free);
  if (!made.key_) {
    ERR_clear_error();
    const bool is_locked = key.find("ENCRYPTED") != std::string_view::npos;
    return wrong(source.key, is_locked
                                 ? "the private key has a passphrase; take it off with "
                                   "'openssl pkey -in FILE -out FILE'"
                                 : "holds no private key in PEM (-----BEGIN PRIVATE KEY-----)");
  }
  if (X509_check_private_key(made.leaf_.get(), made.key_.get()) != 1) {
    ERR_clear_error();
    return wrong(
        source.key,
        fmt::format("this private key does not belong to the certificate in {}", source.chain));
  }
  RETURN_IF_ERROR(made.read(source));
  RETURN_IF_ERROR(try_out(made, source));
  return made;
}

Result<Certificate> Certificate::of(std::shared_ptr<x509_st> leaf,
                                    std::shared_ptr<evp_pkey_st> key) {
  Certificate made;
  made.leaf_ = std::move(leaf);
  made.key_ = std::move(key);
  made.chain_.reset(sk_X509_new_null(), free_chain);
  RETURN_IF_ERROR(made.read({"a certificate of our own", ""}));
  return made;
}

/// What stands in the leaf.
Status Certificate::read(const CertificateSource& source) {
  const auto from = to_wall(X509_get0_notBefore(leaf_.get()));
  const auto until = to_wall(X509_get0_notAfter(leaf_.get()));
  if (!from || !until) return wrong(source.chain, "its times are malformed");
  not_before_ = *from;
  not_after_ = *until;
  names_ = names_of(leaf_.get());
  issuer_ = issuer_of(leaf_.get());
  return {};
}

Status Certificate::check_time(WallTime now, const CertificateSource& source) const {
  if (now >= not_after_) {
    return Error(Code::kFailedPrecondition, fmt::format("{}: the certificate expired at {}",
                                                        source.chain, format_rfc3339(not_after_)));
  }
  if (now < not_before_) {
    return Error(Code::kFailedPrecondition,
                 fmt::format("{}: the certificate is not valid before {}", source.chain,
                             format_rfc3339(not_before_)));
  }
  return {};
}

bool Certificate::covers(std::string_view host) const {
  return std::any_of(names_.begin(), names_.end(),
                     [&](const std::string& name) { return name_covers(name, host); });
}

}  // namespace thaw::tls
