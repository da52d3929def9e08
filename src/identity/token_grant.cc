#include "identity/token_grant.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "identity/guard.h"
#include "identity/jwt.h"

namespace thaw::identity {
namespace {

constexpr Duration kLongest = std::chrono::hours(1);

Error refused(std::string why) { return Error(Code::kUnauthenticated, std::move(why)); }

}  // namespace

Result<TokenGrant> read_grant(const ServiceAccounts& accounts, std::string_view assertion,
                              const std::vector<std::string>& audiences, WallTime now) {
  ASSIGN_OR_RETURN(const Jwt jwt, parse_jwt(assertion));
  TokenGrant grant{.email = jwt.body.string_or("iss"),
                   .target_audience = jwt.body.string_or("target_audience")};
  // What is wrong with a word is told only to who has a key.
  if (accounts.judge(grant.email, jwt.signed_text, jwt.signature) !=
      ServiceAccounts::Verdict::kGood) {
    return refused(
        fmt::format("iss: no key of the account '{:.260}' made the signature", grant.email));
  }
  const std::string audience = jwt.body.string_or("aud");
  if (std::ranges::find(audiences, audience) == audiences.end()) {
    return refused(fmt::format("aud: '{:.200}' is not this server: {}", audience, audiences[0]));
  }
  ASSIGN_OR_RETURN(const Lifetime life, read_lifetime(jwt.body, now));
  if (life.expires - life.issued > kLongest) return refused("exp: is over an hour after iat");
  if (jwt.body.string_or("sub", grant.email) != grant.email) {
    return refused("sub: an account speaks for itself only");
  }
  if (grant.target_audience.size() > kLongestAudience) {
    return refused("target_audience: is longer than 2000 bytes");
  }
  if (grant.target_audience.empty() && jwt.body.string_or("scope").empty()) {
    return refused("scope, or target_audience for an identity token, is missing");
  }
  return grant;
}

}  // namespace thaw::identity
