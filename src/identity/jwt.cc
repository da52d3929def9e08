#include "identity/jwt.h"

#include <fmt/format.h>

#include <utility>

#include "base/base64.h"

namespace thaw::identity {
namespace {

constexpr Duration kGrace = seconds(30);

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

Result<Jwt> parse_jwt(std::string_view token) {
  if (token.size() > kMaxToken) return refused("the token is longer than 8 KiB");
  const size_t first = token.find('.');
  const size_t last = token.rfind('.');
  if (first == std::string_view::npos || first == last || token.find('.', first + 1) != last) {
    return refused("it is no token of three parts");
  }
  Jwt jwt;
  ASSIGN_OR_RETURN(jwt.header, part(token.substr(0, first), "header"));
  if (jwt.header.string_or("alg") != "RS256") return refused("the token is not signed with RS256");
  ASSIGN_OR_RETURN(jwt.body, part(token.substr(first + 1, last - first - 1), "body"));
  jwt.signed_text = token.substr(0, last);
  auto signature = from_base64(token.substr(last + 1));
  if (!signature) return refused("the token's signature is wrong");
  jwt.signature = *std::move(signature);
  return jwt;
}

Result<Lifetime> read_lifetime(const Json& body, WallTime now) {
  constexpr int64_t kLatest = 9'000'000'000;  // fits nanoseconds
  const int64_t issued = body.int_or("iat", -1);
  const int64_t expires = body.int_or("exp", -1);
  if (issued < 0 || expires < 0 || issued > kLatest || expires > kLatest) {
    return refused("the token has no iat or no exp");
  }
  const Lifetime life{WallTime(std::chrono::seconds(issued)),
                      WallTime(std::chrono::seconds(expires))};
  if (life.expires <= now) return refused("the token has expired");
  if (life.issued > now + kGrace) return refused("the token is of the future");
  return life;
}

}  // namespace thaw::identity
