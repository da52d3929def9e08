// SigningRequest: a new key for a domain's certificate, and the request that asks to sign it
// (PKCS #10). **Thread**: any. **Owner**: values.
#pragma once

#include <string>

#include "base/result.h"

namespace thaw::domains {

struct SigningRequest {
  std::string key_pem;  // P-256
  std::string der;
};

/// `domain`: a host name in small letters; kInvalidArgument otherwise.
Result<SigningRequest> make_signing_request(const std::string& domain);

}  // namespace thaw::domains
