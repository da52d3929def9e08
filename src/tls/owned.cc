#include "tls/owned.h"

#include <openssl/err.h>

namespace thaw::tls {

std::string last_fault() {
  const unsigned long code = ERR_peek_last_error();  // NOLINT(google-runtime-int)
  ERR_clear_error();
  if (code == 0) return "";
  const char* const reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "OpenSSL error " + std::to_string(code);
}

int no_passphrase(char*, int, int, void*) { return -1; }

}  // namespace thaw::tls
