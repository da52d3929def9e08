#include "identity/id_token.h"

#include <fmt/format.h>

#include "base/base64.h"
#include "base/json.h"

namespace thaw::identity {
namespace {

constexpr Duration kGrace = seconds(30);

int64_t unix_seconds(WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

Error refused(std::string why) { return Error(Code::kUnauthenticated, std::move(why)); }

/// A part of a token: JSON in base64url.
Result<Json> part(std::string_view text, std::string_view what) {
  const auto bytes = from_base64(text);
  if (!bytes) return refused(fmt::format("the token's {} is no base64url", what));
  auto json = Json::parse(*bytes);
  if (!json || !json->is_object())
    return refused(fmt::format("the token's {} is no JSON object", what));
  return json;
}

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
  if (token.size() > kMaxToken) return refused("the token is longer than 8 KiB");
  const size_t first = token.find('.');
  const size_t last = token.rfind('.');
  if (first == std::string_view::npos || first == last || token.find('.', first + 1) != last) {
    return refused("it is no token of three parts");
  }
  ASSIGN_OR_RETURN(const Json header, part(token.substr(0, first), "header"));
  if (header.string_or("alg") != "RS256") return refused("the token is not signed with RS256");
  if (header.string_or("kid") != key.id())
    return refused("the token is signed with an unknown key");
  const auto signature = from_base64(token.substr(last + 1));
  if (!signature || !key.verifies(token.substr(0, last), *signature)) {
    return refused("the token's signature is wrong");
  }
  ASSIGN_OR_RETURN(const Json body, part(token.substr(first + 1, last - first - 1), "body"));
  if (body.string_or("iss") != issuer) return refused("the token is from another issuer");
  constexpr int64_t kLatest = 9'000'000'000;  // fits nanoseconds
  const int64_t issued = body.int_or("iat", -1);
  const int64_t expires = body.int_or("exp", -1);
  if (issued < 0 || expires < 0 || issued > kLatest || expires > kLatest) {
    return refused("the token has no iat or no exp");
  }
  Claims claims{.issuer = std::string(issuer),
                .audience = body.string_or("aud"),
                .email = body.string_or("email"),
                .issued = WallTime(std::chrono::seconds(issued)),
                .expires = WallTime(std::chrono::seconds(expires))};
  if (claims.expires <= now) return refused("the token has expired");
  if (claims.issued > now + kGrace) return refused("the token is of the future");
  if (claims.email.empty()) return refused("the token names nobody");
  return claims;
}

}  // namespace thaw::identity
