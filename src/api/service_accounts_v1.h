// The IAM API's service accounts and their keys, and IAM Credentials' signBlob.
//
// Thread: the loop's. Owner: accounts and guard outlive the routes.
#pragma once

#include <vector>

#include "api/router.h"
#include "identity/guard.h"
#include "identity/service_accounts.h"

namespace thaw::api {

std::vector<Route> service_accounts_v1_routes(identity::ServiceAccounts& accounts,
                                              identity::Guard& guard);

}  // namespace thaw::api
