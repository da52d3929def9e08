#include "identity/id_token.h"

#include <utility>

#include "base/base64.h"
#include "base/json.h"

namespace thaw::identity {
namespace {

int64_t unix_seconds(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

Error refused(std::string why) { return Error(Code::kUnauthenticated, std::move(why)); }

}  // namespace

Result<std::string> make_token(const SigningKey& key, const Claims& claims) {
  const Json header = Json::object({{"alg", "RS256"}, {"kid", key.id()}, {"typ", "JWT"}});
  const Json body = Json::object({{"aud", claims.audience},
                                  {"azp", claims.email},
                                  {"email", claims.email},
                                  {"email_verified", true},
                                  {"exp", unix_seconds(claims.expires)},
                                  {"iat", unix_seconds(claims.issued)},
                                  {"iss", claims.issuer},
                                  {"sub", claims.email}});
  std::string token = base64_url(header.dump()) + "." + base64_url(body.dump());
  ASSIGN_OR_RETURN(const std::string signature, key.sign(token));
  return token + "." + base64_url(signature);
}

Result<Claims> read_token(const SigningKey& key, std::string_view token, std::string_view issuer,
                          WallTime now) {
  ASSIGN_OR_RETURN(const Jwt jwt, parse_jwt(token));
  if (jwt.header.string_or("kid") != key.id())
    return refused("the token is signed with an unknown key");
  if (!key.verifies(jwt.signed_text, jwt.signature)) {
    return refused("the token's signature is wrong");
  }
  if (jwt.body.string_or("iss") != issuer) return refused("the token is from another issuer");
  ASSIGN_OR_RETURN(const Lifetime life, read_lifetime(jwt.body, now));
  Claims claims{.issuer = std::string(issuer),
                .audience = jwt.body.string_or("aud"),
                .email = jwt.body.string_or("email"),
                .issued = life.issued,
                .expires = life.expires};
  if (claims.email.empty()) return refused("the token names nobody");
  return claims;
}

}  // namespace thaw::identity
