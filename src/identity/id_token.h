// Identity tokens: who calls, signed by the platform, as JSON Web Tokens in the form that Google
// gives its service accounts (RFC 7519; OpenID Connect Core, 2).
//
// Thread: any. Owner: values. Limits: tokens of 8 KiB.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "identity/jwt.h"
#include "identity/signing_key.h"

namespace thaw::identity {

struct Claims {
  std::string issuer;
  std::string audience;  // the URL that is called
  std::string email;     // of the service account
  WallTime issued{};
  WallTime expires{};

  bool operator==(const Claims&) const = default;
};

inline constexpr Duration kTokenLife = std::chrono::hours(1);

Result<std::string> make_token(const SigningKey& key, const Claims& claims);

/// Checks form, algorithm (RS256 only), key, signature, issuer and time (with 30 s of grace for
/// issued, none for expires); not the audience. kUnauthenticated says what is wrong.
Result<Claims> read_token(const SigningKey& key, std::string_view token, std::string_view issuer,
                          WallTime now);

}  // namespace thaw::identity
