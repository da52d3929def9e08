#include "api/token_v1.h"

#include <fmt/format.h>

#include <string>

#include "api/reply.h"
#include "http/query.h"
#include "identity/id_token.h"
#include "identity/token_grant.h"

namespace thaw::api {
namespace {

constexpr std::string_view kGrantType = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// RFC 6749, 5.2.
http::Response refusal(std::string_view error, std::string_view description, int status = 400) {
  return json_reply(Json::object({{"error", error}, {"error_description", description}}), status);
}

http::Response kept_nowhere(const Json& body) {
  http::Response response = json_reply(body);
  response.headers.add("cache-control", "no-store");
  return response;
}

/// This path as it was called and as key files name it; and what Google's libraries write whatever
/// the key file says.
std::vector<std::string> audiences(const http::Request& request, const std::string& issuer) {
  return {issuer + std::string(kTokenPath),
          fmt::format("{}://{}{}", request.scheme(), request.host, kTokenPath),
          "https://oauth2.googleapis.com/token", "https://www.googleapis.com/oauth2/v4/token"};
}

http::Response exchange(const identity::ServiceAccounts& accounts, identity::Guard& guard,
                        const io::Clock& clock, const http::Request& request) {
  const http::Query form = http::parse_query(request.body);
  const auto type = http::find(form, "grant_type").value_or("");
  if (type != kGrantType) {
    return refusal("unsupported_grant_type",
                   fmt::format("grant_type: '{:.100}': only {} is known", type, kGrantType));
  }
  const auto assertion = http::find(form, "assertion").value_or("");
  if (assertion.empty()) return refusal("invalid_request", "assertion: is missing");
  const auto grant = identity::read_grant(accounts, assertion, audiences(request, guard.issuer()),
                                          clock.wall_now());
  if (!grant) return refusal("invalid_grant", grant.error().message());
  const bool is_identity = !grant->target_audience.empty();
  const auto token = guard.token_for(
      grant->email, is_identity ? grant->target_audience : identity::kAccessAudience);
  if (!token) return refusal("temporarily_unavailable", token.error().message(), 503);
  if (is_identity) return kept_nowhere(Json::object({{"id_token", token->text}}));
  const auto left =
      std::chrono::floor<std::chrono::seconds>(token->expires - clock.wall_now()).count();
  return kept_nowhere(Json::object({{"access_token", token->text},
                                    {"expires_in", static_cast<int64_t>(left)},
                                    {"token_type", "Bearer"}}));
}

}  // namespace

std::vector<Route> token_v1_routes(const identity::ServiceAccounts& accounts,
                                   identity::Guard& guard, const io::Clock& clock) {
  std::vector<Route> routes;
  routes.push_back({"POST",
                    std::string(kTokenPath),
                    {},
                    "an access or identity token for what a service account's key signed",
                    [&](const Call& call, http::Responder responder) {
                      responder.answer(exchange(accounts, guard, clock, call.request));
                    }});
  return routes;
}

}  // namespace thaw::api
