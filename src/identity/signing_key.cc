#include "identity/signing_key.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sys/stat.h>

#include <vector>

#include "base/base64.h"
#include "base/check.h"
#include "tls/owned.h"

namespace thaw::identity {
namespace {

constexpr unsigned kBits = 2048;

using Bio = tls::Owned<BIO, BIO_free_all>;
using Context = tls::Owned<EVP_MD_CTX, EVP_MD_CTX_free>;

/// What `write` writes.
template <class Write>
Result<std::string> pem_of(Write write) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (!bio || write(bio.get()) != 1) {
    return Error(Code::kInternal, "a key cannot be written as PEM");
  }
  char* text = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &text);
  return std::string(text, static_cast<size_t>(size));
}

bool is_signature(evp_pkey_st* key, std::string_view text, std::string_view signature) {
  const Context context(EVP_MD_CTX_new());
  return EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()),
                          signature.size(), reinterpret_cast<const unsigned char*>(text.data()),
                          text.size()) == 1;
}

}  // namespace

Result<PublicKey> PublicKey::from_pem(std::string_view pem) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::shared_ptr<evp_pkey_st> key(
      PEM_read_bio_PUBKEY(bio.get(), nullptr, tls::no_passphrase, nullptr), EVP_PKEY_free);
  if (!key || EVP_PKEY_is_a(key.get(), "RSA") != 1) {
    return Error(Code::kDataLoss, "is no public RSA key in PEM");
  }
  return PublicKey(std::move(key));
}

bool PublicKey::verifies(std::string_view text, std::string_view signature) const {
  return is_signature(key_.get(), text, signature);
}

SigningKey::SigningKey(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {
  modulus_ = component(OSSL_PKEY_PARAM_RSA_N);
  exponent_ = component(OSSL_PKEY_PARAM_RSA_E);
  id_ = base64_url(
      tls::sha256(fmt::format(R"({{"e":"{}","kty":"RSA","n":"{}"}})", exponent_, modulus_)));
}

std::string SigningKey::component(const char* name) const {
  BIGNUM* number = nullptr;
  CHECK(EVP_PKEY_get_bn_param(key_.get(), name, &number) == 1);
  const tls::Owned<BIGNUM, BN_free> owned(number);
  std::string bytes(static_cast<size_t>(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
  return base64_url(bytes);
}

Result<SigningKey> SigningKey::make() {
  std::shared_ptr<evp_pkey_st> key(EVP_RSA_gen(kBits), EVP_PKEY_free);
  if (!key) return Error(Code::kInternal, "no RSA key can be made");
  return SigningKey(std::move(key));
}

Result<SigningKey> SigningKey::load_or_make(io::Disk& disk, const std::string& path) {
  constexpr ByteCount kLargest = kib(64);
  if (!disk.exists(path)) {
    ASSIGN_OR_RETURN(SigningKey made, make());
    ASSIGN_OR_RETURN(const std::string pem, made.private_pem());
    RETURN_IF_ERROR(disk.write_file_durably(path, pem));
    return made;
  }
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0 && (info.st_mode & 077) != 0) {
    return Error(Code::kFailedPrecondition,
                 fmt::format("{}: others may read this private key; chmod 600 it, or remove it to "
                             "get a new one",
                             path));
  }
  ASSIGN_OR_RETURN(const std::string pem, disk.read_file(path, kLargest));
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::shared_ptr<evp_pkey_st> key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, tls::no_passphrase, nullptr), EVP_PKEY_free);
  if (!key || EVP_PKEY_is_a(key.get(), "RSA") != 1 || EVP_PKEY_get_bits(key.get()) < 2048) {
    return Error(Code::kDataLoss,
                 fmt::format("{}: is no RSA key in PEM of 2048 bits or more; remove "
                             "it to get a new one",
                             path));
  }
  return SigningKey(std::move(key));
}

Result<std::string> SigningKey::sign(std::string_view text) const {
  const Context context(EVP_MD_CTX_new());
  std::string signature(static_cast<size_t>(EVP_PKEY_get_size(key_.get())), '\0');
  size_t size = signature.size();
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     bytes, text.size()) != 1) {
    return Error(Code::kInternal, "a token cannot be signed");
  }
  signature.resize(size);
  return signature;
}

bool SigningKey::verifies(std::string_view text, std::string_view signature) const {
  return is_signature(key_.get(), text, signature);
}

Result<std::string> SigningKey::private_pem() const {
  return pem_of([&](BIO* bio) {
    return PEM_write_bio_PrivateKey(bio, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

Result<std::string> SigningKey::public_pem() const {
  return pem_of([&](BIO* bio) { return PEM_write_bio_PUBKEY(bio, key_.get()); });
}

Json SigningKey::public_key_set() const {
  return Json::object({{"keys", Json::Array{Json::object({{"kty", "RSA"},
                                                          {"alg", "RS256"},
                                                          {"use", "sig"},
                                                          {"kid", id_},
                                                          {"n", modulus_},
                                                          {"e", exponent_}})}}});
}

}  // namespace thaw::identity
