#include "identity/guard.h"

#include <algorithm>

namespace thaw::identity {
namespace {

constexpr std::string_view kBearer = "bearer ";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::optional<std::string_view> bearer_token(std::string_view header) {
  if (header.size() < kBearer.size()) return std::nullopt;
  for (size_t i = 0; i < kBearer.size(); ++i) {
    if (lower(header[i]) != kBearer[i]) return std::nullopt;
  }
  header.remove_prefix(kBearer.size());
  while (header.starts_with(' ')) header.remove_prefix(1);
  while (header.ends_with(' ')) header.remove_suffix(1);
  return header;
}

}  // namespace

std::string host_of_url(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == std::string_view::npos) return "";
  const std::string_view name = url.substr(0, scheme);
  if (name != "http" && name != "https") return "";
  url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  if (url.find('@') != std::string_view::npos) return "";
  url = url.substr(0, url.rfind(':') == std::string_view::npos ? url.size() : url.rfind(':'));
  std::string host(url);
  std::transform(host.begin(), host.end(), host.begin(), lower);
  return host;
}

Guard::Guard(store::Database& database, io::Clock& clock, SigningKey key, std::string issuer)
    : database_(database), clock_(clock), key_(std::move(key)), issuer_(std::move(issuer)) {}

Status Guard::load() {
  auto rows = database_.query("SELECT service, policy FROM iam_policies");
  while (true) {
    ASSIGN_OR_RETURN(const bool more, rows.next());
    if (!more) return {};
    const std::string service(rows.text(0));
    const auto json = Json::parse(rows.text(1));
    auto policy = json ? read_policy(*json, Policy()) : Result<Policy>(json.error());
    // What cannot be read closes the service: it was closed by its owner once.
    policies_[service] = policy ? *std::move(policy) : Policy();
  }
}

Policy Guard::policy_of(std::string_view service) const {
  const auto found = policies_.find(service);
  return found != policies_.end() ? found->second : open_policy();
}

bool Guard::is_open(std::string_view service) const {
  if (policies_.empty()) return true;
  const auto found = policies_.find(service);
  return found == policies_.end() || identity::is_open(found->second);
}

Status Guard::set_policy(const std::string& service, Policy policy) {
  RETURN_IF_ERROR(database_
                      .query("INSERT INTO iam_policies(service, policy) VALUES(?, ?) "
                             "ON CONFLICT(service) DO UPDATE SET policy=excluded.policy")
                      .bind(service)
                      .bind(policy_json(policy).dump())
                      .run());
  policies_[service] = std::move(policy);
  return {};
}

Status Guard::forget(const std::string& service) {
  if (!policies_.contains(service)) return {};
  RETURN_IF_ERROR(database_.query("DELETE FROM iam_policies WHERE service=?").bind(service).run());
  policies_.erase(service);
  return {};
}

Result<Guard::Token> Guard::token_for(std::string_view email, std::string_view audience) {
  const WallTime now = clock_.wall_now();
  const std::pair asked{std::string(email), std::string(audience)};
  if (const auto found = made_.find(asked); found != made_.end()) {
    if (found->second.expires >= now + kLeastLife) return found->second;
  }
  Token token{.text = {}, .expires = now + kTokenLife};
  ASSIGN_OR_RETURN(token.text, make_token(key_, {.issuer = issuer_,
                                                 .audience = asked.second,
                                                 .email = asked.first,
                                                 .issued = now,
                                                 .expires = token.expires}));
  if (made_.size() >= kRemembered) made_.clear();
  made_[asked] = token;
  return token;
}

Result<Claims> Guard::claims_of(std::string_view token) {
  const WallTime now = clock_.wall_now();
  if (const auto found = by_token_.find(token); found != by_token_.end()) {
    if (found->second->claims.expires > now) {
      seen_.splice(seen_.begin(), seen_, found->second);
      return seen_.front().claims;
    }
    const auto old = found->second;
    by_token_.erase(found);
    seen_.erase(old);
  }
  ASSIGN_OR_RETURN(Claims claims, read_token(key_, token, issuer_, now));
  if (seen_.size() >= kRemembered) {
    by_token_.erase(seen_.back().token);
    seen_.pop_back();
  }
  seen_.push_front({std::string(token), claims});
  by_token_.emplace(seen_.front().token, seen_.begin());
  return claims;
}

std::optional<Guard::Refusal> Guard::refusal(const Request& request) {
  if (is_open(request.service)) return std::nullopt;
  const auto token = bearer_token(request.authorization);
  if (!token) {
    return Refusal{403,
                   "The request was not authenticated: this service takes only calls with an "
                   "identity token, as Authorization: Bearer TOKEN."};
  }
  const auto claims = claims_of(*token);
  if (!claims) {
    return Refusal{401,
                   "The request's identity token is refused: " + claims.error().message() + "."};
  }
  const auto is_named = [&] {
    if (!request.audiences) return false;
    const auto audiences = request.audiences();
    return std::ranges::find(audiences, claims->audience) != audiences.end();
  };
  const std::string meant = host_of_url(claims->audience);
  if (meant != request.host && meant != request.own_host && !is_named()) {
    return Refusal{401, "The request's identity token is refused: it is for another audience."};
  }
  if (!admits(policy_of(request.service), claims->email)) {
    return Refusal{403,
                   "The caller may not call this service: its account has no role "
                   "roles/run.invoker."};
  }
  return std::nullopt;
}

}  // namespace thaw::identity
