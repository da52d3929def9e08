#include "domains/signing_request.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/check.h"
#include "tls/authority.h"
#include "tls/owned.h"

namespace thaw::domains {

using tls::Owned;

Result<SigningRequest> make_signing_request(const std::string& domain) {
  if (!tls::is_host_name(domain) || domain.starts_with('*')) {
    return Error(Code::kInvalidArgument, fmt::format("'{}' is no host name", domain));
  }
  const Owned<EVP_PKEY, EVP_PKEY_free> key(EVP_EC_gen("P-256"));
  const Owned<X509_REQ, X509_REQ_free> request(X509_REQ_new());
  CHECK(key != nullptr && request != nullptr, "a key and a request");
  X509_REQ_set_version(request.get(), X509_REQ_VERSION_1);
  X509_REQ_set_pubkey(request.get(), key.get());

  const Owned<GENERAL_NAMES, GENERAL_NAMES_free> names(GENERAL_NAMES_new());
  GENERAL_NAME* const name = GENERAL_NAME_new();
  ASN1_IA5STRING* const text = ASN1_IA5STRING_new();
  ASN1_STRING_set(text, domain.data(), static_cast<int>(domain.size()));
  GENERAL_NAME_set0_value(name, GEN_DNS, text);
  sk_GENERAL_NAME_push(names.get(), name);
  STACK_OF(X509_EXTENSION)* extensions = nullptr;
  CHECK(X509V3_add1_i2d(&extensions, NID_subject_alt_name, names.get(), 0, 0) == 1);
  X509_REQ_add_extensions(request.get(), extensions);
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  CHECK(X509_REQ_sign(request.get(), key.get(), EVP_sha256()) > 0, "a signature");

  SigningRequest made;
  unsigned char* der = nullptr;
  const int size = i2d_X509_REQ(request.get(), &der);
  CHECK(size > 0);
  made.der.assign(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  const Owned<BIO, BIO_free_all> bio(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) == 1);
  char* pem = nullptr;
  const auto length = BIO_get_mem_data(bio.get(), &pem);
  made.key_pem.assign(pem, static_cast<size_t>(length));
  return made;
}

}  // namespace thaw::domains
