#include "domains/account_key.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <array>

#include "base/base64.h"
#include "base/check.h"
#include "tls/owned.h"
#include "tls/private_file.h"

namespace thaw::domains {
namespace {

using tls::Owned;

constexpr int kBytes = 32;  // of a number of P-256

std::string number_text(const BIGNUM* number) {
  std::string bytes(kBytes, '\0');
  CHECK(BN_bn2binpad(number, reinterpret_cast<unsigned char*>(bytes.data()), kBytes) == kBytes);
  return bytes;
}

std::string coordinate(EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  CHECK(EVP_PKEY_get_bn_param(key, name, &number) == 1);
  const Owned<BIGNUM, BN_free> owned(number);
  return base64_url(number_text(number));
}

bool is_p256(EVP_PKEY* key) {
  std::array<char, 64> group{};
  size_t size = 0;
  return EVP_PKEY_is_a(key, "EC") == 1 &&
         EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) == 1 &&
         std::string_view(group.data(), size) == "prime256v1";
}

std::string pem_of(EVP_PKEY* key) {
  const Owned<BIO, BIO_free_all> bio(BIO_new(BIO_s_mem()));
  CHECK(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  char* text = nullptr;
  const auto size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<size_t>(size)};
}

}  // namespace

AccountKey::AccountKey(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {
  x_ = coordinate(key_.get(), OSSL_PKEY_PARAM_EC_PUB_X);
  y_ = coordinate(key_.get(), OSSL_PKEY_PARAM_EC_PUB_Y);
  // RFC 7638, 3: the required members in the order of the alphabet, without blanks.
  thumbprint_ = base64_url(
      tls::sha256(fmt::format(R"({{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}})", x_, y_)));
}

Result<AccountKey> AccountKey::load_or_make(io::Disk& disk, const std::string& path) {
  if (!disk.exists(path)) {
    std::shared_ptr<EVP_PKEY> made(EVP_EC_gen("P-256"), EVP_PKEY_free);
    CHECK(made != nullptr, "a P-256 key");
    RETURN_IF_ERROR(disk.write_file_durably(path, pem_of(made.get())));
    return AccountKey(std::move(made));
  }
  ASSIGN_OR_RETURN(const std::string pem, tls::read_private_file(disk, path, kib(64)));
  const Owned<BIO, BIO_free_all> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::shared_ptr<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, tls::no_passphrase, nullptr), EVP_PKEY_free);
  ERR_clear_error();
  if (!key || !is_p256(key.get())) {
    return Error(Code::kDataLoss, fmt::format("{}: is no P-256 key in PEM; remove it to get a new "
                                              "account",
                                              path));
  }
  return AccountKey(std::move(key));
}

Json AccountKey::jwk() const {
  return Json::object({{"kty", "EC"}, {"crv", "P-256"}, {"x", x_}, {"y", y_}});
}

std::string AccountKey::sign(Json fields, std::string_view payload) const {
  fields.set("alg", "ES256");
  const std::string head = base64_url(fields.dump());
  const std::string body = base64_url(payload);
  const std::string text = head + "." + body;
  const Owned<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
  std::array<unsigned char, 80> der;
  size_t size = der.size();
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  CHECK(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1 &&
            EVP_DigestSign(context.get(), der.data(), &size, bytes, text.size()) == 1,
        "a signature");
  // JWS wants the two numbers side by side (RFC 7518, 3.4), OpenSSL makes ASN.1 of them.
  const unsigned char* at = der.data();
  const Owned<ECDSA_SIG, ECDSA_SIG_free> signature(
      d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)));  // NOLINT(google-runtime-int)
  CHECK(signature != nullptr);
  const std::string numbers = number_text(ECDSA_SIG_get0_r(signature.get())) +
                              number_text(ECDSA_SIG_get0_s(signature.get()));
  return Json::object({{"protected", head}, {"payload", body}, {"signature", base64_url(numbers)}})
      .dump();
}

}  // namespace thaw::domains
