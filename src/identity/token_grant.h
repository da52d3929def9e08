// A service account's own word for itself, signed with one of its keys, to be exchanged for a token
// (the JWT-bearer grant, RFC 7523). Pure.
//
// Thread: any. Owner: accounts outlive the call. Limits: words of kMaxToken bytes that hold for at
// most an hour.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "identity/service_accounts.h"

namespace thaw::identity {

struct TokenGrant {
  std::string email;
  std::string target_audience;  // "": an access token is wanted, no identity token
};

/// `audiences`: what the word may be meant for. kUnauthenticated says what is wrong with it.
Result<TokenGrant> read_grant(const ServiceAccounts& accounts, std::string_view assertion,
                              const std::vector<std::string>& audiences, WallTime now);

}  // namespace thaw::identity
