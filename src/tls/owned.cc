#include "tls/owned.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include "base/check.h"

namespace thaw::tls {

std::string last_fault() {
  const unsigned long code = ERR_peek_last_error();  // NOLINT(google-runtime-int)
  ERR_clear_error();
  if (code == 0) return "";
  const char* const reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "OpenSSL error " + std::to_string(code);
}

int no_passphrase(char*, int, int, void*) { return -1; }

std::string sha256(std::string_view text) {
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  CHECK(EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.data()), &size,
                   EVP_sha256(), nullptr) == 1);
  digest.resize(size);
  return digest;
}

}  // namespace thaw::tls
