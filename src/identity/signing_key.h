// SigningKey: the platform's RSA key, with which it signs identity tokens (RS256).
//
// Kept in a file that only its owner may read, made at the first use: written whole or not at all.
// Thread: any. Owner: a value that shares the key. Limits: 2048 bits.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "io/disk.h"

struct evp_pkey_st;

namespace thaw::identity {

/// The public half of an RSA key. Thread: any. Owner: a value that shares the key.
class PublicKey {
 public:
  /// kDataLoss: it is no public RSA key in PEM.
  static Result<PublicKey> from_pem(std::string_view pem);
  /// RSASSA-PKCS1-v1_5 with SHA-256.
  bool verifies(std::string_view text, std::string_view signature) const;

 private:
  explicit PublicKey(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}

  std::shared_ptr<evp_pkey_st> key_;
};

class SigningKey {
 public:
  /// Reads the key, or makes one and keeps it. kFailedPrecondition: others may read the file;
  /// kDataLoss: it is no such key.
  static Result<SigningKey> load_or_make(io::Disk& disk, const std::string& path);
  /// A key that is kept nowhere.
  static Result<SigningKey> make();

  /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518, 3.3).
  Result<std::string> sign(std::string_view text) const;
  bool verifies(std::string_view text, std::string_view signature) const;

  /// PKCS#8, which is a secret, and its public half.
  Result<std::string> private_pem() const;
  Result<std::string> public_pem() const;

  /// The name of the key in tokens: the thumbprint of its public half (RFC 7638).
  const std::string& id() const { return id_; }
  /// A JSON Web Key Set with the public half (RFC 7517, 5).
  Json public_key_set() const;

 private:
  explicit SigningKey(std::shared_ptr<evp_pkey_st> key);
  std::string component(const char* name) const;

  std::shared_ptr<evp_pkey_st> key_;
  std::string modulus_, exponent_;  // base64url
  std::string id_;
};

}  // namespace thaw::identity
