// AccountKey: the key with which an ACME account signs its requests (ES256), kept in a file.
//
// Thread: any. Owner: a value that shares the key. Limits: P-256.
// Source: RFC 8555, 6.2 and 8.1; RFC 7515 (JWS), 7517 (JWK), 7638 (thumbprints).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "io/disk.h"

struct evp_pkey_st;

namespace thaw::domains {

class AccountKey {
 public:
  /// Reads the key, or makes one and keeps it. kFailedPrecondition: others may read the file;
  /// kDataLoss: it holds no such key.
  static Result<AccountKey> load_or_make(io::Disk& disk, const std::string& path);

  /// The public half.
  Json jwk() const;
  const std::string& thumbprint() const { return thumbprint_; }
  /// A flattened JWS of `payload` under these protected fields; "alg" is added.
  std::string sign(Json fields, std::string_view payload) const;

 private:
  explicit AccountKey(std::shared_ptr<evp_pkey_st> key);

  std::shared_ptr<evp_pkey_st> key_;
  std::string x_, y_;  // base64url
  std::string thumbprint_;
};

}  // namespace thaw::domains
