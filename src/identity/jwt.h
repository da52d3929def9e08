// JSON Web Tokens: their three parts, and what is said of time (RFC 7519). Whose signature counts
// is for others to say.
//
// Thread: any. Owner: the token outlives what was read of it. Limits: tokens of kMaxToken bytes.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"

namespace thaw::identity {

inline constexpr size_t kMaxToken = 8 << 10;

struct Jwt {
  Json header, body;
  std::string_view signed_text;
  std::string signature;
};
/// kUnauthenticated says what is wrong; also with any algorithm but RS256.
Result<Jwt> parse_jwt(std::string_view token);

struct Lifetime {
  WallTime issued, expires;
};
/// From "iat" and "exp": not over, and begun but for 30 s of grace. kUnauthenticated.
Result<Lifetime> read_lifetime(const Json& body, WallTime now);

}  // namespace thaw::identity
