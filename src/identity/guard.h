// Guard: the policies of all services, kept in the state database, and the check of a caller.
//
// Thread: the loop's. Owner: database and clock outlive it. Limits: as policy.h and id_token.h; the
// last kRemembered good tokens are not verified again before they expire.
#pragma once

#include <functional>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "identity/id_token.h"
#include "identity/policy.h"
#include "io/clock.h"
#include "store/database.h"

namespace thaw::identity {

/// What access tokens are for: nobody's URL, so they open no service.
inline constexpr std::string_view kAccessAudience = "access";
inline constexpr size_t kLongestAudience = 2000;  // bytes of what a caller asks a token for

class Guard {
 public:
  Guard(store::Database& database, io::Clock& clock, SigningKey key, std::string issuer);

  /// Reads the policies that are kept.
  Status load();

  const SigningKey& key() const { return key_; }
  const std::string& issuer() const { return issuer_; }
  /// The address under which the key set is served; known late.
  void set_issuer(std::string issuer) {
    issuer_ = std::move(issuer);
    made_.clear();
  }

  Policy policy_of(std::string_view service) const;
  /// Whether it was given one, and is not just open by default.
  bool has_policy(std::string_view service) const { return policies_.contains(service); }
  /// Kept durably before it holds.
  Status set_policy(const std::string& service, Policy policy);
  /// The service was deleted; one that is deployed anew under its name is open.
  Status forget(const std::string& service);

  struct Token {
    std::string text;
    WallTime expires;
  };
  /// A token for an account and an audience, valid for an hour when it is made and for kLeastLife
  /// more at least: the same one is given again, because a signature takes most of a millisecond.
  Result<Token> token_for(std::string_view email, std::string_view audience);
  /// More than the five minutes before its end at which Google's libraries fetch the next one:
  /// what they fetch then is another one.
  static constexpr Duration kLeastLife = std::chrono::minutes(6);

  struct Refusal {
    int status = 403;  // 401: there is a token and it is not good
    std::string why;
  };
  /// Whether a request may go to the service. `audiences`: what its token may be for, besides any
  /// URL whose host is `host` or `own_host`; asked only when the token is for something else.
  struct Request {
    std::string_view service;
    std::string_view host;           // that is called: a tag's, a domain, or its own; normalized
    std::string_view own_host;       // of the service's URL
    std::string_view authorization;  // the header's value; empty: none
    std::function<std::vector<std::string>()> audiences;
  };
  std::optional<Refusal> refusal(const Request& request);
  bool is_open(std::string_view service) const;

 private:
  static constexpr size_t kRemembered = 1000;
  struct Seen {
    std::string token;
    Claims claims;
  };
  Result<Claims> claims_of(std::string_view token);

  store::Database& database_;
  io::Clock& clock_;
  SigningKey key_;
  std::string issuer_;
  std::map<std::string, Policy, std::less<>> policies_;  // of those that are not open by default
  std::map<std::pair<std::string, std::string>, Token> made_;  // by account and audience
  std::list<Seen> seen_;                                       // the newest first
  std::unordered_map<std::string_view, std::list<Seen>::iterator> by_token_;
};

/// The host of "https://Demo.example.org:8080/path", normalized; empty when there is none.
std::string host_of_url(std::string_view url);

}  // namespace thaw::identity
