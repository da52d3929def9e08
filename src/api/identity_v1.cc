#include "api/identity_v1.h"

#include <algorithm>
#include <utility>

#include "api/reply.h"

namespace thaw::api {
namespace {

constexpr std::string_view kKeySet = "/oauth2/v3/certs";

Route route(std::string method, std::string pattern, std::string help,
            std::function<http::Response(const Call&)> handle) {
  return {std::move(method),
          std::move(pattern),
          {},
          std::move(help),
          [handle = std::move(handle)](const Call& call, http::Responder responder) {
            responder.answer(handle(call));
          }};
}

/// OpenID Connect Discovery 1.0, 3.
Json configuration(const std::string& issuer) {
  return Json::object({{"issuer", issuer},
                       {"jwks_uri", issuer + std::string(kKeySet)},
                       {"response_types_supported", Json::Array{"id_token"}},
                       {"subject_types_supported", Json::Array{"public"}},
                       {"id_token_signing_alg_values_supported", Json::Array{"RS256"}}});
}

bool is_account(std::string_view name) {
  constexpr size_t kLongest = 254;
  const size_t at = name.find('@');
  return name.size() <= kLongest && at != 0 && at != std::string_view::npos &&
         at + 1 < name.size() &&
         std::ranges::all_of(name, [](char c) { return c > ' ' && c < 0x7f && c != '"'; });
}

http::Response id_token(identity::Guard& guard, const Call& call) {
  const std::string& account = call.path.at("account");
  if (!is_account(account)) {
    return error_reply(Error(Code::kInvalidArgument,
                             "serviceAccounts: '" + account + "' is no account: NAME@DOMAIN"));
  }
  const auto body = Json::parse(call.request.body);
  if (!body) return error_reply(body.error());
  const std::string audience = body->string_or("audience");
  if (audience.empty() || audience.size() > identity::kLongestAudience) {
    return error_reply(
        Error(Code::kInvalidArgument, "audience: the URL of the service to be called is missing"));
  }
  const auto token = guard.token_for(account, audience);
  if (!token) return error_reply(token.error());
  return json_reply(Json::object({{"token", token->text}}));
}

}  // namespace

std::vector<Route> identity_v1_routes(identity::Guard& guard) {
  std::vector<Route> routes;
  routes.push_back(
      route("GET", "/.well-known/openid-configuration", "where the keys of identity tokens are",
            [&guard](const Call&) { return json_reply(configuration(guard.issuer())); }));
  routes.push_back(
      route("GET", std::string(kKeySet), "the public keys of identity tokens, a JWK set",
            [&guard](const Call&) { return json_reply(guard.key().public_key_set()); }));
  routes.push_back(route("POST", "/v1/projects/{project}/serviceAccounts/{account}:generateIdToken",
                         "a token of the account for `audience`, the URL of a private service",
                         [&guard](const Call& call) { return id_token(guard, call); }));
  return routes;
}

}  // namespace thaw::api
