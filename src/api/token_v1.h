// Where the key file of a service account is exchanged for tokens: its token_uri (OAuth 2.0, the
// JWT-bearer grant).
//
// Thread: the loop's. Owner: guard and accounts outlive the routes.
#pragma once

#include <string_view>
#include <vector>

#include "api/router.h"
#include "identity/guard.h"
#include "identity/service_accounts.h"
#include "io/clock.h"

namespace thaw::api {

inline constexpr std::string_view kTokenPath = "/oauth2/v4/token";

std::vector<Route> token_v1_routes(const identity::ServiceAccounts& accounts,
                                   identity::Guard& guard, const io::Clock& clock);

}  // namespace thaw::api
